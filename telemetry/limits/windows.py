"""A budget in one span of time, what a call asks of it, and how it stands. Pure.

Units: whole tokens, weighted or each once, and nano-dollars. A call is weighed in all three; each budget takes its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from telemetry.limits.granted import Grant, Mode, Used, amount
from telemetry.series.window import local_midnight
from telemetry.usage import usd

# What a token without a price counts as in dollars, in nano-dollars: as with the dearest models in general use (15 and
# 75 dollars a million), until somebody gives its model a price. gateways.md §6.1: never 0.
UNPRICED_INPUT, UNPRICED_OUTPUT = 15_000, 75_000
LEAST = 1_000  # output tokens: where fewer are left, a call is refused instead of lowered
HELD_BACK = 20  # a twentieth of each limit is there for final summaries alone
MOST = 10**15  # of anything, in one call
WARNS, COMPRESSES = 0.8, 0.9
Stage = Literal["ok", "warn", "compress", "exceeded"]


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom a call is of, as it names them, and with which key it is asked for; what is empty is not known. A
    `parent_session` is drawn on as well."""

    session_id: str = ""
    session_type: str = ""
    parent_session: str = ""
    agent: str = ""
    task_type: str = ""
    tier: str = ""
    objective: str = ""
    execution_id: str = ""
    key_id: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """A grant in one span: from `from_at` until `to_at`, or the session or run that `span` names. `sessions`: those
    that are known to count in it, the span's own among them."""

    id: UUID
    grant: Grant
    span: str
    from_at: datetime | None
    to_at: datetime | None
    sessions: tuple[str, ...]

    @property
    def is_binding(self) -> bool:
        """Whether a call that has no room in it is refused."""
        return self.grant.mode == "enforce"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call is to come to: its input in each unit, the output tokens that it wants at most, and what one of them
    costs. Fewer may be granted, but not under `least`. `is_final`: it may take what is held back for a last summary."""

    weighted: int
    gross: int
    nanousd: int
    output: int
    output_nanousd: int
    least: int = LEAST
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What the call of a reservation came to, in each unit."""

    reservation_id: str
    weighted: int = 0
    gross: int = 0
    nanousd: int = 0


@dataclass(frozen=True, slots=True)
class Stand:
    """A window as it stood when something was asked of it: what was used of it and reserved by others, and how many
    output tokens this call could have, its input counted. `takes` is what the call reserves of it."""

    window: Window
    used: int
    reserved: int
    output: int
    takes: int
    counted_at: datetime

    @property
    def left(self) -> int:
        """What nobody has used or reserved; this call not counted."""
        return max(self.window.grant.limit - self.used - self.reserved, 0)

    @property
    def share(self) -> float:
        """How much of it is taken, this call counted: 1 is all."""
        return (self.used + self.reserved + self.takes) / self.window.grant.limit

    @property
    def stage(self) -> Stage:
        """What is to be done about it, as far as its mode lets anybody."""
        return stage_of(self.share)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What came of asking. `output` tokens are granted, less than was wanted where no more were left; `refused_by`: the
    windows that had no room, and then nothing is reserved in any."""

    reservation_id: str
    is_granted: bool
    wanted: int
    output: int
    stands: tuple[Stand, ...]
    refused_by: tuple[Stand, ...]

    @property
    def lowered_by(self) -> tuple[Stand, ...]:
        """The windows that left fewer output tokens than were wanted; none where nothing was granted."""
        return tuple(
            one for one in self.stands if self.is_granted and one.window.is_binding and one.output < self.wanted
        )

    @property
    def mode(self) -> Mode | None:
        """The strictest mode of all windows; None where no budget holds."""
        found = {stand.window.grant.mode for stand in self.stands}
        modes: tuple[Mode, ...] = ("enforce", "warn", "shadow")
        return next((mode for mode in modes if mode in found), None)


def asked(
    prompt: Used,
    *,
    output: int,
    input_nanousd: int | None,
    output_nanousd: int | None,
    least: int = LEAST,
    is_final: bool = False,
) -> Asked:
    """What a call with this input (`prompt`, whose own output counts for nothing) and at most so much `output` asks.
    `input_nanousd` is what all of the input costs, `output_nanousd` one token of output; None: they have no price."""
    gross = amount("gross", prompt) - prompt.output
    return Asked(
        weighted=_bounded(amount("weighted", prompt) - prompt.output),
        gross=_bounded(gross),
        nanousd=_bounded(UNPRICED_INPUT * gross if input_nanousd is None else input_nanousd),
        output=min(max(output, 0), 2**31 - 1),
        output_nanousd=min(max(UNPRICED_OUTPUT if output_nanousd is None else output_nanousd, 0), 10**6),
        least=max(least, 0),
        is_final=is_final,
    )


def spent(reservation_id: str, used: Used, *, cost_nanousd: int | None) -> Spent:
    """What a call came to; without a known cost as one without a price."""
    gross = amount("gross", used)
    unpriced = UNPRICED_INPUT * (gross - used.output) + UNPRICED_OUTPUT * used.output
    return Spent(
        reservation_id,
        _bounded(amount("weighted", used)),
        _bounded(gross),
        _bounded(unpriced if cost_nanousd is None else cost_nanousd),
    )


def windows_of(grants: Iterable[Grant], *, whose: Whose, now: datetime, tz: ZoneInfo) -> list[Window]:
    """The spans in which grants hold now, in the order in which they are locked. What is granted to a session or run
    that is not known has none."""
    today = now.astimezone(tz).date()
    found = []
    for grant in grants:
        if grant.period == "session":
            if whose.session_id:
                found.append(_window(grant, span=whose.session_id, sessions=(whose.session_id,)))
        elif grant.period == "run":
            if whose.execution_id:
                found.append(_window(grant, span=whose.execution_id))
        else:
            first, last = period_days(grant.period, today)
            midnights = local_midnight(first, tz), local_midnight(last + timedelta(days=1), tz)
            found.append(_window(grant, between=midnights))
    return sorted(found, key=lambda window: window.id)


def drawn_on(grants: Iterable[Grant], *, parent: str, child: str) -> list[Window]:
    """The windows of a parent session that its sub-agent's session draws on as well."""
    sessions = (parent, child) if child else (parent,)
    return [_window(grant, span=parent, sessions=sessions) for grant in grants if grant.period == "session"]


