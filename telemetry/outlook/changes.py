"""What the days of a period cost, on average, against a usual day of those before: of the sums of days. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from telemetry.outlook.decomposition import Difference, Key, Sums, decompose
from telemetry.outlook.verdicts import DaySum

PARTS = ("agent", "task_type", "model")  # of a cell's key
LONGEST, SHORTEST = 30, 7  # days before


def change(rows: Iterable[DaySum], *, first: date, last: date, since: date, before: int = LONGEST) -> Difference | None:
    """A day from `first` to `last` against one of the `before` days before, or of as many as there are from `since`
    on, the day of which the first sums are; None where there is none."""
    days = min(before, (first - since).days)
    if days < 1:
        return None
    rows = list(rows)
    start = first - timedelta(days=days)
    return decompose(
        cells(row for row in rows if start <= row.day < first),
        cells(row for row in rows if first <= row.day <= last),
        days_before=days,
        days_after=(last - first).days + 1,
    )


def cells(rows: Iterable[DaySum]) -> dict[Key, Sums]:
    """What days add up to by agent, task type and model."""
    found: dict[Key, Sums] = {}
    for row in rows:
        key = (row.agent, row.task_type, row.model)
        found[key] = found.get(key, Sums()).plus(Sums(row.runs, row.tokens, row.cost_nanousd))
    return found


def narrowed(rows: Iterable[DaySum], filters: Mapping[str, Sequence[str]]) -> list[DaySum]:
    """The sums that have one of the values of every filter; filters by what days are not kept by change nothing."""
    known = [(part, filters[part]) for part in PARTS if part in filters]
    return [row for row in rows if all(getattr(row, part) in values for part, values in known)]
