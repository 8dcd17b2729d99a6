"""What tests of runs share: rows as they are stored, and as a look at every call for each execution gives them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from telemetry.database import connection
from telemetry.series import runs
from telemetry.series.runs import Then
from telemetry.usage import quality_bits
from tests.ledger_reading import NOW
from tests.rollup_reading import fold

TOKENS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")
SUMMED = (
    *("started_at", "ended_at", "session_id", "agent", "host", "model", "status", "errors", "duration_ms", "calls"),
    *(
        "failed_calls",
        "cut_off_calls",
        "subagents",
        *TOKENS,
        "reasoning",
        "cost_nanousd",
        "unpriced_calls",
        "first_call_at",
    ),
    "last_call_at",
)
_CUT_OFF = quality_bits(["output_lower_bound"])
_TOTAL = quality_bits(["execution_total"])
Row = dict[str, Any]


def added_up(tenant: int, *, now: datetime = NOW, then: Then | None = None) -> dict[str, Row]:
    """The rows of a project's runs, after all that is committed was folded and added up."""
    fold(tenant, now=now)
    assert runs.catch_up(connection(), project_id=tenant, now=now, patience_s=60, then=then)
    return stored(tenant)


def stored(tenant: int) -> dict[str, Row]:
    """The rows of a project's runs, by execution."""
    return {row.pop("execution_id"): row for row in _rows("telemetry_rollup_run", tenant)}


def unlike(tenant: int, found: dict[str, Row]) -> dict[str, Row]:
    """What of such rows is not what a look at every call gives: by execution and column, both values."""
    wanted = counted(tenant)
    return {
        key: wrong
        for key in found.keys() | wanted.keys()
        if (wrong := _unlike(found.get(key, {}), wanted.get(key, {})))
    }


def _unlike(found: Row, wanted: Row) -> Row:
    return {
        name: (found.get(name, "no row"), wanted.get(name, "no row"))
        for name in SUMMED
        if found.get(name, "no row") != wanted.get(name, "no row")
    }


def counted(tenant: int) -> dict[str, Row]:
    """The same by looking at every call for each execution."""
    calls = _rows("telemetry_call", tenant)
    executions = [row for row in _rows("telemetry_execution", tenant) if not row["execution_id"].startswith("meter:")]
    return {run["execution_id"]: _counted(run, calls) for run in executions}


def _counted(run: Row, calls: list[Row]) -> Row:
    own = [call for call in calls if _names(call, run)] or [call for call in calls if _is_beside(call, run)]
    costs = [_cost(call) for call in own]
    moments = [call["started_at"] for call in own]
    last = max(moments, default=None)
    said = None if run["duration_ms"] is None else run["started_at"] + timedelta(milliseconds=run["duration_ms"])
    return {
        **{name: sum(call[name] for call in own) for name in TOKENS},
        **{name: run[name] or _any(own, name) for name in ("session_id", "agent")},
        "started_at": run["started_at"],
        "ended_at": max((moment for moment in (last, said) if moment), default=None),
        "host": _any(own, "host"),
        "model": _dearest(own) or run["model"],
        "status": run["status"],
        "errors": len(json.loads(run["errors"])),
        "duration_ms": run["duration_ms"],
        "calls": len(own),
        "failed_calls": sum(call["error_type"] != "" for call in own),
        "cut_off_calls": sum(bool(call["quality"] & _CUT_OFF) for call in own),
        "subagents": len({call["subagent_id"] for call in own} - {""}),
        "reasoning": sum(call["reasoning"] or 0 for call in own),
        "cost_nanousd": sum(cost or 0 for cost in costs),
        "unpriced_calls": costs.count(None),
        "first_call_at": min(moments, default=None),
        "last_call_at": last,
    }


def _names(call: Row, run: Row) -> bool:
    after = call["started_at"] - run["started_at"]
    is_near = -timedelta(hours=1) <= after <= timedelta(days=7)
    return bool(call["execution_id"] == run["execution_id"] and (is_near or call["quality"] & _TOTAL))


def _is_beside(call: Row, run: Row) -> bool:
    if not run["session_id"] or call["session_id"] != run["session_id"] or run["duration_ms"] is None:
        return False
    ended_at = run["started_at"] + min(timedelta(milliseconds=run["duration_ms"]), timedelta(days=7))
    return bool(run["started_at"] <= call["started_at"] <= ended_at and not call["quality"] & _TOTAL)


def _cost(call: Row) -> int | None:
    reported: int | None = call["cost_reported_nanousd"]
    computed: int | None = call["cost_computed_nanousd"]
    return computed if reported is None else reported


def _dearest(own: list[Row]) -> str:
    """The model that cost the most; unpriced ones last; then by tokens, then by name."""
    costs: dict[str, list[int]] = defaultdict(list)
    tokens: Counter[str] = Counter()
    for call in own:
        tokens[call["model"]] += sum(call[name] for name in TOKENS)
        cost = _cost(call)
        costs[call["model"]] += [] if cost is None else [cost]
    order = sorted(tokens, key=lambda model: (-sum(costs[model], -1 if not costs[model] else 0), -tokens[model], model))
    return order[0] if order else ""


def _any(own: list[Row], name: str) -> str:
    return max((call[name] for call in own), default="")


def _rows(table: str, tenant: int) -> list[Row]:
    with connection().cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT * FROM {table} WHERE project_id = %s", [tenant]).fetchall()
