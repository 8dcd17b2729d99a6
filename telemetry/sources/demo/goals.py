"""What the invented team works for: objectives as a file would say them. Pure, and by the year and the date alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

RELEASES = "O3-KR2"  # what the release bot sends as its objective
_EPIC = "BILLING-1"
_WEEKS = 10
_YEAR = 365


def goals(today: date) -> dict[str, Any]:
    """The document of objectives, work items and attributions that holds on a day, as `tloi objectives import` reads
    it. Metrics are measured on Sundays and are half of the way by the summer."""
    return {
        "objectives": [
            _objective(today, "O1", "Ship the new billing", "high", "Ana", _billing(today)),
            _objective(today, "O2", "Answer customers within the hour", "high", "Ben", _customers(today)),
            _objective(today, "O3", "Keep the house in order", "normal", "Ana", _upkeep(today)),
            _objective(today, "O4", "See what agents can do for the office", "low", "Cho", []),
        ],
        "work_items": [
            {"key": f"feature-{number}", "parent": _EPIC, "source": "demo"} for number in range(100, 1_000, 10)
        ],
        "attributions": [
            {"work_item": _EPIC, "to": "O1-KR1"},
            {"task_type": "feature", "to": "O1-KR1", "weight": "0.8"},
            {"task_type": "feature", "to": "O1", "weight": "0.2"},
            {"task_type": "bugfix", "to": "O1-KR2"},
            {"agent": "support-triage", "to": "O2-KR1"},
            *({"task_type": name, "to": "O3-KR1"} for name in ("review", "refactor", "test")),
            {"task_type": "docs", "to": "O3"},
            {"task_type": "research", "to": "O4"},
            {"agent": "openclaw", "to": "O4"},
        ],
    }


def _billing(today: date) -> list[dict[str, Any]]:
    return [
        _result(today, "O1-KR1", "Customers on the new billing", "customers moved", "%", 0, 100),
        _result(today, "O1-KR2", "Fewer defects that customers find", "open defects", "", 48, 12),
    ]


def _customers(today: date) -> list[dict[str, Any]]:
    return [_result(today, "O2-KR1", "Time to the first answer", "median", "hours", 9, 1)]


def _upkeep(today: date) -> list[dict[str, Any]]:
    return [
        _result(today, "O3-KR1", "Lines that tests run through", "coverage", "%", 61, 80),
        _result(today, RELEASES, "Releases without a hand", "automatic releases", "%", 20, 90),
    ]


def _objective(
    today: date, key: str, title: str, priority: str, owner: str, results: list[dict[str, Any]]
) -> dict[str, Any]:
    days = {"first_day": f"{today.year}-01-01", "last_day": f"{today.year}-12-31"}
    return {"key": key, "title": title, "priority": priority, "owner": owner, **days, "key_results": results}


def _result(today: date, key: str, title: str, metric: str, unit: str, start: int, target: int) -> dict[str, Any]:
    return {
        "key": key,
        "title": title,
        "metric": metric,
        "unit": unit,
        "start": str(start),
        "target": str(target),
        "values": [
            {"day": day.isoformat(), "value": str(_value(key, day, start, target)), "source": "demo"}
            for day in _sundays(today)
        ],
    }


def _sundays(today: date) -> Iterator[date]:
    """The last Sundays of the year up to a day, oldest first."""
    last = today - timedelta(days=(today.weekday() + 1) % 7)
    days = (last - timedelta(weeks=back) for back in range(_WEEKS - 1, -1, -1))
    return (day for day in days if day.year == today.year)


def _value(key: str, day: date, start: int, target: int) -> Decimal:
    """Where a metric stands: as much of the way as of the year, give or take."""
    dice = Random(f"tloi-demo:{key}:{day}")  # noqa: S311  not secret: the same for ever
    passed = Decimal(day.timetuple().tm_yday) / _YEAR + Decimal(str(round(dice.uniform(-0.04, 0.04), 3)))
    return round(start + (target - start) * min(max(passed, Decimal(0)), Decimal(1)), 1)
