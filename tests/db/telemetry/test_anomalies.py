"""Anomalies are counted, listed in order and narrowed, each project's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg import Connection

from telemetry.database import connection
from telemetry.observer import anomalies
from telemetry.observer.anomalies import Judged, Listed, Order
from telemetry.observer.narrowing import FILTERS, UnknownFilter
from telemetry.series.window import by_days
from tests.anomalies import AT, GONE, anomaly, run
from tests.ledger_reading import new_tenant

START, END = AT - timedelta(hours=9), AT + timedelta(hours=15)


@pytest.fixture
def conn(database: None) -> Connection[object]:
    return connection()


@pytest.fixture
def tenant(database: None) -> int:
    return new_tenant()


def names(found: list[Listed]) -> list[str]:
    return [f"{one.execution_id} {one.detector}" for one in found]


def in_order(conn: Connection[object], tenant: int, order: Order, limit: int = 50) -> list[Listed]:
    return anomalies.listed(conn, project_id=tenant, start=START, end=END, order=order, limit=limit)


def planted(tenant: int) -> None:
    """Five anomalies of four runs, two of them alike in all that orders but the run."""
    anomaly(tenant, "a", tokens_wasted=10, started_at=AT)
    anomaly(tenant, "b", "expensive_task", tokens_wasted=900, started_at=AT + timedelta(hours=1))
    anomaly(tenant, "a", "expensive_task", tokens_wasted=900, started_at=AT)
    anomaly(tenant, "c", tokens_wasted=20, started_at=AT - timedelta(hours=1))
    anomaly(tenant, "d", tokens_wasted=20, started_at=AT - timedelta(hours=1))


BY_SEVERITY = ["d context_bloat", "c context_bloat", "a context_bloat", "b expensive_task", "a expensive_task"]
BY_TIME = ["b expensive_task", "a expensive_task", "a context_bloat", "d context_bloat", "c context_bloat"]


def test_high_ones_come_first_and_then_those_that_waste_most(conn: Connection[object], tenant: int) -> None:
    planted(tenant)
    assert names(in_order(conn, tenant, "severity")) == BY_SEVERITY


def test_the_newest_come_first_where_that_is_asked(conn: Connection[object], tenant: int) -> None:
    planted(tenant)
    assert names(in_order(conn, tenant, "newest")) == BY_TIME


@pytest.mark.parametrize("order", anomalies.ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_by_number_and_by_place_are_the_list_cut_in_pieces(
    conn: Connection[object], tenant: int, order: Order, size: int
) -> None:
    planted(tenant)
    whole = names(in_order(conn, tenant, order))
    by_number: list[str] = []
    by_place: list[str] = []
    after: tuple[object, ...] = ()
    for page in range(5):
        asked = {"project_id": tenant, "start": START, "end": END, "order": order, "limit": size}
        by_number += names(anomalies.listed(conn, **asked, offset=page * size))  # type: ignore[arg-type]
        found = anomalies.listed(conn, **asked, after=after)  # type: ignore[arg-type]
        by_place += names(found)
        after = found[-1].place(order) if found else (False, -1, AT, "", "") if order == "severity" else (START, "", "")
    assert by_number == by_place == whole


@pytest.mark.parametrize(("name", "column"), FILTERS.items())
def test_a_list_is_narrowed_by_each_of_its_filters(
    conn: Connection[object], tenant: int, name: str, column: str
) -> None:
    other = {"severity": "medium", "state": "resolved", "detector": "expensive_task"}.get(name, "other")
    anomaly(tenant, "one")
    if name in ("execution", "detector"):
        anomaly(tenant, **{"execution_id": "one", column: other})
    else:
        anomaly(tenant, "two", **{column: other})
    found = anomalies.listed(conn, project_id=tenant, start=START, end=END, filters={name: [other]}, limit=9)
    assert [getattr(one, column) for one in found] == [other]
    both = anomalies.listed(conn, project_id=tenant, start=START, end=END, filters={name: [other, "x"]}, limit=9)
    assert names(both) == names(found)


def test_a_filter_that_no_anomaly_has_is_refused(conn: Connection[object], tenant: int) -> None:
    with pytest.raises(UnknownFilter, match="host"):
        anomalies.listed(conn, project_id=tenant, start=START, end=END, filters={"host": ["x"]}, limit=1)


def test_counts_lie_in_the_days_of_the_windows_zone(conn: Connection[object], tenant: int) -> None:
    late = datetime(2025, 11, 6, 23, 30, tzinfo=UTC)  # half past midnight in Madrid
    anomaly(tenant, "a", started_at=late)
    anomaly(tenant, "b", started_at=late, state="not_waste")
    anomaly(tenant, "c", "expensive_task", started_at=late - timedelta(hours=1))
    window = by_days(date(2025, 11, 6), date(2025, 11, 7), zone="Europe/Madrid", bucket="1d")
    found = anomalies.anomaly_counts(conn, project_id=tenant, window=window)
    days = [(one.at.astimezone(window.tz).day, one.detector, one.state, one.anomalies) for one in found]
    assert days == [
        (6, "expensive_task", "new", 1),
        (7, "context_bloat", "new", 1),
        (7, "context_bloat", "not_waste", 1),
    ]


def test_counts_and_lists_end_where_the_window_does(conn: Connection[object], tenant: int) -> None:
    window = by_days(date(2025, 11, 6), date(2025, 11, 6), zone="UTC", bucket="1d")
    for name, at in (("before", window.start - timedelta(microseconds=1)), ("in", window.start), ("after", window.end)):
        anomaly(tenant, name, started_at=at)
    assert sum(one.anomalies for one in anomalies.anomaly_counts(conn, project_id=tenant, window=window)) == 1
    found = anomalies.listed(conn, project_id=tenant, start=window.start, end=window.end, limit=9)
    assert [one.execution_id for one in found] == ["in"]


def test_what_was_judged_and_no_longer_holds_is_in_no_list_and_counts_for_its_detector(
    conn: Connection[object], tenant: int
) -> None:
    anomaly(tenant, "a", state="not_waste", evidence=GONE, tokens_wasted=0)
    window = by_days(date(2025, 11, 6), date(2025, 11, 6), zone="UTC")
    assert in_order(conn, tenant, "severity") == []
    assert anomalies.anomaly_counts(conn, project_id=tenant, window=window) == []
    assert anomalies.judged(conn, project_id=tenant) == {"context_bloat": Judged(1, 1)}


def test_how_often_a_detector_was_right_is_what_people_left_standing(conn: Connection[object], tenant: int) -> None:
    for number, state in enumerate(["new", "acknowledged", "resolved", "not_waste", "resolved"]):
        anomaly(tenant, f"run-{number}", state=state)
    anomaly(tenant, "run-9", "expensive_task")
    found = anomalies.judged(conn, project_id=tenant)
    assert found == {"context_bloat": Judged(judged=4, not_waste=1)}
    assert (found["context_bloat"].right, found["context_bloat"].is_telling) == (3, False)
    assert Judged(5, 1).is_telling


def test_runs_are_counted_but_for_what_counters_came_to(conn: Connection[object], tenant: int) -> None:
    for name in ("a", "b", "meter:session-1"):
        run(tenant, name)
    run(tenant, "tomorrow", started_at=END)
    assert anomalies.runs_begun(conn, project_id=tenant, start=START, end=END) == 2


def test_nothing_of_another_project_is_counted_or_listed(conn: Connection[object], tenant: int) -> None:
    other = new_tenant()
    anomaly(other, "a", state="not_waste")
    run(other, "a")
    window = by_days(date(2025, 11, 6), date(2025, 11, 6), zone="UTC")
    assert anomalies.anomaly_counts(conn, project_id=tenant, window=window) == []
    assert in_order(conn, tenant, "newest") == []
    assert anomalies.judged(conn, project_id=tenant) == {}
    assert anomalies.runs_begun(conn, project_id=tenant, start=START, end=END) == 0
