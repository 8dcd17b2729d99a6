"""How many bytes of a request are a token, by tier: learned from what each provider says, for when it says nothing.

Counting by a tokenizer would be exact for few models, and a process that has one is ten megabytes larger and waits for
it. A tier's own receipts tell its tokenizer, its template and its tools at once.
"""

from __future__ import annotations

from math import exp, log

FIRST = 4.0  # bytes a token, before anything is known
_LEAST, _MOST = 1.0, 12.0
_WEIGHT = 0.1  # of the newest receipt
_SHORTEST = 200  # bytes: of shorter requests the template is most


class Ratios:
    """Of one process."""

    def __init__(self) -> None:
        self._logs: dict[int, float] = {}

    def tokens(self, size: int, tier_id: int | None = None) -> int:
        """What a request of so many bytes is likely to be in tokens, for a tier, or for one that is not chosen yet."""
        return int(size / exp(self._logs.get(tier_id or 0, log(FIRST)))) + 1

    def bytes_a_token(self, tier_id: int) -> float:
        """What a token of a tier is likely to be in bytes."""
        return exp(self._logs.get(tier_id, log(FIRST)))

    def learn(self, tier_id: int, size: int, tokens: int) -> None:
        """A tier said that a request of so many bytes were so many tokens."""
        if size < _SHORTEST or tokens <= 0 or not _LEAST <= size / tokens <= _MOST:
            return
        found = log(size / tokens)
        known = self._logs.get(tier_id, found)
        self._logs[tier_id] = known + _WEIGHT * (found - known)
