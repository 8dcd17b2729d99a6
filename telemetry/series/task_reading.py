"""READ: runs as tasks in words, with how they ended, what they took, and the skills that they had."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from telemetry.contracts import SkillUse, TaskRun
from telemetry.statements import statement
from telemetry.usage import DONE, FAILED


def task_runs(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, most: int) -> list[TaskRun]:
    """The newest `most` runs that began in [start, end), oldest first. Turns of transcripts are no tasks."""
    arguments = {
        "project": project_id,
        "start": start,
        "end": end,
        "most": most,
        "done": sorted(DONE),
        "failed": sorted(FAILED),
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "task_runs"), arguments).fetchall()
    return [
        TaskRun(
            at=at,
            text=text,
            agent=agent,
            is_well=is_well,
            tokens=tokens,
            cost_nanousd=cost_nanousd,
            skills=tuple(sorted({*loaded, *said})),
        )
        for at, text, agent, is_well, tokens, cost_nanousd, loaded, said in rows
    ]


def skill_uses(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> list[SkillUse]:
    """The skills that were loaded in [start, end), by name."""
    arguments = {"project": project_id, "start": start, "end": end}
    with conn.cursor(row_factory=class_row(SkillUse)) as cursor:
        return cursor.execute(statement(__package__, "skill_uses"), arguments).fetchall()
