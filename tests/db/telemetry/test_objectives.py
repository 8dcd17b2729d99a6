"""What was spent for each objective, from the tables: all that the ledger holds, each piece where it counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from telemetry.contracts import Call, Execution
from telemetry.limits.objectives import goals, spend
from telemetry.limits.spending import Spend, Sums
from telemetry.models import Anomaly, Attribution, KeyResult, KeyResultValue, Objective, Project, Run, WorkItem
from telemetry.observer import live
from telemetry.series.window import Window, by_days
from tests.ledger_reading import NOW, added_up, send, sums
from tests.reports import make_report

LONG_AGO = date(2026, 1, 1)
MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOVEMBER = by_days(date(2026, 11, 1), date(2026, 11, 19), zone="UTC")
NANO = 10**9


def objective(project: Project, key: str = "O1") -> Objective:
    return Objective.objects.create(project=project, key=key, title=f"Objective {key}", recorded_on=LONG_AGO)


def attribution(goal: Objective, kind: str, **said: Any) -> Attribution:
    usual: dict[str, Any] = {"project": goal.project, "objective": goal, "kind": kind, "recorded_on": LONG_AGO}
    return Attribution.objects.create(**(usual | said))


def call(key: str, dollars: str, *, at: datetime = MONDAY, **said: Any) -> Call:
    return Call(id=key, started_at=at, model="m", input_uncached=100, output=10, cost_usd=Decimal(dollars), **said)


def spent(project: Project, window: Window = NOVEMBER) -> Spend:
    conn = added_up(project.pk)
    assert live.catch_up(conn, project_id=project.pk, now=NOW, patience_s=60)
    return spend(conn, project=project, window=window)


def by_key(project: Project, found: Spend) -> dict[str, int]:
    keys = dict(Objective.objects.filter(project=project).values_list("pk", "key"))
    return {keys[target.objective] if target else "": one.cost_nanousd for target, one in found.by_target.items()}


def test_every_call_of_the_ledger_is_in_one_place_however_it_names_its_run(project: Project) -> None:
    calls = [
        call("named", "1", execution_id="run-1", session_id="s-1"),
        call(
            "beside", "2", at=MONDAY + MINUTE, session_id="s-1"
        ),  # run-1 has calls that name it, so this is not its own
        call("inside", "4", at=MONDAY + MINUTE, session_id="s-2"),
        call("after", "8", at=MONDAY + 60 * MINUTE, session_id="s-2"),
        call("alone", "16"),
        call("unheard-of", "32", execution_id="run-3"),
        call("too-late", "64", at=MONDAY + timedelta(days=8), execution_id="run-1"),
    ]
    runs = [
        Execution(execution_id="run-1", started_at=MONDAY, execution_time=600, session_id="s-1", status="done"),
        Execution(execution_id="run-2", started_at=MONDAY, execution_time=600, session_id="s-2", status="failed"),
        Execution(execution_id="run-4", started_at=MONDAY, tokens_input=500, tokens_output=50, model="m"),
    ]
    send(project.pk, calls, executions=runs)
    found = spent(project)
    ledger = sums(project.pk)
    assert (found.total.cost_nanousd, found.total.tokens, found.total.calls, found.total.unpriced_calls) == (
        *(ledger.cost_nanousd, ledger.tokens, ledger.calls, ledger.unpriced_calls),
    )
    assert ledger.cost_nanousd == 127 * NANO
    assert (found.total.runs, found.total.done, found.total.failed) == (4, 1, 1)
    loose = sum(one.cost_nanousd for left, one in found.left.items() if left.is_loose)
    assert loose == (2 + 8 + 16 + 64) * NANO


def test_tags_items_parents_and_rules_have_their_runs_and_loose_calls(project: Project) -> None:
    tagged, ticket, epic, ruled = (objective(project, key) for key in ("TAG", "TICKET", "EPIC", "RULE"))
    attribution(ticket, "work_item", name="T-1", weight=Decimal("0.25"))
    attribution(epic, "work_item", name="E-1")
    attribution(ruled, "rule", agent="builder", pattern="re*ease_1")
    WorkItem.objects.create(project=project, key="T-2", parent="E-1", recorded_on=LONG_AGO)
    works: dict[str, dict[str, Any]] = {
        "a": {"objective": "TAG", "task_id": "T-1"},
        "b": {"task_id": "T-1"},
        "c": {"task_id": "T-2"},
        "d": {"task_id": "release_1", "agent": "builder"},
        "e": {"task_id": "releaseX1", "agent": "builder"},
    }
    runs = [Execution(execution_id=key, started_at=MONDAY, **said) for key, said in works.items()]
    calls = [call(f"of-{key}", "1", execution_id=key) for key in works]
    send(project.pk, [*calls, call("loose", "1", objective="TAG")], executions=runs)
    found = spent(project)
    assert by_key(project, found) == {
        tagged.key: 2 * NANO,
        ticket.key: NANO // 4,
        epic.key: NANO,
        ruled.key: NANO,
        "": NANO + 3 * NANO // 4,
    }
    assert {level: one.cost_nanousd // NANO for level, one in found.by_level.items()} == {
        "tag": 2,
        "work item": 1,
        "parent": 1,
        "rule": 1,
        "none": 1,
    }


def test_a_weight_holds_from_its_day_on_in_the_zone_of_the_project(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Europe/Madrid")
    project.refresh_from_db()
    goal = objective(project)
    attribution(goal, "tag", name="kr", last_day=date(2026, 11, 3), weight=Decimal("0.5"))
    attribution(goal, "tag", name="kr", first_day=date(2026, 11, 4), weight=Decimal("0.1"))
    for hour, name in ((22, "before"), (23, "from")):  # of UTC: Madrid's day begins at 23:00
        at = datetime(2026, 11, 3, hour, 30, tzinfo=UTC)
        Run.objects.create(
            project_id=project.pk, execution_id=name, started_at=at, objective="kr", cost_nanousd=1000, calls=1
        )
    assert by_key(project, spent(project)) == {"O1": 500 + 100, "": 500 + 900}
    madrid = by_days(date(2026, 11, 4), date(2026, 11, 4), zone="Europe/Madrid")
    assert by_key(project, spent(project, madrid)) == {"O1": 100, "": 900}


def test_waste_counts_once_a_run_and_is_cut_with_its_cost(project: Project) -> None:
    goal = objective(project)
    attribution(goal, "tag", name="kr", weight=Decimal("0.5"))
    Run.objects.create(
        project_id=project.pk, execution_id="r", started_at=MONDAY, objective="kr", input_uncached=900, output=100
    )
    for detector, wasted in (("expensive_task", 800), ("context_bloat", 300)):
        Anomaly.objects.create(
            project_id=project.pk,
            execution_id="r",
            detector=detector,
            severity="high",
            started_at=MONDAY,
            tokens=1000,
            tokens_wasted=wasted,
            found_at=NOW,
        )
    found = spent(project)
    assert found.total == Sums(runs=1, tokens=1000, tokens_wasted=800)
    assert found.unattributed == Sums(tokens=500, tokens_wasted=400)


def test_goals_come_by_priority_with_their_key_results_and_values_in_order(project: Project) -> None:
    low = objective(project, "A")
    Objective.objects.filter(pk=low.pk).update(priority=3)
    high = objective(project, "B")
    result = KeyResult.objects.create(
        project=project,
        objective=high,
        key="B-1",
        title="Days",
        start_value=Decimal(20),
        target_value=Decimal(10),
        direction="down",
        recorded_on=LONG_AGO,
    )
    for day, value in ((date(2026, 11, 9), 15), (date(2026, 11, 2), 18)):
        KeyResultValue.objects.create(project=project, key_result=result, day=day, value=value)
    found = goals(project.pk)
    assert [(goal.key, goal.priority_name) for goal in found] == [("B", "normal"), ("A", "low")]
    assert [value.value for value in found[0].results[0].values] == [18, 15]


def test_the_report_of_a_day_says_what_was_spent_for_what_and_nothing_where_there_is_no_objective(
    project: Project,
) -> None:
    goal = objective(project)
    attribution(goal, "tag", name="kr", weight=Decimal("0.5"))
    Run.objects.create(
        project_id=project.pk, execution_id="r", started_at=MONDAY, objective="kr", cost_nanousd=3, calls=1
    )
    said = make_report(project, "2026-11-02").document["objectives"]
    assert said["attributed_usd"] == "0.000000001"
    assert said["unattributed"]["cost_usd"] == "0.000000002"
    assert [(one["key"], one["as_a_whole"]["runs"]) for one in said["objectives"]] == [("O1", 1)]
    Attribution.objects.filter(project=project).delete()
    goal.delete()
    assert make_report(project, "2026-11-02").document["objectives"] is None
