"""A night says of each day what it was against the days before, once and for good, however late it comes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from telemetry.database import connection
from telemetry.models import Project, Run, RunDay, Trend, TrendDay
from telemetry.observer.report import observing
from telemetry.observer.report.periods import around
from telemetry.outlook import trends
from telemetry.outlook.verdicts import Verdict
from telemetry.series.buckets import day_span
from telemetry.series.window import time_zone
from tests.ledger_reading import at_once

pytestmark = pytest.mark.usefixtures("database")
FIRST = date(2026, 10, 1)
LAST = FIRST + timedelta(days=11)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def work(project: Project, *, days: int = 12, times: float = 3.0, agent: str = "a", runs: int = 6) -> None:
    """Runs of an agent by day, which took so many times as much on the last one."""
    dice, made = Random(1), []
    for n in range(days):
        start = day_span(FIRST + timedelta(days=n), time_zone(project.time_zone))[0]
        for number in range(runs):
            tokens = int(100_000 * dice.uniform(0.8, 1.2) * (times if n == days - 1 else 1))
            labels: dict[str, Any] = {"agent": agent, "task_type": "t", "model": "m", "calls": 1}
            made.append(
                Run(
                    project_id=project.pk,
                    execution_id=f"{agent}-{n}-{number}",
                    started_at=start + timedelta(hours=1 + number),
                    input_uncached=tokens,
                    cost_nanousd=3_000 * tokens,
                    **labels,
                )
            )
    Run.objects.bulk_create(made)


def judge(project: Project, day: date = LAST) -> int:
    return trends.judge_day(connection(), project=project, day=day, now=NOW)


def said(project: Project, day: date = LAST) -> list[Verdict]:
    return trends.read(connection(), project_id=project.pk, start=day, end=day)


def kept(project: Project) -> list[dict[str, Any]]:
    """All that is kept of its days."""
    rows = Trend.objects.filter(project_id=project.pk).order_by("day", "dimension", "name", "what").values()
    return [{name: value for name, value in row.items() if name not in ("pk", "project_id")} for row in rows]


def test_a_day_on_which_runs_took_three_times_as_much_is_told_of_the_agent_alone(project: Project) -> None:
    work(project)
    work(project, agent="b", times=1.0)
    assert judge(project) == 12
    flagged = {(one.dimension, one.name, one.what): one for one in said(project) if one.is_flagged}
    agent = flagged["agent", "a", "intensity"]
    assert agent.is_alert
    assert agent.effect == pytest.approx(3, rel=0.1)
    assert agent.at_stake_nanousd == pytest.approx(6 * 2 * 100_000 * 3_000, rel=0.1)
    assert flagged.keys() <= {(dimension, name, "intensity") for dimension, name, _ in flagged}
    assert [one.name for one in flagged.values() if one.is_alert] == ["a"]
    assert {one.root_name for one in flagged.values() if one is not agent} == {"a"}
    assert ("agent", "b", "intensity") not in flagged


def test_nights_that_were_missed_say_what_they_would_have_said(project: Project) -> None:
    work(project)
    for n in range(12):
        judge(project, FIRST + timedelta(days=n))
    every_night = kept(project)
    Trend.objects.filter(project_id=project.pk).delete()
    TrendDay.objects.filter(project_id=project.pk).delete()
    judge(project)
    assert kept(project) == every_night
    assert any(row["is_flagged"] for row in every_night)


def test_a_day_that_is_judged_again_or_by_two_at_once_is_said_once(project: Project) -> None:
    work(project)
    judge(project)
    before = kept(project)
    assert at_once(lambda: judge(project), lambda: judge(project)) == [1, 1]
    assert kept(project) == before


def test_days_whose_runs_are_gone_are_remembered(project: Project) -> None:
    work(project)
    judge(project, LAST - timedelta(days=1))
    gone = day_span(LAST, time_zone(project.time_zone))[0]
    Run.objects.filter(project_id=project.pk, started_at__lt=gone).delete()
    Project.objects.filter(pk=project.pk).update(calls_kept_from_at=gone)
    project.refresh_from_db()
    assert judge(project) == 1
    assert any(one.is_alert for one in said(project))


def test_a_day_that_is_not_over_is_glanced_at_and_nothing_is_kept(project: Project) -> None:
    work(project)
    noon = day_span(LAST, time_zone(project.time_zone))[0] + timedelta(hours=12)
    assert trends.judge_day(connection(), project=project, day=LAST, now=noon) == 11
    found = trends.glance(connection(), project=project, day=LAST, now=noon)
    flagged = {(one.dimension, one.name, one.what) for one in found if one.is_flagged}
    assert ("agent", "a", "intensity") in flagged
    assert not any(what == "volume" for _, _, what in flagged)
    assert said(project) == []
    assert not RunDay.objects.filter(project_id=project.pk, day=LAST).exists()


def test_days_are_cut_again_once_the_project_has_another_zone(project: Project) -> None:
    work(project)
    judge(project)
    Project.objects.filter(pk=project.pk).update(time_zone="America/Los_Angeles")
    project.refresh_from_db()
    judge(project)
    cut = TrendDay.objects.filter(project_id=project.pk).values_list("zone", flat=True)
    assert set(cut) == {"America/Los_Angeles"}
    runs = dict(RunDay.objects.filter(project_id=project.pk).values_list("day", "runs"))
    assert runs == {FIRST + timedelta(days=n - 1): 6 for n in range(12)}


def test_observing_a_day_judges_it(project: Project) -> None:
    work(project)
    observing.observe(connection(), project=project, period=around(LAST, "daily"), now=NOW, patience_s=5)
    assert any(one.is_alert for one in said(project))


def test_a_project_without_runs_has_nothing_to_say(project: Project) -> None:
    assert judge(project) == 1
    assert said(project) == []
