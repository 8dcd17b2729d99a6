"""What changes from one day to another, for trends to find. Pure, and by date alone, as all of the demo.

Each weekday a router sorts tickets, as evenly as only machines do. From Wednesday to Friday of every fourth week it is
given a manual that it does not need, so that each run takes three times as much; two weeks later there are three times
as many tickets on Tuesday. No run is wasteful by itself: that something changed shows only beside the days before, and
only where it is rare among these: what happens every second week is usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from uuid import NAMESPACE_URL, uuid5

from telemetry.contracts import Call, Execution
from telemetry.sources.demo.runs import Worker, ran

WORKER = Worker("ticket-router", "build-2", "anthropic", "claude-opus-4-6", "routing")
SATURDAY = 5
TICKETS, MANY_TICKETS = 30, 90
TOKENS, TOKENS_WITH_MANUAL = (1_800, 400), (7_000, 560)  # input, output
_BEGINS, _EVERY_S, _LASTS_S = time(6, 30), 95, 21.0
_MONDAY = date(2024, 1, 1)  # weeks are counted from here, for years have 52 of them or 53


def is_heavy(day: date) -> bool:
    """Whether each run of a day reads the manual."""
    return day.weekday() in (2, 3, 4) and _week(day) % 4 == 3


def is_busy(day: date) -> bool:
    """Whether there are far more tickets than on other days."""
    return day.weekday() == 1 and _week(day) % 4 == 1


def routed(day: date, *, now: datetime) -> Iterator[tuple[Execution, Call]]:
    """What the router ran on a UTC day, each run with its call; nothing at weekends, and only what had ended."""
    if day.weekday() >= SATURDAY:
        return
    begins = datetime.combine(day, _BEGINS, UTC)
    for number in range(MANY_TICKETS if is_busy(day) else TICKETS):
        began = begins + timedelta(seconds=_EVERY_S * number)
        if began + timedelta(seconds=_LASTS_S) <= now:
            yield _run(day, number, began)


def _week(day: date) -> int:
    return (day - _MONDAY).days // 7


def _run(day: date, number: int, began: datetime) -> tuple[Execution, Call]:
    key = str(uuid5(NAMESPACE_URL, f"tloi-demo:{day}:ticket-{number}"))
    session = str(uuid5(NAMESPACE_URL, f"tloi-demo:{day}:tickets"))
    inputs, output = TOKENS_WITH_MANUAL if is_heavy(day) else TOKENS
    return ran(
        WORKER,
        key,
        session=session,
        task=f"ticket_{day:%m%d}_{number:02d}",
        began=began,
        lasts_s=_LASTS_S,
        tokens=(inputs + 31 * (number % 7), output + 9 * (number % 5)),
    )
