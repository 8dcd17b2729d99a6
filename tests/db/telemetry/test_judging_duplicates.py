"""Which run repeats which, and that live and night, whatever comes in whatever order, say the same."""

from __future__ import annotations

import threading
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connections

from telemetry.database import connection
from telemetry.ledger.dirty import lock_judging
from telemetry.models import Anomaly, DetectorRule, Project, Run
from telemetry.observer.judging import judge_runs, judge_span
from tests.ledger_reading import NOW, new_tenant
from tests.run_rows import MORNING, anomalies, run

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)


def night(tenant: int) -> int:
    return judge_span(connection(), project_id=tenant, start=MORNING, end=MORNING + DAY, now=NOW)


def live(tenant: int, *keys: str) -> int:
    return judge_runs(connection(), project_id=tenant, keys=keys, now=NOW)


def repeated(tenant: int) -> set[str]:
    """The runs that repeat another, which live and night must agree on."""
    night(tenant)
    at_night = everything(tenant)
    Anomaly.objects.filter(project_id=tenant).delete()
    live(tenant, *Run.objects.filter(project_id=tenant).values_list("execution_id", flat=True))
    assert everything(tenant) == at_night
    return {key for key, detector in anomalies(tenant) if detector == "duplicate_work"}


def everything(tenant: int) -> list[dict[str, Any]]:
    """All that is written of each anomaly."""
    found = Anomaly.objects.filter(project_id=tenant).order_by("execution_id", "detector")
    return [dict(one) for one in found.values()]


def two(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, *, apart: float = 30) -> set[str]:
    """What is repeated of two runs of one task."""
    tenant = new_tenant()
    run(tenant, "first", **{"task_key": "t"} | (first or {}))
    run(tenant, "second", minute=apart, **{"task_key": "t"} | (second or {}))
    return repeated(tenant)


def test_the_later_of_two_runs_within_an_hour_repeats_the_earlier() -> None:
    assert two() == {"second"}
    assert two(apart=59.99) == {"second"}
    assert two(apart=60) == set()


def test_of_two_that_began_at_once_one_repeats_the_other() -> None:
    assert two(apart=0) == {"second"}


def test_tasks_without_a_name_other_tasks_and_turns_that_were_cut_repeat_nothing() -> None:
    assert two({"task_key": ""}, {"task_key": ""}) == set()
    assert two({"task_key": "other"}) == set()
    assert two({"is_cut": True}) == set()
    assert two(second={"is_cut": True}) == set()


def test_a_retry_after_the_provider_failed_and_a_look_whose_result_changed_are_exempt() -> None:
    assert two({"is_provider_fault": True, "status": "failed"}) == set()
    assert two({"result_digest": "a"}, {"result_digest": "b"}) == set()
    assert two({"result_digest": "a"}, {"result_digest": "a"}) == {"second"}
    assert two({"status": "failed"}) == set()
    assert two({"status": "failed"}, {"status": "failed"}) == {"second"}


def test_a_run_before_the_span_is_repeated_by_one_in_it() -> None:
    tenant = new_tenant()
    run(tenant, "yesterday", minute=-30, task_key="t")
    run(tenant, "today", minute=20, task_key="t")
    night(tenant)
    assert set(anomalies(tenant)) == {("today", "duplicate_work")}


def test_a_run_is_compared_with_the_last_one_before_it() -> None:
    tenant = new_tenant()
    run(tenant, "a", task_key="t", result_digest="x")
    run(tenant, "b", minute=10, task_key="t", result_digest="y")
    run(tenant, "c", minute=20, task_key="t", result_digest="y")
    assert repeated(tenant) == {"c"}
    assert Anomaly.objects.get(project_id=tenant).evidence["earlier"] == "b"


def test_a_fleet_that_works_in_parallel_on_tasks_of_its_own_raises_none() -> None:
    tenant = new_tenant()
    for number in range(40):
        run(tenant, f"worker-{number}", task_key=f"ticket-{number}", agent="fleet", task_type="fix")
    assert repeated(tenant) == set()


