"""What others say differs from what we count: shown, not hidden, and only where it matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from telemetry import facade
from telemetry.contracts import Call, Execution
from telemetry.models import Project
from tests.ledger_reading import added_up
from tests.page_reading import PageReader, rows_of_csv, visitor

DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
COSTS, RUNS = f"/models/?{DAYS}", f"/?{DAYS}"
AT = datetime(2025, 10, 24, 12, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def browser(project: Project) -> Client:
    return visitor(project)


def store(project: Project, *calls: Call, executions: tuple[Execution, ...] = ()) -> None:
    facade.record(project_id=project.pk, calls=calls, executions=executions, source="test", now=AT + timedelta(days=3))
    added_up(project.pk)


def call(name: str, **fields: Any) -> Call:
    """A call that costs ten dollars by the price table."""
    return Call(**{"id": name, "started_at": AT, "model": "gpt-5", "provider": "openai", "output": 1_000_000, **fields})


def run(name: str, **fields: Any) -> Execution:
    return Execution(**{"execution_id": name, "started_at": AT, "task_id": "sync", "agent": "builder", **fields})


def table(browser: Client, address: str, name: str) -> list[list[str]]:
    rows = PageReader(browser.get(address).content.decode()).tables.get(f"panel-{name}", [])[1:]
    return [[cell.replace(",", "") for cell in row] for row in rows]


def csv_of(browser: Client, address: str, name: str) -> list[list[str]]:
    return rows_of_csv(browser.get(f"{address}&format=csv&table={name}").content)


@pytest.mark.parametrize(
    ("reported", "is_shown"), [("10", False), ("10.1", False), ("10.11", True), ("9.91", False), ("9.9", True)]
)
def test_a_difference_of_more_than_a_hundredth_of_the_reported_cost_is_shown(
    browser: Client, project: Project, reported: str, is_shown: bool
) -> None:
    store(project, call("a", cost_usd=Decimal(reported)))
    assert bool(table(browser, COSTS, "cost-differences")) is is_shown


def test_both_sums_of_a_model_and_their_difference_stand_side_by_side(browser: Client, project: Project) -> None:
    store(
        project,
        call("a", cost_usd=Decimal(20), cost_kind="provider"),
        call("b", cost_usd=Decimal("20.5")),
        call("without a reported cost"),
        call("c", model="gpt-5-mini", cost_usd=Decimal("1.5")),
        call("d", model="house-llama", provider="local", cost_usd=Decimal(3)),
    )
    assert table(browser, COSTS, "cost-differences") == [
        ["gpt-5", "2", "40.5", "20", "-20.5", "-50.6"],
        ["gpt-5-mini", "1", "1.5", "2", "0.5", "33.3"],
        ["Total", "3", "42", "22", "-20", "-47.6"],
    ]
    header, *rows = csv_of(browser, COSTS, "cost-differences")
    assert header == [
        "model",
        "calls_with_both",
        "reported_usd",
        "computed_usd",
        "difference_usd",
        "difference_percent",
    ]
    assert rows[0] == ["gpt-5", "2", "40.5", "20", "-20.5", "-50.6"]
    assert table(browser, f"{COSTS}&model=gpt-5-mini", "cost-differences")[-1][1] == "1"


def test_a_reported_cost_of_nothing_is_no_percentage(browser: Client, project: Project) -> None:
    store(project, call("a", cost_usd=Decimal(0)))
    assert table(browser, COSTS, "cost-differences")[0] == ["gpt-5", "1", "0", "10", "10", "–"]


def test_the_totals_of_an_execution_stand_beside_what_its_calls_add_up_to(browser: Client, project: Project) -> None:
    same = {"tokens_input": 300, "tokens_output": 20}
    store(
        project,
        Call(id="1", started_at=AT, model="m", execution_id="r", input_uncached=4000, cache_read=900, output=120),
        Call(id="2", started_at=AT + timedelta(hours=30), model="m", execution_id="r", cache_write_1h=50, output=50),
        Call(id="3", started_at=AT, model="m", execution_id="agrees", cache_read=300, output=20),
        executions=(run("r", tokens_input=5300, tokens_output=200), run("agrees", **same), run("no calls", **same)),
    )
    assert table(browser, RUNS, "execution-differences") == [
        ["r", "sync", "builder", "2", "5300", "4950", "200", "170", "380"],
        ["Total 1 execution", "", "", "2", "5300", "4950", "200", "170", "380"],
    ]
    assert csv_of(browser, RUNS, "execution-differences")[1] == table(browser, RUNS, "execution-differences")[0]


def test_a_total_that_was_not_sent_is_not_compared(browser: Client, project: Project) -> None:
    store(
        project,
        *(Call(id=name, started_at=AT, model="m", execution_id=name, input_uncached=9, output=5) for name in "ab"),
        executions=(run("a", tokens_output=5), run("b", tokens_output=7)),
    )
    assert table(browser, RUNS, "execution-differences")[0] == ["b", "sync", "builder", "1", "–", "9", "7", "5", "2"]


def test_calls_of_the_session_within_the_runs_time_count_where_none_bears_its_id(
    browser: Client, project: Project
) -> None:
    moments = {"before": -1, "first": 0, "last": 60, "after": 61}
    store(
        project,
        *(
            Call(id=name, started_at=AT + timedelta(seconds=after), model="m", session_id="s", output=10)
            for name, after in moments.items()
        ),
        executions=(run("r", session_id="s", tokens_output=25, execution_time=60.0),),
    )
    assert table(browser, RUNS, "execution-differences")[0][3:] == ["2", "–", "0", "25", "20", "5"]


def test_a_sender_that_leaves_the_cache_out_of_its_input_is_understood(browser: Client, project: Project) -> None:
    store(
        project,
        Call(id="1", started_at=AT, model="m", execution_id="same", input_uncached=10, cache_read=900),
        Call(id="2", started_at=AT, model="m", execution_id="less", input_uncached=10, cache_read=800),
        executions=tuple(run(name, tokens_input=10, cache_read=900) for name in ("same", "less")),
    )
    assert table(browser, RUNS, "execution-differences")[0][:6] == ["less", "sync", "builder", "1", "910", "810"]


def test_only_the_largest_differences_are_listed_and_all_are_counted(browser: Client, project: Project) -> None:
    store(
        project,
        *(Call(id=f"{n}", started_at=AT, model="m", execution_id=f"run-{n:02}", output=1) for n in range(14)),
        executions=tuple(run(f"run-{n:02}", tokens_output=2 + n) for n in range(14)),
    )
    shown = table(browser, RUNS, "execution-differences")
    assert [row[0] for row in shown] == [f"run-{n:02}" for n in range(13, 3, -1)] + [
        *("Others 4 executions", "Total 14 executions")
    ]
    assert [row[-1] for row in shown[-2:]] == ["10", "105"]
    assert len(csv_of(browser, f"{RUNS}&rows=all", "execution-differences")) == 1 + 14 + 1


def test_a_filter_chooses_executions_and_never_cuts_their_calls(browser: Client, project: Project) -> None:
    store(
        project,
        Call(id="1", started_at=AT, model="m", execution_id="r", output=1),
        Call(id="2", started_at=AT, model="n", execution_id="r", output=1),
        executions=(run("r", tokens_output=3),),
    )
    assert table(browser, f"{RUNS}&model=n", "execution-differences")[0][3:] == ["2", "–", "0", "3", "2", "1"]
    store(project, Call(id="3", started_at=AT, model="k", output=1))
    assert table(browser, f"{RUNS}&model=k", "execution-differences") == []


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("model=m&agent=ann", 1),
        ("model=m&agent=ben", 0),
        ("model=n&agent=ben&skill=", 1),
        ("model=m&model=n&agent=", 0),
        ("execution=r", 1),
        ("session=s-1&source=test", 1),
        ("skill=%22)+%7C%7C+(true", 0),
    ],
)
def test_filters_have_to_meet_in_one_call(browser: Client, project: Project, filters: str, found: int) -> None:
    store(
        project,
        Call(id="1", started_at=AT, model="m", agent="ann", execution_id="r", output=1, session_id="s-1"),
        Call(id="2", started_at=AT, model="n", agent="ben", execution_id="r", output=1),
        executions=(run("r", tokens_output=3),),
    )
    rows = csv_of(browser, f"{RUNS}&{filters}", "execution-differences") if found else []
    assert len(rows[1:-1]) == found
    assert len(table(browser, f"{RUNS}&{filters}", "execution-differences")[:-1]) == found