def refusal(told: Reserved) -> str:
    """Why a call is refused, for whoever reads the answer; "" where it is not."""
    if not told.refused_by:
        return ""
    wholes = " ".join(_short(stand) for stand in told.refused_by)
    return f"{wholes} That is too little for this call. A twentieth is held back for a final summary."


def stage_of(share: float) -> Stage:
    """The stage of a budget of which so much is taken."""
    if share >= 1:
        return "exceeded"
    return "compress" if share >= COMPRESSES else "warn" if share >= WARNS else "ok"


def advice(stage: Stage, *, period: str, is_binding: bool) -> str:
    """What who spends is to do now, in one line of ASCII; "" where there is no need."""
    if stage == "ok":
        return ""
    is_short = period in ("session", "run")
    if stage == "exceeded" and is_short:
        return "Begin a new session with a summary of this one."
    if stage == "exceeded":
        return f"Wait for the next {period}, or ask for more."
    refused = " Once nothing is left, calls are refused." if is_binding else ""
    if is_short:
        soon = "now" if stage == "compress" else "soon"
        return (
            f"Come to an end {soon}, or go on in a new session, whose shorter context makes each call cheaper.{refused}"
        )
    return f"Leave what can wait until the next {period}, or use a lower tier.{refused}"


def ends_at(window: Window) -> str | None:
    """When a window is over and the next one begins, in UTC; None for a session or run, of which nobody knows."""
    return window.to_at.astimezone(UTC).isoformat().replace("+00:00", "Z") if window.to_at else None


def period_days(period: str, today: date) -> tuple[date, date]:
    """The day, week or month that runs: its first and last day."""
    if period == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=6)
    if period == "month":
        first = today.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return today, today


def per_token(nanousd: int, tokens: int) -> int:
    """What one token costs where so many cost so much: rounded up, for what is reserved must be enough."""
    return math.ceil(nanousd / tokens) if tokens else 0


def _window(
    grant: Grant,
    *,
    span: str = "",
    between: tuple[datetime, datetime] | tuple[None, None] = (None, None),
    sessions: tuple[str, ...] = (),
) -> Window:
    from_at, to_at = between
    told = (str(grant.budget_id), grant.scope, grant.subject, grant.period, grant.counts, span, str(from_at))
    return Window(UUID(bytes=sha256("\0".join(told).encode()).digest()[:16]), grant, span, from_at, to_at, sessions)


def _short(stand: Stand) -> str:
    grant = stand.window.grant
    whose = f"{grant.scope} {grant.subject}".strip().replace("_", " ")
    left, limit = (usd(one) if grant.counts == "usd" else str(one) for one in (stand.left, grant.limit))
    unit = "US dollars" if grant.counts == "usd" else "tokens"
    return f"The budget of the {whose} in this {grant.period} has {left} of {limit} {unit} left."


def _bounded(number: int) -> int:
    return min(max(number, 0), MOST)
