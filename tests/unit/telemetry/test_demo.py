"""The invented team: believable, and the same for ever."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

import skills
from telemetry.contracts import Call, Execution
from telemetry.limits import budgets, objective_files
from telemetry.limits.attribution import WHOLE, Book, Link, Rule, Spelled, Stands, Target, Valid, Work
from telemetry.limits.objective_files import AttributionRow, KeyResultRow, WorkItemRow
from telemetry.sources.demo import ROSTER, Agent, governed, invent, planted, shifts
from telemetry.sources.demo.goals import goals
from telemetry.sources.demo.learned import skill_loads
from telemetry.usage import input_total

CATALOGUE = Path(skills.__file__).parent / "catalogue"
NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def invented(*, now: datetime = NOW, days: int = 60, agents: int = 4) -> tuple[list[Call], list[Execution]]:
    """All calls and executions."""
    every = list(invent(now=now, days=days, agents=agents))
    return [call for day in every for call in day.calls], [run for day in every for run in day.executions]


CALLS, RUNS = invented()


def test_the_same_days_are_the_same_whenever_and_with_whomever_they_are_invented() -> None:
    assert invented() == (CALLS, RUNS)
    later = invented(now=NOW + timedelta(days=9), days=70, agents=len(ROSTER))[0]
    assert set(map(repr, CALLS)) <= set(map(repr, later))


def test_a_run_is_there_only_when_it_has_ended() -> None:
    assert all(call.started_at < NOW for call in CALLS)
    assert all(run.started_at + timedelta(seconds=run.execution_time or 0) <= NOW for run in RUNS)
    assert {call.execution_id for call in CALLS} == {run.execution_id for run in RUNS}


def test_no_call_is_there_twice() -> None:
    assert len({call.id for call in CALLS}) == len(CALLS)


def test_two_months_of_four_agents_fill_the_pages() -> None:
    assert 6_000 <= len(CALLS) <= 17_000
    assert {call.agent for call in CALLS} == {agent.name for agent in ROSTER[:4]} | {
        planted.AGENT,
        shifts.WORKER.agent,
        *(crew.agent for crew in governed.CREWS),
    }
    assert len({call.model for call in CALLS}) >= 8
    assert any(call.model.endswith(":free") for call in CALLS)


def test_runs_load_skills_of_the_catalogue_and_the_same_ones_for_ever() -> None:
    loads = skill_loads(RUNS)
    assert loads == skill_loads(RUNS)
    assert len({load.id for load in loads}) == len(loads) > 500
    assert {load.skill for load in loads} <= {folder.name for folder in CATALOGUE.iterdir()}
    assert all(load.loaded_at <= NOW for load in loads)


def test_people_work_by_day_and_rest_at_weekends() -> None:
    by_weekday = Counter(call.started_at.weekday() for call in CALLS)
    assert 3 * (by_weekday[5] + by_weekday[6]) < by_weekday[1] + by_weekday[2]
    by_hour = Counter(call.started_at.hour for call in CALLS)
    assert by_hour[3] * 10 < by_hour[15]


def test_context_grows_within_a_session_and_is_read_from_the_cache() -> None:
    claude = [call for call in CALLS if call.agent == "claude-code" and not call.subagent_id]
    session = [call for call in claude if call.session_id == claude[0].session_id]
    assert input_total(session[-1]) > input_total(session[0])
    assert session[0].cache_read == 0
    assert session[1].cache_read == input_total(session[0])
    assert sum(call.cache_read for call in claude) > 0.7 * sum(map(input_total, claude))


@pytest.mark.parametrize("agent", ROSTER[:4], ids=lambda agent: agent.name)
def test_buckets_are_those_that_the_provider_bills(agent: Agent) -> None:
    ours = [call for call in CALLS if call.agent == agent.name]
    assert any(call.cache_write_5m for call in ours) == (agent.caching == "written")
    assert any(call.cache_read for call in ours) == (agent.caching != "none")
    assert all((call.reasoning or 0) <= call.output for call in ours)


def test_some_runs_fail_and_say_why() -> None:
    failed = [run for run in RUNS if run.status == "failed"]
    assert 0.02 < len(failed) / len(RUNS) < 0.12
    assert all(run.errors for run in failed)
    assert {run.status for run in RUNS} == {"done", "failed"}


def test_subagents_belong_to_their_parents_session_and_run() -> None:
    helpers = [call for call in CALLS if call.subagent_id]
    own = {(call.session_id, call.execution_id) for call in CALLS if not call.subagent_id}
    assert helpers
    assert {(call.session_id, call.execution_id) for call in helpers} <= own


def test_what_is_planted_is_there_on_every_weekday_once_it_has_ended() -> None:
    friday, morning = NOW.date(), NOW.replace(hour=9, minute=10)
    assert len(planted.to_find(friday, now=NOW)) == 6
    assert {detector for _, detector in planted.to_find(friday, now=morning)} == {"context_bloat", "expensive_task"}
    assert not list(planted.planted_runs(friday + timedelta(days=1), now=NOW + timedelta(days=9)))


def test_the_fleet_runs_side_by_side_and_every_run_is_of_another_task() -> None:
    fleet = [run for run, _ in planted.planted_runs(NOW.date(), now=NOW) if run.task_type == "index"]
    assert len({run.task_id for run in fleet}) == len(fleet) == planted.FLEET
    first_end = min(run.started_at + timedelta(seconds=run.execution_time or 0) for run in fleet)
    assert all(run.started_at < first_end for run in fleet)


def test_nearly_all_that_the_team_uses_is_for_an_objective_by_every_way_but_the_run_itself() -> None:
    said = [
        one for _, one in objective_files.read(msgspec.json.encode(goals(NOW.date())), file_name="demo.json").records
    ]
    ever = Valid(None, None, NOW.date())
    asked = [one for one in said if isinstance(one, AttributionRow)]
    book = Book(
        [
            Link(one.kind, one.name, Target(1), int(one.weight * WHOLE), ever, Rule(one.task_type, one.agent))  # type: ignore[arg-type]
            for one in asked
        ],
        [Stands(one.key, one.parent, ever) for one in said if isinstance(one, WorkItemRow)],
        [Spelled(one.key, Target(1), NOW.date()) for one in said if isinstance(one, KeyResultRow)],
    )
    calls, runs = invented(days=14, agents=len(ROSTER))
    used: Counter[str] = Counter()
    for call in calls:
        used[call.execution_id] += input_total(call) + call.output
    counted: Counter[str] = Counter()
    for run in runs:
        work = Work(NOW.date(), "", run.objective, run.task_id, run.task_type, run.agent)
        counted[book.find(work).level] += used[run.execution_id]
    assert counted.keys() == {"tag", "parent", "rule", "none"}
    assert 0 < counted["none"] <= 0.05 * counted.total()


def test_the_router_works_evenly_but_for_days_that_are_heavier_or_busier_by_their_date() -> None:
    workdays = [day for back in range(1, 60) if (day := NOW.date() - timedelta(days=back)).weekday() < 5]
    runs = Counter(run.started_at.date() for run in RUNS if run.agent == shifts.WORKER.agent)
    tokens = Counter[date]()
    for call in CALLS:
        if call.agent == shifts.WORKER.agent:
            tokens[call.started_at.date()] += input_total(call) + call.output
    usual = [day for day in workdays if not shifts.is_heavy(day) and not shifts.is_busy(day)]
    heavy, busy = filter(shifts.is_heavy, workdays), filter(shifts.is_busy, workdays)
    assert {runs[day] for day in usual} == {shifts.TICKETS}
    assert all(tokens[day] > 3 * tokens[usual[0]] and runs[day] == shifts.TICKETS for day in heavy)
    assert all(runs[day] == shifts.MANY_TICKETS for day in busy)
    assert any(shifts.is_heavy(NOW.date() - timedelta(days=back)) for back in range(28))


def test_sessions_with_budgets_come_near_their_limits_are_held_back_and_pass_them_only_past_the_gateway() -> None:
    days = [governed.governed_sessions(NOW.date() - timedelta(days=back), now=NOW) for back in range(60)]
    used: Counter[tuple[str, str]] = Counter()
    for day in days:
        for _, call in day.runs:
            used[call.session_type, call.session_id] += input_total(call) + call.output
    shares = {key: tokens / governed.LIMITS[key[0]] for key, tokens in used.items()}
    curbs = [curb for day in days for curb in day.curbs]
    held = {curb.session_id for curb in curbs}
    for session_type in governed.LIMITS:
        ours = {name: share for (kind, name), share in shares.items() if kind == session_type}
        assert any(0.8 <= share <= 0.95 for share in ours.values())
        assert 0 < sum(share > 1 for share in ours.values()) < 0.2 * len(ours)
        assert all(share <= 0.95 for name, share in ours.items() if name in held)
    assert {curb.kind for curb in curbs} == {"refused", "lowered"}
    assert all(curb.given < governed.WANTED and curb.at <= NOW for curb in curbs)
    told = {(one.session_id, one.percent) for day in days for one in day.passed}
    for (_, name), share in shares.items():
        assert ((name, 80) in told, (name, 100) in told) == (share >= 0.8, share >= 1)


def test_the_demo_s_limits_are_those_that_its_budgets_grant() -> None:
    granted = {subject: int(amount) for scope, subject, *_, amount, _ in budgets.DEMO if scope == "session_type"}
    assert granted == governed.LIMITS
