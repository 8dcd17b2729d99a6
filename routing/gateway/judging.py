"""What the quality gate is told of an answer."""

from __future__ import annotations

from routing.contracts import Verdict
from routing.gateway.exchange import Answer, Exchange
from routing.ladder.quality import Asked, Calibration, judge
from routing.wire.prompts import schema_of, texts, tools_of
from routing.wire.reading import Request

_JUDGED = frozenset(("openai.chat", "openai.completions", "openai.responses", "anthropic.messages"))


def verdict_on(
    exchange: Exchange, answer: Answer, *, calibration: Calibration, agreement: float = 0.0
) -> Verdict | None:
    """The verdict on an answer in text; None for what is none, such as vectors. `agreement` as `quality.agree`."""
    request, outcome, tier = exchange.request, answer.outcome, answer.trying.step.tier
    if request.protocol not in _JUDGED:
        return None
    plan = exchange.plan
    hoped = {step.tier.id: odds.p_good for step, odds in zip(plan.steps, plan.odds, strict=False)}
    return judge(
        request.features,
        _asked(request, with_prompt=bool(outcome.tool_calls)),
        text=outcome.text,
        tool_calls=outcome.tool_calls,
        finish_reason=outcome.finish_reason or "stop",
        key=(exchange.caller.task_type, tier.id),
        hoped=hoped.get(tier.id, 0.7),
        agreement=agreement,
        calibration=calibration,
    )


def _asked(request: Request, *, with_prompt: bool) -> Asked:
    """What answers are held to. All texts are looked through only for what a call of a tool names."""
    protocol, body = request.protocol, request.body
    return Asked(
        question=request.question,
        prompt=tuple(texts(protocol, body)) if with_prompt else (),
        schema=schema_of(protocol, body),
        tools=tools_of(body),
    )