def test_runs_of_other_projects_are_not_repeated() -> None:
    first, second = new_tenant(), new_tenant()
    run(first, "here", task_key="t")
    run(second, "there", minute=1, task_key="t")
    assert repeated(second) == set()


def test_a_shorter_and_a_longer_time_hold_in_the_database_too(project: Project) -> None:
    run(project.pk, "first", task_key="t")
    run(project.pk, "second", minute=90, task_key="t")
    assert repeated(project.pk) == set()
    rule = DetectorRule.objects.create(project=project, detector="duplicate_work", threshold=7_200)
    assert repeated(project.pk) == {"second"}
    rule.is_enabled = False
    rule.save()
    assert repeated(project.pk) == set()


def test_a_run_that_comes_late_makes_the_next_one_a_repetition() -> None:
    tenant = new_tenant()
    run(tenant, "second", minute=30, task_key="t")
    live(tenant, "second")
    assert anomalies(tenant) == {}
    run(tenant, "first", task_key="t")
    live(tenant, "first")
    assert set(anomalies(tenant)) == {("second", "duplicate_work")}


def test_what_becomes_of_the_earlier_run_is_seen_in_the_next_one() -> None:
    tenant = new_tenant()
    run(tenant, "first", task_key="t")
    run(tenant, "second", minute=5, task_key="t")
    live(tenant, "first", "second")
    assert set(anomalies(tenant)) == {("second", "duplicate_work")}
    Run.objects.filter(project_id=tenant, execution_id="first").update(is_provider_fault=True)
    live(tenant, "first")
    assert anomalies(tenant) == {}


def _any_runs(tenant: int, dice: Random) -> None:
    tokens = (0, 1, 400, 600, 4_000, 4_001, 5_001, 9_999, 10_001, 60_000, 10**12, 2**62)
    for number in range(120):
        run(
            tenant, f"run-{number}", minute=dice.randrange(600) / 2,
            input_uncached=dice.choice(tokens), cache_read=dice.choice(tokens), output=dice.choice((*tokens, 1, 1)),
            cache_write_5m=dice.choice((0, 0, 900)), cache_write_1h=dice.choice((0, 0, 700)),
            cache_write_unknown=dice.choice((0, 0, 30)), duration_ms=dice.choice((None, 0, 4_999, 5_000, 90_000)),
            status=dice.choice(("", "done", "Done", "DONE", "ok", "failed", "completed")), errors=dice.randrange(3),
            is_verified=dice.choice((None, None, True, False)), task_key=dice.choice(("", "a", "b", f"only-{number}")),
            is_cut=dice.random() < 0.1, is_provider_fault=dice.random() < 0.1,
            result_digest=dice.choice(("", "x", "y")), task_type=dice.choice(("", "search")),
            cut_off_calls=dice.choice((0, 0, 1)),
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_detectors_and_their_sieves_in_the_database_say_the_same(project: Project, seed: int) -> None:
    """Live asks the detectors, the night their sieves; every column of what they write must be equal."""
    dice = Random(seed)
    _any_runs(project.pk, dice)
    for detector in ("context_bloat", "expensive_task", "duplicate_work", "false_completion", "inefficient_task"):
        if seed and dice.random() < 0.6:
            threshold = dice.choice((0, 1, 2, 100, 1_000, 99_999_999))
            floor, allowance = dice.choice((None, 0, 1_000)), dice.choice((None, 0, 7.25))
            DetectorRule.objects.create(
                project=project, detector=detector, threshold=threshold, floor_tokens=floor, allowance=allowance
            )
    repeated(project.pk)


def test_who_judges_waits_for_who_judges_already() -> None:
    tenant, is_done = new_tenant(), threading.Event()
    run(tenant, "false", errors=1)

    def judge() -> None:
        live(tenant, "false")
        is_done.set()
        connections.close_all()

    conn = connection()
    with conn.transaction():
        lock_judging(conn, project_id=tenant)
        thread = threading.Thread(target=judge)
        thread.start()
        assert not is_done.wait(0.5)
    thread.join(20)
    assert is_done.is_set()
