"""What a call's fields mean: totals and order of its buckets, its provider, quality flags as bits. Pure.

Source: formats.md §0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from telemetry.contracts import Call, Quality

# What senders say of a run that ended well, of one that failed, and of one that goes on.
DONE = frozenset({"done", "completed", "complete", "success", "succeeded", "ok"})
FAILED = frozenset({"failed", "failure", "error", "errored", "timeout", "timed_out", "aborted", "crashed"})
RUNNING = frozenset({"running", "in_progress", "in-progress", "started", "pending", "queued", "active", "working"})
_QUALITY_BITS: dict[str, int] = {name: 1 << place for place, name in enumerate(get_args(Quality))}
INPUTS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown")
_HALF = 2**31
_SUSPECT = -(2**62)
_PROVIDERS = {
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "gemini": "google",
    "aws.bedrock": "aws",
    "bedrock": "aws",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "mistral_ai": "mistral",
    "x_ai": "x-ai",
    "xai": "x-ai",
    "moonshot_ai": "moonshotai",
    "moonshot": "moonshotai",
}


def input_total(call: Call) -> int:
    """All input tokens of a call, cached or not: OTel's gen_ai.usage.input_tokens."""
    return call.input_uncached + call.cache_read + call.cache_write_5m + call.cache_write_1h + call.cache_write_unknown


def usage_rank(output: int, inputs: int, *, is_suspect: bool = False) -> int:
    """Which of two copies of one call is the fuller: by output, then by all input, for a streamed count only grows. A
    copy that is known to count too much comes after every other."""
    if output < _HALF and inputs < _HALF:
        rank = output * _HALF + inputs
    else:
        rank = min(output, _HALF - 1) * _HALF + min(inputs, _HALF - 1)
    return rank + _SUSPECT if is_suspect else rank


def usage_ranks(outputs: Sequence[int], inputs: Sequence[int]) -> Iterable[int]:
    """`usage_rank` of many calls, none of which is known to count too much."""
    if max(outputs, default=0) < _HALF and max(inputs, default=0) < _HALF:
        return [output * _HALF + total for output, total in zip(outputs, inputs, strict=True)]
    return map(usage_rank, outputs, inputs)


def quality_bits(flags: Iterable[str]) -> int:
    """Quality flags as one integer; the bit of a flag is its place in contracts.Quality."""
    bits = 0
    for flag in flags:
        bits |= _QUALITY_BITS[flag]
    return bits


def quality_names(bits: int) -> tuple[str, ...]:
    """The flags that `quality_bits` made an integer of."""
    return tuple(name for name, bit in _QUALITY_BITS.items() if bits & bit)


def provider_of(name: str) -> str:
    """One name for each provider, whichever convention a sender follows: gcp.gemini and gemini are google."""
    lowered = name.lower()
    return _PROVIDERS.get(lowered, lowered)


def usd(nanousd: int) -> str:
    """Nano-dollars as an exact decimal text of dollars with two to nine places: 71.36458935."""
    sign, whole, places = "-" if nanousd < 0 else "", abs(nanousd) // 10**9, f"{abs(nanousd) % 10**9:09d}"
    return f"{sign}{whole}.{places[:2]}{places[2:].rstrip('0')}"


def uncached(inputs: int, cached: int, *, is_exclusive: bool = False) -> tuple[int, tuple[Quality, ...]]:
    """Input tokens at full price, of a source's input count and of what it says was read from and written to a cache;
    and the flags of a call for which that had to be found out. `is_exclusive`: the source counts no cached input.

    A source that should count it, and counts less than was cached, counts it not: nothing is cut to 0. The converse
    proves nothing. Source: formats.md §9; langsmith-sdk #1858, mastra #16874 for costs below 0.
    """
    if is_exclusive:
        return inputs, ()
    if cached > inputs:
        return inputs, ("exclusive_input",)
    return inputs - cached, ()


def weighted_hundredths(
    *, uncached: int, cache_read: int, cache_write_5m: int, cache_write_1h: int, cache_write_unknown: int
) -> int:
    """Input weighed by what it costs beside uncached input, in hundredths of a token, so that it stays exact: a token
    read from a cache counts 0.1, one written to it 1.25, or 2 where it lives for an hour. Source: Anthropic's price
    list; observability.md §7.2."""
    written = cache_write_5m + cache_write_unknown
    return 100 * uncached + 10 * cache_read + 125 * written + 200 * cache_write_1h
