"""A report is made of the runs that began in its days, and of what was found in them; made again it is the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.access.projects import ensure_project
from telemetry.contracts import Call
from telemetry.contracts import Execution as SentExecution
from telemetry.database import connection
from telemetry.models import Anomaly, Project, Report, Run
from telemetry.observer.report import making, periods
from telemetry.observer.report.document import MOST_LEADERS, MOST_LISTED, Document, Leaders, from_plain
from telemetry.series import waste_sums
from tests.ledger_reading import send
from tests.reports import DAY, MORNING, NOW, Ledger

HOUR = timedelta(hours=1)


def made(project: Project, name: str = "2025-11-06", *, now: datetime = NOW) -> Document:
    """The report of a period, made now and read from its row."""
    period = periods.read(name)
    days = {"kind": period.kind, "first_day": period.first_day, "last_day": period.last_day}
    making.make(connection(), project=project, **days, now=now)  # type: ignore[arg-type]
    return from_plain(Report.objects.get(project_id=project.pk, kind=period.kind, first_day=period.first_day).document)


@pytest.fixture
def ledger(project: Project) -> Ledger:
    return Ledger(project.pk)


def test_a_day_without_runs_still_has_a_report(project: Project) -> None:
    said = made(project)
    assert (said.summary.tasks, said.summary.tokens, said.summary.average_tokens) == (0, 0, 0)
    assert said.summary.average_io_ratio is None
    assert [group.anomalies for group in said.severities] == [0, 0]
    assert said.recommendations == ()
    assert all(leaders == Leaders(by=leaders.by) for leaders in said.leaders)


def test_totals_are_those_of_the_runs_of_the_day_and_of_no_meter(project: Project, ledger: Ledger) -> None:
    ledger.run("a", cost_nanousd=1_500_000_000, calls=3)
    ledger.run("b", input_uncached=501, output=200, unpriced_calls=1, cost_nanousd=1)
    ledger.run("meter:s", input_uncached=10**6)
    ledger.run("before", at=datetime(2025, 11, 5, 23, 59, 59, tzinfo=UTC))
    ledger.run("after", at=datetime(2025, 11, 7, tzinfo=UTC))
    said = made(project)
    assert (said.summary.tasks, said.summary.tokens, said.summary.average_tokens) == (2, 1801, 901)
    assert said.summary.average_io_ratio == 5.0
    assert (said.spend.calls, said.spend.cost_usd, said.spend.unpriced_calls) == (4, "1.500000001", 1)


def test_the_ratio_weighs_input_as_the_project_does(project: Project, ledger: Ledger) -> None:
    ledger.run("a", input_uncached=1_000, cache_read=10_000, cache_write_5m=400, cache_write_1h=250, output=100)
    weighed = made(project)
    assert (weighed.measure, weighed.summary.input_tokens, weighed.summary.average_io_ratio) == ("weighted", 3_000, 30)
    project.token_measure = "gross"
    gross = made(project)
    assert (gross.measure, gross.summary.input_tokens, gross.summary.average_io_ratio) == ("gross", 11_650, 116.5)
    assert weighed.summary.tokens == gross.summary.tokens == 11_750


def test_each_task_counts_once_and_what_is_no_waste_not_at_all(project: Project, ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        ledger.run(name)
    ledger.anomaly("a", tokens_wasted=600)
    ledger.anomaly("a", detector="context_bloat", severity="high", tokens_wasted=400)
    ledger.anomaly("b", detector="false_completion", severity="high", tokens_wasted=1100, state="acknowledged")
    ledger.anomaly("c", tokens_wasted=900, state="not_waste")
    ledger.anomaly("b", tokens_wasted=0, state="acknowledged", evidence={"holds": False, "wasted_then": 50})
    said = made(project).summary
    assert (said.anomalies, said.not_waste) == (3, 1)
    assert said.anomalies_by_severity == {"high": 2, "medium": 1}
    assert said.anomalies_by_type == {"context_bloat": 1, "expensive_task": 1, "false_completion": 1}
    assert (said.tokens_wasted, said.tokens_wasted_overlapping) == (1700, 2100)


def test_the_dearest_anomalies_are_listed_in_the_order_in_which_they_began(project: Project, ledger: Ledger) -> None:
    count = MOST_LISTED + 5
    for number in range(count):
        at = MORNING + timedelta(seconds=number)
        ledger.anomaly(f"{number:03}", at=at, tokens_wasted=number, tokens=count)
    high, medium = made(project).severities
    assert (high.anomalies, high.listed) == (0, ())
    assert [item.execution_id for item in medium.listed] == [f"{number:03}" for number in range(5, count)]
    assert (medium.more, medium.more_tokens_wasted) == (5, 0 + 1 + 2 + 3 + 4)


def test_an_anomaly_says_its_issue_its_figure_and_what_to_do(project: Project, ledger: Ledger) -> None:
    evidence = {"ratio": 25.3, "input": 63_142, "output": 2_500, "threshold": 15.0}
    ledger.anomaly("a", detector="context_bloat", severity="high", tokens_wasted=38_142, evidence=evidence)
    (item,) = made(project).severities[0].listed
    assert (item.task_id, item.execution_id, item.figure, item.tokens_wasted) == ("task-a", "a", 25.3, 38_142)
    assert "25.3:1" in item.issue
    assert item.suggestion


def test_leaders_and_others_are_all_tasks(project: Project, ledger: Ledger) -> None:
    for number in range(MOST_LEADERS + 2):
        ledger.run(f"{number}", agent=f"agent-{number}", input_uncached=1_000 * number, task_type="fix", model="m")
    ledger.anomaly("6", tokens_wasted=500, agent="agent-6", task_type="fix", model="m")
    agents, models, task_types = made(project).leaders
    assert [row.name for row in agents.rows] == [f"agent-{number}" for number in range(6, 1, -1)]
    assert agents.others is not None
    assert (agents.others.names, agents.others.tasks, agents.others.tokens) == (2, 2, 1_200)
    assert (models.rows[0].name, models.rows[0].tasks, models.others) == ("m", 7, None)
    assert (task_types.rows[0].name, task_types.rows[0].tokens_wasted) == ("fix", 500)


def test_one_agent_more_than_fit_is_named_rather_than_summed_up(project: Project, ledger: Ledger) -> None:
    for number in range(MOST_LEADERS + 1):
        ledger.run(f"{number}", agent=f"agent-{number}")
    agents = made(project).leaders[0]
    assert (len(agents.rows), agents.others) == (MOST_LEADERS + 1, None)


def test_calls_that_belong_to_no_task_stand_apart(project: Project, ledger: Ledger) -> None:
    usual: dict[str, Any] = {"model": "claude-sonnet-4-5", "input_uncached": 100, "output": 10}
    run = SentExecution(started_at=MORNING, execution_id="named", task_id="t")
    calls = [
        Call(id="of-a-task", started_at=MORNING, execution_id="named", **usual),
        Call(id="alone", started_at=MORNING, **usual),
        Call(id="in-a-session-while-a-task-ran", started_at=MORNING + HOUR, session_id="s", **usual),
        Call(id="in-it-later", started_at=MORNING + 3 * HOUR, session_id="s", **usual),
        Call(id="of-a-counter", started_at=MORNING, execution_id="meter:s", **usual),
        Call(id="of-another-day", started_at=MORNING - 24 * HOUR, **usual),
        Call(id="unpriced", started_at=MORNING, **(usual | {"model": "house-llama"})),
    ]
    send(project.pk, calls, executions=[run])
    ledger.run("named")
    ledger.run("of-the-session", session_id="s", at=MORNING + HOUR, duration_ms=3_600_000)
    said = made(project).apart
    assert said is not None
    assert (said.calls, said.tokens, said.unpriced_calls) == (4, 440, 1)
    assert said.cost_usd == "0.00135"  # three times 100 × $3 and 10 × $15 a million


def test_expired_calls_are_not_said_to_be_none(project: Project, ledger: Ledger) -> None:
    ledger.run("a")
    project.calls_kept_from_at = datetime(2025, 11, 6, 0, 15, tzinfo=UTC)
    assert made(project).apart is None
    project.calls_kept_from_at = datetime(2025, 11, 6, tzinfo=UTC)
    assert made(project).apart is not None


def test_a_report_made_again_replaces_the_one_before_and_never_a_later_one(project: Project, ledger: Ledger) -> None:
    ledger.run("a")
    made(project, now=NOW)
    ledger.run("b")
    assert made(project, now=NOW + HOUR).summary.tasks == 2
    ledger.run("c")
    assert made(project, now=NOW).summary.tasks == 2
    assert Report.objects.filter(project_id=project.pk).count() == 1


def test_what_is_not_over_yet_says_so(project: Project) -> None:
    assert not made(project, now=datetime(2025, 11, 6, 23, 59, tzinfo=UTC)).is_whole
    assert made(project, now=datetime(2025, 11, 7, tzinfo=UTC)).is_whole


@pytest.mark.parametrize(
    ("zone", "inside", "outside"),
    [
        ("Asia/Kolkata", ["2025-11-05T18:30", "2025-11-06T18:29"], ["2025-11-05T18:29", "2025-11-06T18:30"]),
        ("Australia/Lord_Howe", ["2025-11-05T13:00", "2025-11-06T12:59"], ["2025-11-05T12:59", "2025-11-06T13:00"]),
    ],
)
def test_a_day_is_the_project_s_own(
    project: Project, ledger: Ledger, zone: str, inside: list[str], outside: list[str]
) -> None:
    project.time_zone = zone
    for moment in inside + outside:
        ledger.run(moment, at=datetime.fromisoformat(f"{moment}Z"))
    assert made(project).summary.tasks == len(inside)


ZONES = ("UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Madrid")
OCTOBER = datetime(2025, 9, 28, tzinfo=UTC)  # Lord Howe's clocks change on 5 October, Madrid's on the 26th
RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 40 * 96).map(lambda quarters: OCTOBER + timedelta(minutes=15 * quarters)),
            "input_uncached": st.integers(0, 10**6),
            "cache_read": st.integers(0, 10**6),
            "output": st.integers(0, 10**4),
            "cost_nanousd": st.integers(0, 10**12),
            "agent": st.sampled_from("abcdefgh"),
            "wasted": st.lists(st.integers(0, 10**6), max_size=2),
        }
    ),
    max_size=25,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=RUNS, zone=st.sampled_from(ZONES))
def test_days_add_up_to_their_weeks_and_months_and_a_document_to_itself(
    project: Project, runs: list[dict[str, Any]], zone: str
) -> None:
    project.time_zone = zone
    write(project.pk, runs)
    days = [made(project, (date(2025, 9, 29) + timedelta(days=number)).isoformat()) for number in range(7)]
    week = made(project, "2025-W40")
    assert sums(week) == tuple(map(sum, zip(*map(sums, days), strict=True)))
    month, first = made(project, "2025-10"), periods.read("2025-10").bounds(zone)
    assert month.summary.tasks == sum(first[0] <= run["at"] < first[1] for run in runs)
    for said in (*days, week, month):
        agree(said)


def write(project_id: int, runs: list[dict[str, Any]]) -> None:
    """These runs with their anomalies, and no others."""
    Run.objects.filter(project_id=project_id).delete()
    found = Anomaly.objects.filter(project_id=project_id)
    moments = set(found.values_list("started_at", flat=True))
    found.delete()
    waste_sums.remake(connection(), project_id=project_id, moments=moments)
    Report.objects.filter(project_id=project_id).delete()
    ledger = Ledger(project_id)
    for number, run in enumerate(runs):
        figures = {name: value for name, value in run.items() if name != "wasted"}
        ledger.run(str(number), **figures)
        tokens = run["input_uncached"] + run["cache_read"] // 10 + run["output"]
        for wasted, detector, severity in zip(
            run["wasted"], ("context_bloat", "expensive_task"), ("high", "medium"), strict=False
        ):
            said = {"detector": detector, "severity": severity, "tokens": tokens, "tokens_wasted": min(wasted, tokens)}
            ledger.anomaly(str(number), at=run["at"], **said)


def sums(said: Document) -> tuple[int, ...]:
    """Figures that add up from days to weeks."""
    whole = said.summary
    nanousd = int(Decimal(said.spend.cost_usd) * 10**9)
    return (
        *(whole.tasks, whole.tokens, whole.output_tokens, said.spend.calls, nanousd),
        *(whole.anomalies, whole.tokens_wasted, whole.tokens_wasted_overlapping),
    )


def agree(said: Document) -> None:
    """What the parts of a document say of each other."""
    whole = said.summary
    assert sum(whole.anomalies_by_severity.values()) == sum(whole.anomalies_by_type.values()) == whole.anomalies
    assert sum(group.anomalies for group in said.severities) == whole.anomalies
    assert sum(group.tokens_wasted_overlapping for group in said.severities) == whole.tokens_wasted_overlapping
    assert whole.tokens_wasted <= min(whole.tokens_wasted_overlapping, whole.measured_tokens + whole.tasks)
    for leaders in said.leaders:
        rows = [*leaders.rows, *([leaders.others] if leaders.others else [])]
        assert sum(row.tasks for row in rows) == whole.tasks
        assert sum(row.tokens for row in rows) == whole.tokens
        assert sum(row.tokens_wasted for row in rows) == whole.tokens_wasted


def test_a_neighbour_s_runs_are_in_no_report(project: Project) -> None:
    neighbour = Ledger(ensure_project(slug=f"{project.slug}-neighbour").pk)
    neighbour.run("theirs")
    neighbour.anomaly("theirs")
    said = made(project)
    assert (said.summary.tasks, said.summary.anomalies, said.first_day) == (0, 0, DAY)
