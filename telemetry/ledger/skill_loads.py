"""Loads of skills: written in batches, each once, and read as the contents that a skill has had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from telemetry.contracts import SkillContent, SkillLoad
from telemetry.statements import prepared, statement
from telemetry.usage import DONE, FAILED

PAGE = 5_000


def write_skill_loads(conn: Connection[Any], *, project_id: int, loads: Sequence[SkillLoad]) -> None:
    """Store loads of a project; one that is stored already stays. Raises psycopg.Error; then none is."""
    columns = {name: [getattr(load, name) for load in loads] for name in SkillLoad.__struct_fields__}
    conn.execute(statement(__package__, "write_skill_loads"), {"project": project_id, **columns})


def skill_contents(conn: Connection[Any], *, project_id: int, skill: str) -> list[SkillContent]:
    """The contents of a skill that were loaded, the newest first."""
    asked = {"project": project_id, "skill": skill}
    return prepared(conn, class_row(SkillContent)).execute(statement(__package__, "skill_contents"), asked).fetchall()


def skill_outcomes(conn: Connection[Any], *, project_id: int, since: datetime) -> dict[str, tuple[int, int]]:
    """For each skill the runs that loaded it since then: how many are over, and how many of them ended well."""
    asked = {"project": project_id, "since": since, "done": sorted(DONE), "ended": sorted(DONE | FAILED)}
    rows = prepared(conn, tuple_row).execute(statement(__package__, "skill_outcomes"), asked).fetchall()
    return {skill: (runs, well) for skill, runs, well in rows}


def purge_skill_loads(conn: Connection[Any], *, project_id: int, before: datetime) -> int:
    """Delete a page of the loads before a moment. Returns how many; 0: none is left."""
    arguments = {"project": project_id, "before": before, "limit": PAGE}
    return conn.execute(statement(__package__, "purge_skill_loads"), arguments).rowcount
