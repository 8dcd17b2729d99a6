"""Adding runs up looks into no more than it needs, however much is there and whatever the statistics say."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.ledger import partitions
from telemetry.series import run_sums
from telemetry.statements import statement
from tests.ledger_reading import NOW, new_tenant, send

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
EXPLAIN = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "


@pytest.fixture
def tenant() -> int:
    """A project with runs of two calls a minute apart, on nine days in turn."""
    tenant = new_tenant()
    partitions.ensure(connection(), [(NOW - n * DAY).date() for n in range(10)], now=NOW)
    for back in range(9):
        calls = [a_call(back, NOW - back * DAY), a_call(back, NOW - back * DAY - timedelta(minutes=1))]
        run = Execution(execution_id=f"r-{back}", started_at=calls[1].started_at, session_id="s", execution_time=60)
        send(tenant, calls, executions=[run])
    return tenant


def a_call(back: int, at: datetime) -> Call:
    return Call(id=f"{at}", started_at=at, model="m", output=1, execution_id=f"r-{back}", session_id="s")


def days_read(plan: list[str]) -> set[str]:
    """The days that are looked into."""
    looked_into = [line for line in plan if "never executed" not in line]
    return {name for line in looked_into for name in re.findall(r"on telemetry_call_([dm]\d+)\b", line)}


def explained(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The statement of that name tells its plan instead of its rows."""
    real = statement
    monkeypatch.setattr(run_sums, "statement", lambda package, one: EXPLAIN * (one == name) + real(package, one))


def test_changed_minutes_of_two_days_are_read_from_two_partitions(tenant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    explained(monkeypatch, "touched_runs")
    plan = run_sums.touched_runs(connection(), project_id=tenant, minutes=[NOW, NOW - 8 * DAY])
    assert days_read(plan) == {f"d{NOW:%Y%m%d}", f"d{NOW - 8 * DAY:%Y%m%d}"}


def test_calls_of_two_runs_are_read_from_their_days(tenant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reach = run_sums.reach_of_runs(connection(), project_id=tenant, keys=["r-0", "r-8"], kept_from=None)
    assert (reach.now, len(reach.starts)) == (["r-0", "r-8"], 2)
    explained(monkeypatch, "write_runs")
    plan = run_sums.write_runs(connection(), project_id=tenant, reach=reach)
    assert days_read(plan) == {f"d{NOW:%Y%m%d}", f"d{NOW - 8 * DAY:%Y%m%d}"}


def test_an_index_leads_to_whatever_a_change_may_concern(tenant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    explained(monkeypatch, "touched_runs")
    connection().execute("SET enable_seqscan = off")  # else the planner reads small tables whole
    try:
        plan = "\n".join(run_sums.touched_runs(connection(), project_id=tenant, minutes=[NOW]))
    finally:
        connection().execute("RESET enable_seqscan")
    assert "Seq Scan" not in plan
