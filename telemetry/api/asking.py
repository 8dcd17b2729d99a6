"""A question about a run that is about to begin, and the answer, as they are sent. Pure but for DRF's errors.

Fields that mean nothing here are passed over, so that an agent may send what it sends when a run begins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from telemetry.api.checking import USUAL_OUTPUT, Checked
from telemetry.api.errors import BadBody, TooLarge, reason
from telemetry.contracts import Call, Label, Tokens
from telemetry.limits.checking import Question as CallQuestion
from telemetry.limits.windows import Whose
from telemetry.outlook.expected import Asked, Chance, Counts, Forecast, Level, Range
from telemetry.usage import usd

MAX_BYTES = 256 * 2**10


class Question(Struct, kw_only=True):
    """A run that is about to begin; whatever is not known is left out.

    Runs of one task have their description alike, or where there is none their task_id. `context_tokens`: of the first
    call, as far as they are known. `execution_id` ties the forecast to what becomes of the run. `session_id` is another
    name of `session`.
    """

    task_type: Label | None = None
    tool: Label | None = None
    agent: Label | None = None
    description: Annotated[str, Meta(max_length=20_000)] | None = None
    task_id: Label | None = None
    context_tokens: Tokens | None = None
    session: Label | None = None
    session_id: Label | None = None
    session_type: Label | None = None
    execution_id: Label | None = None
    objective: Label | None = None


class Quantiles(Struct):
    """Half of such runs come to no more than q50, nine of ten to no more than q90."""

    q50: int
    q90: int


class Dollars(Struct):
    """The same in US dollars, as exact decimals."""

    q50: str
    q90: str


class BudgetChance(Struct, kw_only=True):
    """A budget that holds for the run, and the probability that it is exceeded; null where nothing is known that is
    counted so. `spent` is what the session used before. Both are tokens, or exact decimals where it counts usd."""

    period: Literal["run", "session"]
    scope: str
    subject: str
    counts: Counts
    limit: int | str
    spent: int | str
    p_exceed: float | None


class Answer(Struct, kw_only=True):
    """What a run is expected to come to. Where `no_estimate` says why there is none, the figures are null. `budget` is
    what a check says of the run's first call now, with its context and the usual output; nothing is reserved."""

    id: str
    execution_id: str
    asked_at: str
    no_estimate: str | None
    tokens: Quantiles | None
    tokens_weighted: Quantiles | None
    cost_usd: Dollars | None
    duration_ms: Quantiles | None
    task_budget: BudgetChance | None
    session_budget: BudgetChance | None
    warns: bool
    level: Level
    n: int
    runs: int
    budget: Checked


_decode = msgspec.json.Decoder(Question).decode


def question_of(body: bytes) -> Asked:
    """What a body asks. Raises BadBody, TooLarge."""
    if len(body) > MAX_BYTES:
        raise TooLarge(f"A question has at most {MAX_BYTES} bytes.")
    try:
        said = _decode(body)
    except (ValueError, RecursionError) as error:
        raise BadBody(reason(error)) from None
    fields = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
    if any("\0" in value for value in fields.values() if isinstance(value, str)):
        raise BadBody("A text holds the character NUL.")
    session = fields.pop("session", "") or fields.get("session_id", "")
    return Asked(**{**fields, "session_id": session})


def first_call_of(asked: Asked, *, key_id: int, now: datetime) -> CallQuestion:
    """The question whether budgets have room for the first call of a run that is asked with a key."""
    names = ("session_id", "session_type", "agent", "task_type", "objective", "execution_id")
    whose = Whose(**{name: getattr(asked, name) for name in names}, key_id=key_id)
    call = Call(started_at=now, model="unknown", input_uncached=asked.context_tokens or 0, output=USUAL_OUTPUT)
    return CallQuestion(whose, call)


def answer_of(told: Forecast, asked: Asked, budget: Checked) -> Answer:
    """A forecast as it is sent."""
    return Answer(
        id=str(told.id),
        execution_id=asked.execution_id,
        asked_at=told.asked_at.isoformat().replace("+00:00", "Z"),
        no_estimate=told.why_none or None,
        tokens=_quantiles(told.tokens),
        tokens_weighted=_quantiles(told.weighted),
        cost_usd=Dollars(usd(cost.q50), usd(cost.q90)) if (cost := told.cost_nanousd) else None,
        duration_ms=_quantiles(told.duration_ms),
        task_budget=_likeliest(told, "run"),
        session_budget=_likeliest(told, "session"),
        warns=told.warns,
        level=told.level,
        n=told.n,
        runs=told.runs,
        budget=budget,
    )


def _quantiles(known: Range | None) -> Quantiles | None:
    return Quantiles(known.q50, known.q90) if known else None


def _likeliest(told: Forecast, period: Literal["run", "session"]) -> BudgetChance | None:
    """Of the budgets of a period the one that is likeliest to be exceeded."""
    chance = next((one for one in told.chances if one.period == period), None)
    if chance is None:
        return None
    return BudgetChance(
        period=period,
        scope=chance.scope,
        subject=chance.subject,
        counts=chance.counts,
        limit=_amount(chance, chance.limit),
        spent=_amount(chance, chance.spent),
        p_exceed=None if chance.probability is None else round(chance.probability, 4),
    )


def _amount(chance: Chance, amount: int) -> int | str:
    return usd(amount) if chance.counts == "usd" else amount
