"""What is recorded, what it cost, and the demo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from telemetry.access import projects
from telemetry.contracts import Call, Execution, Receipt, SkillContent, SkillLoad, SkillUse, TaskRun
from telemetry.database import connection
from telemetry.importer import demo
from telemetry.ledger import removal, skill_loads
from telemetry.ledger.executions import endings
from telemetry.ledger.ingest import ingest
from telemetry.ledger.pricing import computed_nanousd, nanousd
from telemetry.limits import budgets, editing, objective_files, objective_import
from telemetry.limits.invented import keep_demo_curbs
from telemetry.observer.alerts.invented import keep_demo_alerts
from telemetry.series import task_reading
from telemetry.sources.demo.goals import goals
from telemetry.sources.demo.governed import governed_sessions
from telemetry.usage import DONE, FAILED, input_total

DEMO_ALERT_DAYS = 30  # of which alerts of its budgets are there


def record(
    *,
    project_id: int,
    calls: Sequence[Call] = (),
    executions: Sequence[Execution] = (),
    source: str,
    now: datetime,
) -> Receipt:
    """Store a batch, each call counted once. Raises psycopg.Error; then nothing of it is stored."""
    return ingest(connection(), project_id=project_id, calls=calls, executions=executions, source=source, now=now)


def record_skill_loads(*, project_id: int, loads: Sequence[SkillLoad]) -> None:
    """Store loads of skills, each once. Raises psycopg.Error; then none is stored."""
    skill_loads.write_skill_loads(connection(), project_id=project_id, loads=loads)


def skill_contents(*, project_id: int, skill: str) -> list[SkillContent]:
    """The contents of a skill that a project has loaded, the newest first. Raises psycopg.Error."""
    return skill_loads.skill_contents(connection(), project_id=project_id, skill=skill)


def skill_outcomes(*, project_id: int, since: datetime) -> dict[str, tuple[int, int]]:
    """For each skill the runs that loaded it since then: how many are over, and how many of them ended well. Raises
    psycopg.Error."""
    return skill_loads.skill_outcomes(connection(), project_id=project_id, since=since)


def skill_uses(*, project_id: int, start: datetime, end: datetime) -> list[SkillUse]:
    """The skills that a project loaded in [start, end), by name. Raises psycopg.Error."""
    return task_reading.skill_uses(connection(), project_id=project_id, start=start, end=end)


def task_runs(*, project_id: int, start: datetime, end: datetime, most: int) -> list[TaskRun]:
    """A project's newest runs that began in [start, end), oldest first, as tasks in words. Raises psycopg.Error."""
    return task_reading.task_runs(connection(), project_id=project_id, start=start, end=end, most=most)


def cost_nanousd(call: Call) -> int | None:
    """What a call cost: as it says itself, else by the price table, without a project's overrides; None where that has
    no price."""
    if call.cost_usd is not None:
        return nanousd(call.cost_usd)
    return computed_nanousd(call, input_total(call))[0]


def run_endings(*, project_id: int, executions: Sequence[str]) -> dict[str, bool]:
    """Which of these executions are over and said so: True for well, False for badly."""
    found = endings(connection(), project_id=project_id, keys=executions)
    return {key: status.lower() in DONE for key, status in found.items() if status.lower() in DONE | FAILED}


def load_demo(*, now: datetime, days: int, agents: int) -> Receipt:
    """Fill the project `demo` with invented calls of the first `agents` of DEMO_AGENTS, and with what they are for.
    Raises NotADemo."""
    receipt = demo.load_demo(connection(), now=now, days=days, agents=agents)
    project = projects.project_of(demo.SLUG)
    budgets.grant_demo(project_id=project.pk)
    today = editing.today_of(project, now)
    plain = msgspec.json.encode(goals(today))
    sheet = objective_files.read(plain, file_name="demo.json")
    objective_import.keep(sheet, project=project, by=demo.SOURCE, today=today)
    held_back = [governed_sessions(today - timedelta(days=back), now=now) for back in range(days)]
    keep_demo_curbs(project_id=project.pk, curbed=[one for day in held_back for one in day.curbs], now=now)
    passed = [one for day in held_back[:DEMO_ALERT_DAYS] for one in day.passed]
    keep_demo_alerts(connection(), project=project, passed=passed, now=now)
    return receipt


def remove_demo() -> int:
    """Delete the project `demo` and all that is in it; how many calls it held. Raises UnknownProject, NotADemo."""
    return removal.remove_demo(connection(), project_id=projects.project_of(demo.SLUG).pk)
