"""A question before a call, what it came to afterwards, and the answers, as they are sent. Pure but for DRF's errors.

Fields that mean nothing here are passed over, so that an agent may send what it sends when a call is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from telemetry.api.errors import BadBody, TooLarge, reason
from telemetry.contracts import Call, Label, Tokens
from telemetry.ledger.pricing import nanousd
from telemetry.limits.checking import Question
from telemetry.limits.granted import Counts, Mode, Period, Scope
from telemetry.limits.reserving import Unsettled
from telemetry.limits.windows import Reserved, Stage, Stand, Whose, advice, ends_at, refusal
from telemetry.usage import INPUTS, usd

MAX_BYTES = 64 * 2**10
USUAL_OUTPUT = 4_096  # tokens, where a call says no limit of its own
LONGEST_S = 24 * 3600
Body = TypeVar("Body", bound=Struct)


class Check(Struct, kw_only=True):
    """A call that is about to be made; whatever is not known is left out.

    `output`: the most tokens that it may answer with. The five kinds of input are tokens as far as they are known
    before. `hold_s`: reserve what it may come to for so many seconds; 0: only look. `parent_session`: a sub-agent's
    session draws on that one too. `is_final`: the session's last summary, for which a twentieth is held back.
    """

    session_id: Label = ""
    session_type: Label = ""
    parent_session: Label = ""
    agent: Label = ""
    task_type: Label = ""
    tier: Label = ""
    objective: Label = ""
    execution_id: Label = ""
    provider: Label = ""
    model: Label = ""
    input_uncached: Tokens = 0
    cache_read: Tokens = 0
    cache_write_5m: Tokens = 0
    cache_write_1h: Tokens = 0
    cache_write_unknown: Tokens = 0
    output: Tokens = USUAL_OUTPUT
    is_final: bool = False
    hold_s: Annotated[int, Meta(ge=0, le=LONGEST_S)] = 0


class BudgetWritten(Struct, kw_only=True, forbid_unknown_fields=True):
    """A budget of the project; an empty subject is each one by itself. `amount` is of whole tokens, or of dollars.
    Without a `mode` a new one only watches, and one that there is keeps its own."""

    scope: Scope
    period: Period
    amount: Decimal
    subject: Label = ""
    counts: Counts = "weighted"
    mode: Mode | None = None
    is_enabled: bool = True


class Settlement(Struct, kw_only=True):
    """What the call of a reservation came to; all zero: nothing was used. `cost_usd` as somebody else says, else it is
    computed from provider and model."""

    reservation: Annotated[str, Meta(min_length=1, max_length=200)]
    provider: Label = ""
    model: Label = ""
    input_uncached: Tokens = 0
    cache_read: Tokens = 0
    cache_write_5m: Tokens = 0
    cache_write_1h: Tokens = 0
    cache_write_unknown: Tokens = 0
    output: Tokens = 0
    cost_usd: Decimal | None = None


class BudgetStand(Struct, kw_only=True):
    """A budget that holds for the call, as it stood before it. `output`: how many tokens of output it has room for, at
    most as many as were asked for; -1: not even for the input. Amounts are tokens, or exact decimals of dollars.
    `ends_at`: when its day, week or month is over, and there is room again;
    `advice`: from the stage `warn` on, what to do."""

    id: int
    scope: Scope
    subject: str
    period: Period
    span: str
    counts: Counts
    mode: Mode
    limit: str
    used: str
    reserved: str
    left: str
    output: int
    stage: Stage
    ends_at: str | None
    advice: str


class Refusal(Struct, kw_only=True):
    """Why the call is not to be made."""

    code: str
    message: str


class Checked(Struct, kw_only=True):
    """Whether the call may be made, with how many tokens of output at most, and how full its budgets are with it.
    `reservation` is to be settled once the call is over; what is not settled by `until` counts as used."""

    is_allowed: bool
    output: int
    is_lowered: bool
    stage: Stage
    reservation: str | None
    until: str | None
    error: Refusal | None
    budgets: list[BudgetStand]


def question_of(body: bytes, *, key_id: int, now: datetime) -> Question:
    """What a body asks that was sent with a key. Raises BadBody, TooLarge."""
    said = _read(body, _decode_check)
    call = Call(
        started_at=now,
        model=said.model or "unknown",
        provider=said.provider,
        output=said.output,
        **{name: getattr(said, name) for name in INPUTS},
    )
    names = ("session_id", "session_type", "parent_session", "agent", "task_type", "tier", "objective", "execution_id")
    whose = Whose(**{name: getattr(said, name) for name in names}, key_id=key_id)
    hold = timedelta(seconds=said.hold_s) if said.hold_s else None
    return Question(whose, call, is_final=said.is_final, hold=hold)


def budget_of(body: bytes) -> BudgetWritten:
    """A budget that is to be written. Raises BadBody, TooLarge."""
    return _read(body, _decode_budget)


def settlement_of(body: bytes, *, now: datetime) -> tuple[str, Call | None]:
    """Which reservation is over, and its call; None where nothing was used. Raises BadBody, TooLarge."""
    said = _read(body, _decode_settlement)
    try:
        nanousd(said.cost_usd or Decimal(0))
    except ValueError as error:
        raise BadBody(f"{error}.") from None
    tokens = {name: getattr(said, name) for name in (*INPUTS, "output")}
    if not any(tokens.values()) and not said.cost_usd:
        return said.reservation, None
    model = said.model or "unknown"
    return said.reservation, Call(started_at=now, model=model, provider=said.provider, cost_usd=said.cost_usd, **tokens)


def answer_of(told: Reserved, *, until: datetime | None) -> Checked:
    """An answer as it is sent."""
    is_held = bool(told.reservation_id and told.stands) and told.is_granted
    stands = [_stand(one) for one in told.stands]
    stages: tuple[Stage, ...] = ("exceeded", "compress", "warn")
    warned = {one.stage for one in told.stands if one.window.grant.mode != "shadow"}
    return Checked(
        is_allowed=told.is_granted,
        output=told.output,
        is_lowered=told.is_granted and told.output < told.wanted,
        stage=next((one for one in stages if one in warned), "ok"),
        reservation=told.reservation_id if is_held else None,
        until=_moment(until) if is_held and until else None,
        error=None if told.is_granted else Refusal(code="budget_exceeded", message=refusal(told)),
        budgets=stands,
    )


def unsettled_of(rows: Sequence[Unsettled]) -> list[dict[str, object]]:
    """Expired reservations as they are sent, each with the budgets that it is charged to."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        moments = {"created_at": _moment(row.created_at), "until": _moment(row.until_at)}
        of_lease = found.setdefault(row.id, {"reservation": row.id, **moments, "budgets": []})
        charged = usd(row.amount) if row.counts == "usd" else str(row.amount)
        told = {"id": row.budget_id, "scope": row.scope, "subject": row.subject, "counts": row.counts}
        of_lease["budgets"].append({**told, "charged": charged})
    return list(found.values())


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _stand(one: Stand) -> BudgetStand:
    grant = one.window.grant
    return BudgetStand(
        id=grant.budget_id,
        scope=grant.scope,
        subject=grant.subject,
        period=grant.period,
        span=one.window.span,
        counts=grant.counts,
        mode=grant.mode,
        limit=_exact(grant.limit, one),
        used=_exact(one.used, one),
        reserved=_exact(one.reserved, one),
        left=_exact(one.left, one),
        output=one.output,
        stage=one.stage,
        ends_at=ends_at(one.window),
        advice=advice(one.stage, period=grant.period, is_binding=one.window.is_binding),
    )


def _exact(number: int, stand: Stand) -> str:
    return usd(number) if stand.window.grant.counts == "usd" else str(number)


_decode_check = msgspec.json.Decoder(Check)
_decode_budget = msgspec.json.Decoder(BudgetWritten)
_decode_settlement = msgspec.json.Decoder(Settlement)


def _read(body: bytes, decoder: msgspec.json.Decoder[Body]) -> Body:
    """Raises BadBody, TooLarge."""
    if len(body) > MAX_BYTES:
        raise TooLarge(f"A question has at most {MAX_BYTES} bytes.")
    try:
        said = decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise BadBody(reason(error)) from None
    if any("\0" in value for value in msgspec.structs.asdict(said).values() if isinstance(value, str)):
        raise BadBody("A text holds the character NUL.")
    return said
