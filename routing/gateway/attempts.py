"""One attempt: a call of one provider from its first line in the journal to its last.

Whatever becomes of it, it is settled once: an answer when it has passed the gate, everything else here.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from msgspec.structs import replace

from routing.contracts import Attempt, Fault, FaultKind, Step, Tier, Usage
from routing.gateway.accounting import cost_nanousd, counted, input_tokens
from routing.gateway.asking import ask
from routing.gateway.exchange import Answer, Exchange, Outcome, Refusal, Trying
from routing.gateway.noting import note_answer
from routing.gateway.resources import Resources
from routing.ladder.faults import Tried
from routing.ladder.quality import agree
from routing.providers.failed import Failed
from routing.wire.sending import Prepared, prepare

# Output tokens that an attempt is charged with if the gateway dies and nothing sets a limit.
USUAL_OUTPUT = 4_096
# What failed so has cost nothing: the provider never began, or said no.
_COSTS_NOTHING: frozenset[FaultKind] = frozenset(
    {
        "account",
        "bad_request",
        "busy",
        "connect",
        "content_filter",
        "context_length",
        "forbidden_address",
        "model_missing",
        "quota",
        "rate_limited",
        "server",
        "unfit",
        "upstream_limited",
    }
)
_NOTHING = Usage()


async def attempt(exchange: Exchange, resources: Resources, step: Step) -> Fault | None:
    """Ask the tier of a step. None: the answer is in `exchange.answer`. A fault: the attempt is settled, and noted in
    `exchange.past`. Raises CannotCarry, and Refusal where the journal takes nothing."""
    waited_from = exchange.elapsed_s
    try:
        trying, outcome = await _asked(exchange, resources, step)
    except Failed as failure:
        exchange.past.append(Tried(step.tier.id, waited_from, failure.fault.kind))
        return failure.fault
    return _conclude(exchange, resources, trying, outcome)


async def sample(exchange: Exchange, resources: Resources, step: Step) -> Outcome | None:
    """Ask the tier of a step again for what it has answered already: to compare, nobody gets it. None where it gives no
    answer. It is in the journal and the ledger as any attempt is. Raises Refusal where the journal takes nothing."""
    try:
        trying, outcome = await _asked(exchange, resources, step)
    except Failed:
        return None
    took_s = time.monotonic() - trying.began
    usage = _usage(exchange, resources, trying, outcome)
    _write(exchange, resources, _attempt(exchange, trying, outcome, usage, outcome.fault, took_s))
    return outcome if outcome.fault is None else None


async def _asked(exchange: Exchange, resources: Resources, step: Step) -> tuple[Trying, Outcome]:
    """One call of a tier. Raises Failed where it has no place for one."""
    tier = step.tier
    prepared = _prepared(exchange, tier, tier.max_output)
    place = await resources.admit(tier)
    number = len(exchange.attempts) + (2 if exchange.answer else 1)
    trying = Trying(
        id=f"{exchange.id}-{number}",
        number=number,
        step=step,
        prepared=prepared,
        started_at=datetime.now(UTC),
        began=time.monotonic(),
        prompt_tokens=_prompt(exchange, resources, tier),
    )
    try:
        trying, reserved = await _reserved(exchange, resources, trying)
    except BaseException:
        await resources.give_back(place, tier)
        raise
    outcome = Outcome(fault=Fault(kind="cancelled", message="It was not ended."))
    try:
        await _begin(exchange, resources, trying, reserved)
        outcome = await ask(exchange, resources, trying)
    finally:
        await resources.release(place, tier, outcome.fault)
    return trying, outcome


async def _reserved(exchange: Exchange, resources: Resources, trying: Trying) -> tuple[Trying, Usage]:
    """An attempt with what budgets leave it, and what it is charged if nothing more becomes known. Raises Failed and
    Refusal where that is too little."""
    tier = trying.step.tier
    usage = _most(exchange, tier, trying.prompt_tokens)
    exchange.held = None
    exchange.held = held = await resources.budgets.hold(exchange, trying.id, usage, tier)
    if held is None:
        return trying, usage
    trying = replace(trying, is_reserved=True)
    if not held.is_binding:
        return trying, usage
    prepared = _prepared(exchange, tier, held.output, sets_limit=True)
    return replace(trying, prepared=prepared), replace(usage, output=held.output)


def _prepared(exchange: Exchange, tier: Tier, most: int | None, *, sets_limit: bool = False) -> Prepared:
    provider = tier.provider
    return prepare(
        exchange.asked,
        family=provider.family,
        model=tier.model,
        max_output=most,
        sets_limit=sets_limit,
        speaks=provider.speaks,
    )


def _conclude(exchange: Exchange, resources: Resources, trying: Trying, outcome: Outcome) -> Fault | None:
    took_s = time.monotonic() - trying.began
    usage = _usage(exchange, resources, trying, outcome)
    if outcome.fault is not None:
        exchange.past.append(Tried(trying.step.tier.id, trying.began - exchange.began, outcome.fault.kind))
        _write(exchange, resources, _attempt(exchange, trying, outcome, usage, outcome.fault, took_s))
        return outcome.fault
    refused = exchange.answer
    answer = Answer(trying=trying, outcome=outcome, usage=usage, took_s=took_s)
    if refused is not None:  # a better tier has answered
        findings = ", ".join(refused.verdict.findings) if refused.verdict else ""
        settle_answer(exchange, resources, refused, fault=Fault(kind="gate", message=findings))
        agreement = agree(refused.outcome.text, outcome.text)
        answer = replace(answer, climbed_from=refused.trying.id, agreement=agreement)
    exchange.answer = answer
    return None


def settle_answer(
    exchange: Exchange, resources: Resources, answer: Answer, *, fault: Fault | None = None, is_final: bool = True
) -> None:
    """Write down an answer: the one that the client got, or with a `fault` one that it did not, or one that was asked
    for more by us (`is_final` false)."""
    attempt = _attempt(exchange, answer.trying, answer.outcome, answer.usage, fault, answer.took_s)
    _write(
        exchange,
        resources,
        replace(
            attempt,
            verdict=answer.verdict,
            is_final=is_final and fault is None,
            climbed_from=answer.climbed_from,
            agreement=answer.agreement,
        ),
    )


def _write(exchange: Exchange, resources: Resources, attempt: Attempt) -> None:
    exchange.attempts.append(attempt)
    resources.flusher.over(attempt, exchange.caller)


async def _begin(exchange: Exchange, resources: Resources, trying: Trying, reserved: Usage) -> None:
    """Write down that it begins, as it is charged if nothing more is known, and what an answer cost that is kept
    meanwhile. Raises Refusal."""
    if exchange.answer is not None:
        note_answer(resources.journal, exchange.answer)
    try:
        resources.journal.begin(_lost(exchange, trying, reserved), exchange.caller)
    except OSError as error:
        await resources.budgets.release(exchange, exchange.held)
        message = f"The gateway cannot write down what it spends, so it spends nothing: {error.strerror or error}."
        raise Refusal(503, "journal_full", message, retry_after_s=10) from None


def _most(exchange: Exchange, tier: Tier, prompt_tokens: int) -> Usage:
    """What an attempt may come to."""
    limits = (exchange.request.features.max_output, tier.max_output)
    most = min((limit for limit in limits if limit is not None), default=USUAL_OUTPUT)
    if exchange.protocol == "openai.embeddings":
        most = 0
    room = max(tier.context_window - exchange.prompt_tokens, 0)
    return Usage(input_uncached=prompt_tokens, output=min(most, room), source="reserved")


def _lost(exchange: Exchange, trying: Trying, reserved: Usage) -> Attempt:
    """An attempt of which nothing more became known."""
    fault = Fault(kind="cancelled", message="The gateway ended before it did.")
    return _attempt(exchange, trying, Outcome(), reserved, fault, 0.0)


def _attempt(
    exchange: Exchange, trying: Trying, outcome: Outcome, usage: Usage, fault: Fault | None, took_s: float
) -> Attempt:
    tier = trying.step.tier
    return Attempt(
        id=trying.id,
        request_id=exchange.id,
        number=trying.number,
        tier_id=tier.id,
        tier=tier.name,
        position=tier.position,
        provider=tier.provider.name,
        model=tier.model,
        reason=trying.step.reason,
        started_at=trying.started_at,
        duration_s=took_s,
        ttft_s=outcome.ttft_s,
        usage=usage,
        provider_call_id=outcome.provider_call_id,
        finish_reason=outcome.finish_reason,
        fault=fault,
        cost_nanousd=cost_nanousd(tier, usage),
        prompt_chars=exchange.request.features.prompt_chars,
        is_pinned=exchange.plan.is_pinned,
        is_reserved=trying.is_reserved,
        compressed=exchange.shortened.saves if exchange.shortened else None,
    )


def _usage(exchange: Exchange, resources: Resources, trying: Trying, outcome: Outcome) -> Usage:
    """What an attempt used: as the provider says; else by what came, and by what its prompts usually are; else the
    prompt alone, where it may have been read; else nothing, where it was refused."""
    if (said := outcome.usage) is not None:
        if "vision" not in exchange.request.features.needs:
            resources.ratios.learn(trying.step.tier.id, exchange.size, input_tokens(said))
        return said
    fault = outcome.fault
    if exchange.protocol == "anthropic.count_tokens":
        return _NOTHING
    if fault is not None and not outcome.came and fault.kind in _COSTS_NOTHING:
        return _NOTHING
    if fault is not None and not outcome.came and outcome.input_usage is None:
        return Usage(input_uncached=trying.prompt_tokens, source="reserved")
    return counted(outcome.input_usage, prompt=trying.prompt_tokens, came=outcome.came)


def _prompt(exchange: Exchange, resources: Resources, tier: Tier) -> int:
    """The tokens of a prompt, estimated for a tier. A picture is long as text and short as tokens."""
    if "vision" in exchange.request.features.needs:
        return exchange.prompt_tokens
    return resources.ratios.tokens(exchange.size, tier.id)
