"""Runs are judged: what is found stands as anomalies, the same however often, until it is no longer so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telemetry.database import connection
from telemetry.models import AllowedWaste, Anomaly, DetectorRule, Project, Run
from telemetry.observer import judging, verdicts, waste
from telemetry.observer.judging import judge_runs, judge_span
from telemetry.observer.verdicts import Seen
from tests.ledger_reading import NOW, new_tenant
from tests.run_rows import MORNING, anomalies, run

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)


def night(tenant: int) -> int:
    return judge_span(connection(), project_id=tenant, start=MORNING, end=MORNING + DAY, now=NOW)


def live(tenant: int, *keys: str) -> int:
    return judge_runs(connection(), project_id=tenant, keys=keys, now=NOW)


def said(tenant: int, key: str, state: str) -> None:
    """A person gives a new finding of false completion a state."""
    seen = [Seen(key, "false_completion", "new")]
    verdicts.judge(project_id=tenant, seen=seen, state=state, by="ada", now=NOW)


def test_each_detector_finds_its_run_and_healthy_ones_are_left_alone() -> None:
    tenant = new_tenant()
    run(tenant, "bloat", input_uncached=4_000, output=100)
    run(tenant, "dear", input_uncached=9_000, output=3_000)
    run(tenant, "once", task_key="report", task_id="report")
    run(tenant, "again", minute=5, task_key="report", task_id="report", agent="copilot", session_id="s", model="m")
    run(tenant, "false", errors=2)
    run(tenant, "hasty", duration_ms=100, input_uncached=5_500, output=500)
    run(tenant, "healthy", input_uncached=9_000, output=1_000)
    assert night(tenant) == 5
    assert anomalies(tenant) == {
        ("again", "duplicate_work"): 200,
        ("bloat", "context_bloat"): 3_000,
        ("dear", "expensive_task"): 2_000,
        ("false", "false_completion"): 200,
        ("hasty", "inefficient_task"): 1_000,
    }
    again = Anomaly.objects.get(project_id=tenant, execution_id="again")
    assert (again.task_id, again.agent, again.session_id, again.model) == ("report", "copilot", "s", "m")
    assert again.evidence["earlier"] == "once"
    assert (again.state, again.found_at, again.started_at) == ("new", NOW, MORNING + timedelta(minutes=5))


def test_only_runs_that_began_in_the_span_are_judged() -> None:
    tenant = new_tenant()
    for key, minute in (("before", -1), ("first", 0), ("last", 1_439), ("after", 1_440)):
        run(tenant, key, minute=minute, errors=1)
    night(tenant)
    assert {key for key, _ in anomalies(tenant)} == {"first", "last"}


def test_cached_input_is_weighed_unless_the_project_counts_gross(project: Project) -> None:
    run(project.pk, "cached", input_uncached=100, cache_read=9_000, cache_write_5m=80, cache_write_1h=50, output=100)
    assert night(project.pk) == 0
    project.token_measure = "gross"
    project.save()
    assert night(project.pk) == 1
    found = Anomaly.objects.get(project_id=project.pk)
    assert (found.tokens, found.tokens_wasted, found.evidence["measure"]) == (9_330, 8_230, "gross")
    project.token_measure = "weighted"
    project.save()
    assert night(project.pk) == 0
    assert not Anomaly.objects.filter(project_id=project.pk).exists()


def test_counters_of_a_session_are_no_runs() -> None:
    tenant = new_tenant()
    run(tenant, "meter:some", errors=1)
    assert (night(tenant), live(tenant, "meter:some")) == (0, 0)


def test_what_still_goes_on_is_judged_by_the_night_alone() -> None:
    tenant = new_tenant()
    run(tenant, "on", status="Running", input_uncached=20_000, output=5_000)
    assert live(tenant, "on") == 0
    assert night(tenant) == 1
    assert live(tenant, "on") == 0
    assert anomalies(tenant) == {("on", "expensive_task"): 15_000}


def test_a_rule_of_the_project_changes_a_number_and_turns_a_detector_off(project: Project) -> None:
    run(project.pk, "dear", input_uncached=9_000, output=3_000)
    run(project.pk, "false", errors=1)
    DetectorRule.objects.create(project=project, detector="expensive_task", threshold=11_500)
    DetectorRule.objects.create(project=project, detector="false_completion", is_enabled=False)
    night(project.pk)
    assert anomalies(project.pk) == {("dear", "expensive_task"): 500}
    DetectorRule.objects.filter(project=project, detector="expensive_task").update(allowance=4_000)
    night(project.pk)
    assert anomalies(project.pk) == {("dear", "expensive_task"): 8_000}


def test_a_project_whose_detectors_are_all_off_finds_nothing_and_forgets_what_it_found(project: Project) -> None:
    run(project.pk, "false", errors=1)
    assert night(project.pk) == 1
    for detector in ("context_bloat", "expensive_task", "duplicate_work", "false_completion", "inefficient_task"):
        DetectorRule.objects.create(project=project, detector=detector, is_enabled=False)
    assert night(project.pk) == 0
    assert anomalies(project.pk) == {}


def test_a_task_type_is_let_pass_once_a_person_accepted_it(project: Project) -> None:
    run(project.pk, "search", errors=1, task_type="search")
    run(project.pk, "other", errors=1, task_type="other")
    allowed = AllowedWaste.objects.create(project=project, detector="false_completion", task_type="search")
    assert night(project.pk) == 2
    AllowedWaste.objects.filter(pk=allowed.pk).update(accepted_at=NOW)
    assert night(project.pk) == 1
    assert live(project.pk, "search") == 0
    AllowedWaste.objects.filter(pk=allowed.pk).update(dismissed_at=NOW)
    assert live(project.pk, "search") == 1


def test_judging_again_changes_nothing_and_keeps_what_a_person_said() -> None:
    tenant = new_tenant()
    run(tenant, "false", errors=1, input_uncached=500)
    night(tenant)
    Anomaly.objects.filter(project_id=tenant).update(state="not_waste", state_by="eva", note="fine", state_at=NOW)
    before = Anomaly.objects.filter(project_id=tenant).values().get()
    judge_span(connection(), project_id=tenant, start=MORNING, end=MORNING + DAY, now=NOW + DAY)
    assert Anomaly.objects.filter(project_id=tenant).values().get() == before
    Run.objects.filter(project_id=tenant).update(errors=4, model="large")
    judge_runs(connection(), project_id=tenant, keys=["false"], now=NOW + DAY)
    after = Anomaly.objects.filter(project_id=tenant).values().get()
    said = {"model": "large", "evidence": before["evidence"] | {"errors": 4}, "digest": after["digest"]}
    assert after == before | said
    assert after["digest"] != before["digest"]


@pytest.mark.parametrize("judge", [night, lambda tenant: live(tenant, "new", "seen")])
def test_what_no_longer_holds_is_gone_unless_a_person_judged_it(judge) -> None:  # type: ignore[no-untyped-def]
    tenant = new_tenant()
    run(tenant, "new", errors=1)
    run(tenant, "seen", errors=1)
    judge(tenant)
    Anomaly.objects.filter(project_id=tenant, execution_id="seen").update(state="acknowledged")
    Run.objects.filter(project_id=tenant).update(errors=0)
    for _ in range(2):
        assert judge(tenant) == 0
        left = Anomaly.objects.get(project_id=tenant)
        assert (left.execution_id, left.state, left.tokens_wasted) == ("seen", "acknowledged", 0)
        assert (left.evidence["holds"], left.evidence["wasted_then"], left.evidence["errors"]) == (False, 200, 1)
    Run.objects.filter(project_id=tenant).update(errors=2)
    judge(tenant)
    back = Anomaly.objects.get(project_id=tenant, execution_id="seen")
    assert (back.state, back.tokens_wasted, back.evidence.get("holds")) == ("acknowledged", 200, None)


def test_an_anomaly_whose_run_is_gone_goes_too() -> None:
    tenant = new_tenant()
    for key in ("one", "two"):
        run(tenant, key, errors=1)
    night(tenant)
    Run.objects.filter(project_id=tenant).delete()
    live(tenant, "one")
    assert {key for key, _ in anomalies(tenant)} == {"two"}
    night(tenant)
    assert anomalies(tenant) == {}


def test_a_run_that_began_earlier_than_was_known_takes_its_anomaly_along() -> None:
    tenant = new_tenant()
    run(tenant, "moved", minute=10, errors=1)
    night(tenant)
    Run.objects.filter(project_id=tenant).update(started_at=MORNING - DAY)
    live(tenant, "moved")
    assert Anomaly.objects.get(project_id=tenant).started_at == MORNING - DAY


def test_sums_beyond_every_reason_are_judged_and_break_nothing() -> None:
    tenant, most = new_tenant(), 2**63 - 1
    sums = {"input_uncached": most, "cache_read": most, "cache_write_1h": most, "output": most}
    run(tenant, "huge", duration_ms=1, errors=1, **sums)
    run(tenant, "steep", input_uncached=10**17, output=10**13)
    assert night(tenant) == 5
    assert anomalies(tenant)["huge", "expensive_task"] == most
    assert live(tenant, "huge", "steep") == 5
    assert night(tenant) == 5
    assert waste.sums(connection(), project_id=tenant, start=MORNING, end=MORNING + DAY).total.tokens_wasted > most


def test_slices_and_pieces_find_what_one_look_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()
    for number in range(60):
        run(tenant, f"run-{number:02}", minute=number // 7, errors=number % 2, task_key=f"t{number % 9}")
    found = night(tenant)
    at_once = anomalies(tenant)
    Anomaly.objects.filter(project_id=tenant).delete()
    monkeypatch.setattr(judging, "SLICE", 5)
    monkeypatch.setattr(judging, "PIECE", 3)
    assert night(tenant) == found
    assert anomalies(tenant) == at_once
    assert found > 50


def test_waste_is_summed_by_severity_and_detector_and_each_run_counts_once() -> None:
    tenant = new_tenant()
    run(tenant, "both", input_uncached=20_000, output=100)
    run(tenant, "false", errors=1)
    run(tenant, "fine", errors=1)
    night(tenant)
    said(tenant, "fine", "not_waste")
    said(tenant, "false", "resolved")
    found = waste.sums(connection(), project_id=tenant, start=MORNING, end=MORNING + DAY)
    assert found.total == waste.Sum(3, 19_000 + 10_100 + 200)
    assert (found.runs, found.tokens_once, found.not_waste) == (2, 19_000 + 200, 1)
    assert found.by_severity == {"high": waste.Sum(2, 19_200), "medium": waste.Sum(1, 10_100)}
    assert found.by_detector["false_completion"] == waste.Sum(1, 200)
    assert waste.sums(connection(), project_id=tenant, start=MORNING - DAY, end=MORNING) == waste.WasteSums()


def test_what_no_longer_holds_is_in_no_sum() -> None:
    tenant = new_tenant()
    run(tenant, "false", errors=1)
    night(tenant)
    said(tenant, "false", "acknowledged")
    Run.objects.filter(project_id=tenant).update(errors=0)
    night(tenant)
    assert waste.sums(connection(), project_id=tenant, start=MORNING, end=MORNING + DAY) == waste.WasteSums()
