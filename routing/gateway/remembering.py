"""An answer as it is kept, and again as it is given."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from routing.cache.fingerprint import Unfit
from routing.cache.leases import leases
from routing.cache.lookups import MOST_BYTES, Question, rest
from routing.cache.valkey import valkey
from routing.contracts import Tier
from routing.gateway.accounting import input_tokens
from routing.gateway.exchange import Exchange, Refusal, Remembered
from routing.gateway.repeats import HEADER, hours_of, question_of, ruled_hours
from routing.gateway.resources import Resources
from routing.roster import Roster

# How an answer ends that says all it had to say, or all that it was given room for.
_WHOLE = frozenset(("stop", "length"))
_PASSING = 500  # statuses from here on are no fault of the request
_decode = msgspec.json.Decoder(Remembered).decode


async def question_of_exchange(exchange: Exchange, resources: Resources, first: Tier) -> Question | None:
    """What is asked, of a tier that is asked first; None where no kept answer will do. Raises BadWish."""
    holder, roster = exchange.holder, await resources.rosters.current()
    hours = wanted_hours(exchange, roster)
    if not hours:
        return None
    try:
        return question_of(
            exchange.request,
            exchange.headers,
            first,
            roster.tiers,
            is_pinned=exchange.plan.is_pinned,
            hours=hours,
            project_id=holder.project_id,
            project=holder.project_slug,
        )
    except Unfit:  # nested without end
        return None


def wanted_hours(exchange: Exchange, roster: Roster) -> float:
    """For how long an answer to a request may be kept, and given again; 0: not. Raises BadWish."""
    holder = exchange.holder
    ruled = ruled_hours(
        roster.rules, project=holder.project_slug, key_id=holder.key_id, task_type=exchange.caller.task_type
    )
    said = exchange.headers.get(HEADER, b"").decode("latin-1").strip().lower()
    return hours_of(exchange.request, said, ruled)


def written(exchange: Exchange, resources: Resources) -> bytes | None:
    """The answer that the client got, as it is kept; None where it must not be: it calls a tool, the gate doubts it,
    it comes from another tier since the first one failed, not all of it is there, or a budget's limit cut it off."""
    answer = exchange.answer
    if answer is None or exchange.client.is_gone or exchange.plan.is_makeshift:
        return None
    outcome, tier = answer.outcome, answer.trying.step.tier
    if any(tried.kind != "gate" and tried.tier_id != tier.id for tried in exchange.past):
        return None
    has_ended = outcome.finish_reason in _WHOLE or exchange.protocol == "openai.embeddings"
    held = exchange.held
    if outcome.finish_reason == "length" and held is not None and held.is_lowered and held.is_binding:
        return None
    if outcome.tool_calls or not has_ended or (answer.verdict is not None and not answer.verdict.passed):
        return None
    if exchange.tape is None:
        return None
    body = b"".join(exchange.tape) if exchange.sent_bytes else outcome.body
    said = msgspec.json.encode(
        Remembered(
            body=body,
            attempt_id=answer.trying.id,
            tier=tier.name,
            position=tier.position,
            model=tier.model,
            input_tokens=input_tokens(answer.usage),
            output_tokens=answer.usage.output,
            cost_nanousd=resources.cost(exchange, answer),
        )
    )
    return said if len(said) <= MOST_BYTES else None


def read(said: bytes, age_s: float) -> Remembered | None:
    """An answer that was kept so many seconds ago; None where that is none."""
    try:
        return replace(_decode(said), age_s=age_s)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def stands_in(exchange: Exchange, resources: Resources, refusal: Refusal) -> bool:
    """Whether an old answer is given since nobody can give a new one; then it is in `exchange.remembered`."""
    claim = exchange.claim
    if claim is None or claim.old is None or exchange.sent_bytes or exchange.client.is_gone:
        return False
    if refusal.status < _PASSING:
        return False
    exchange.remembered = read(claim.old, claim.old_age_s)
    if exchange.remembered is None:
        return False
    leases.forget(claim)
    resources.later(valkey().ask_from_loop(rest(claim)))
    resources.recalls.found(exchange)
    return True
