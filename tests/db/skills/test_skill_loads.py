"""Loads of skills reach the database: each once, in batches, also when it was away for a while."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import psycopg
import pytest
from django.db import connection as django_connection

from skills.contracts import Header, Skill
from skills.loads import Loaded, Loads
from telemetry import facade
from telemetry.access.projects import ensure_project
from telemetry.contracts import SkillLoad
from telemetry.database import connection
from telemetry.ledger.skill_loads import purge_skill_loads
from telemetry.models import Project, SkillInvocation

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def digest_of(body: str) -> str:
    return sha256(body.encode()).hexdigest()


def skill(body: str = "Look.") -> Skill:
    return Skill(
        header=Header(name="aria-health", description="d"), body=body, digest=digest_of(body), size=9, root="r"
    )


def loaded(project: Project, body: str = "Look.", at: datetime = NOW) -> Loaded:
    return Loaded(project_id=project.pk, skill=skill(body), at=at, took_us=12, route="api", agent="a", execution_id="e")


def test_loads_of_many_threads_are_stored_each_once_in_their_own_project(project: Project) -> None:
    other = ensure_project(slug=f"{project.slug}-2")
    loads = Loads()
    ones = [loaded(project if number % 3 else other) for number in range(1_200)]

    def note(first: int) -> None:
        for one in ones[first::4]:
            loads.note(one)

    threads = [threading.Thread(target=note, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loads.note(ones[1])  # told twice
    loads.flush()
    assert SkillInvocation.objects.filter(project_id=project.pk).count() == 800
    assert SkillInvocation.objects.filter(project_id=other.pk).count() == 400
    row = SkillInvocation.objects.get(project_id=project.pk, id=ones[1].id)
    assert (row.skill, row.tokens, row.load_us, row.route) == ("aria-health", 2, 12, "api")
    assert (row.agent, row.execution_id, row.loaded_at) == ("a", "e", NOW)


def test_what_a_skill_was_stays_known_when_it_was_edited(project: Project) -> None:
    loads = Loads()
    for body, hour in (("Old text.", 0), ("Old text.", 1), ("New.", 2)):
        loads.note(loaded(project, body, NOW + timedelta(hours=hour)))
    loads.flush()
    contents = facade.skill_contents(project_id=project.pk, skill="aria-health")
    assert [(one.digest, one.tokens, one.loads) for one in contents] == [
        (digest_of("New."), 2, 1),
        (digest_of("Old text."), 3, 2),
    ]
    assert contents[1].last_at == NOW + timedelta(hours=1)


@pytest.mark.usefixtures("django_here")
def test_while_the_database_refuses_loads_wait_and_none_is_lost() -> None:
    loads, project = Loads(), ensure_project(slug="waits")
    for _ in range(3):
        loads.note(loaded(project))
    rename = "ALTER TABLE {} RENAME TO {}"
    with django_connection.cursor() as cursor:
        cursor.execute(rename.format("telemetry_skill_invocation", "away"))
        with pytest.raises(psycopg.Error):
            loads.flush()
        cursor.execute(rename.format("away", "telemetry_skill_invocation"))
    loads.flush()
    assert SkillInvocation.objects.filter(project_id=project.pk).count() == 3


def test_loads_before_a_moment_expire(project: Project) -> None:
    rows = [
        SkillLoad(
            id=uuid4(), loaded_at=NOW - timedelta(days=days), skill="s", digest="d", tokens=1, load_us=1, route="api"
        )
        for days in (0, 10, 20)
    ]
    facade.record_skill_loads(project_id=project.pk, loads=rows)
    before = NOW - timedelta(days=5)
    assert purge_skill_loads(connection(), project_id=project.pk, before=before) == 2
    assert purge_skill_loads(connection(), project_id=project.pk, before=before) == 0
    assert SkillInvocation.objects.filter(project_id=project.pk).count() == 1
