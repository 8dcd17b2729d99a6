"""What a stream has used so far, noted in the journal while it flows: what it is charged if this process is killed.

It is noted before the client gets what came, so that nobody has more of an answer than is charged. With few calls under
way that is every time that something came; with many, not before the journal's time allows it again.
"""

from __future__ import annotations

import time

from routing.gateway.accounting import cost_nanousd, counted
from routing.gateway.exchange import Answer, Trying
from routing.gateway.heard import Heard
from routing.gateway.journal import Journal
from routing.wire.streams import Relay

FEW = 40  # calls under way, of which everything is noted at once
MOST_A_S = 2_000  # notes of a process, where they are more


class Noting:
    """Of one stream. Call it whenever something came."""

    def __init__(self, journal: Journal, trying: Trying, relay: Relay, *, name: str = "") -> None:
        self._journal, self._trying, self._relay = journal, trying, relay
        self._name = name  # of the answer, as its head has it
        self._known: tuple[object, ...] = (None, None, 0)
        self._not_before = 0.0

    def __call__(self) -> None:
        """Note what is known now, if it is more than before. The end of an answer is noted at any time."""
        relay, trying = self._relay, self._trying
        said, told, came = known = relay.usage, relay.input_usage, relay.counted_output
        at = time.monotonic()
        if known == self._known or (at < self._not_before and not relay.is_finished):
            return
        self._known = known
        under_way = self._journal.open_attempts
        self._not_before = at + under_way / MOST_A_S if under_way > FEW else 0.0
        usage = said if said is not None else counted(told, prompt=trying.prompt_tokens, came=came)
        cost = cost_nanousd(trying.step.tier, usage)
        self._journal.hear(trying.id, Heard(usage, cost, at - trying.began, relay.provider_call_id or self._name))


def note_name(journal: Journal, trying: Trying, name: str) -> None:
    """Note what the provider calls an answer of which nothing but the head has come: it may tell of it later."""
    journal.hear(trying.id, Heard(None, None, 0.0, name))


def note_answer(journal: Journal, answer: Answer) -> None:
    """Note what an answer used that is kept while another one is asked for."""
    cost = cost_nanousd(answer.trying.step.tier, answer.usage)
    journal.hear(answer.trying.id, Heard(answer.usage, cost, answer.took_s, answer.outcome.provider_call_id))
