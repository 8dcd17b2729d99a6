"""The concierge's night: what it finds is kept once, decided by people, and settled with what they decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import override_settings

from skills import equipping, registry, roots
from skills.concierge import deciding, night
from skills.concierge.deciding import BadDecision, UnknownAdvice
from skills.equipping import Whose
from skills.loader.library import Library
from skills.models import Advice, RetiredSkill, SkillRoot, SkillSeen
from skills.roots import library
from telemetry import facade
from telemetry.access.projects import ensure_project
from telemetry.contracts import Call, Execution, SkillLoad
from telemetry.database import connection
from telemetry.models import Job, Project, Run
from telemetry.observer import guests
from telemetry.series import rollups
from tests.queueing import enqueue
from tests.skill_folders import write_skill

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERONS, LANTERNS = "count blue herons at the lake", "polish the red lantern"


@pytest.fixture
def project(project: Project, tmp_path: Path) -> Iterator[Project]:
    """One whose skills are two: one for herons, and one that nobody needs."""
    write_skill(tmp_path, "herons", description="Count herons at a lake.", tags="herons, lake, count, blue")
    write_skill(tmp_path, "umbrellas", description="Mend umbrellas.", tags="umbrellas")
    with override_settings(SKILL_ROOTS=[]):
        SkillRoot.objects.create(path=str(tmp_path), project_id=project.pk)
        roots.reread()
        night.shelve(project.pk, since=NOW - timedelta(days=90))
        yield project


def ran(project: Project, text: str, runs: int, *, failed: int, skill: str = "", at: datetime = NOW) -> None:
    """Runs of a task, added up, in the ten days before a moment; the first `failed` failed."""
    made = [
        Run(
            project_id=project.pk,
            execution_id=f"{uuid4()}",
            started_at=at - timedelta(days=1 + place % 10, minutes=place),
            status="failed" if place < failed else "done",
            task_id=text,
            agent="scout",
            output=1_000,
            cost_nanousd=9_000,
        )
        for place in range(runs)
    ]
    Run.objects.bulk_create(made)
    said: dict[str, Any] = {"skill": skill, "digest": "d", "tokens": 50, "load_us": 1, "route": "api"}
    loads = [
        SkillLoad(id=uuid4(), loaded_at=one.started_at, execution_id=one.execution_id, **said)
        for one in (made if skill else [])
    ]
    facade.record_skill_loads(project_id=project.pk, loads=loads)


@pytest.fixture
def lacking(project: Project) -> Project:
    """A project whose lanterns fail, for which it has no skill."""
    ran(project, HERONS, 180, failed=18, skill="herons")
    ran(project, LANTERNS, 40, failed=30)
    return project


def look(project: Project, at: datetime = NOW) -> None:
    """One night."""
    keep = night.looked(project.pk, at)
    with transaction.atomic():
        keep()


def rows(project: Project) -> list[dict[str, Any]]:
    return [dict(row) for row in Advice.objects.filter(project_id=project.pk).order_by("kind").values()]


def matched(project: Project, task: str) -> list[str]:
    found = registry.suggest(task, project_id=project.pk, now=NOW).found
    return [one.name for one in found.matches]


def test_a_night_keeps_what_it_found_and_the_same_night_again_changes_nothing(lacking: Project) -> None:
    look(lacking)
    gap, idle = rows(lacking)
    assert (gap["kind"], gap["state"], gap["weight"]) == ("gap", "open", 40)
    assert (gap["found"]["gap"]["failed"], gap["found"]["gap"]["examples"]) == (30, [LANTERNS])
    assert gap["found"]["gap"]["saved_tokens"] > 20_000
    assert gap["found"]["draft"]["name"] == "lantern-polish"
    assert (idle["kind"], idle["key"], idle["found"]["idle"]["days"]) == ("idle", "umbrellas", 90)
    look(lacking)
    assert rows(lacking) == [gap, idle]
    assert rows(ensure_project(slug=f"{lacking.slug}-2")) == []


def test_what_was_dismissed_stays_away_until_there_is_twice_as_much_to_say(lacking: Project) -> None:
    look(lacking)
    (gap, _) = rows(lacking)
    deciding.decide(project_id=lacking.pk, advice_id=gap["id"], decision="dismiss", by="ana", now=NOW)
    ran(lacking, LANTERNS, 30, failed=25)
    look(lacking)
    kept = Advice.objects.get(pk=gap["id"])
    assert (kept.state, kept.weight, kept.decided_by) == ("dismissed", 40, "ana")
    ran(lacking, LANTERNS, 20, failed=15)
    look(lacking)
    back = Advice.objects.get(pk=gap["id"])
    assert (back.state, back.weight, back.decided_at) == ("open", 90, None)
    assert len(rows(lacking)) == 2


def test_what_was_accepted_stays_recorded_and_what_nobody_decided_goes_with_its_reason(lacking: Project) -> None:
    look(lacking)
    (gap, _) = rows(lacking)
    deciding.decide(project_id=lacking.pk, advice_id=gap["id"], decision="accept", by="ana", now=NOW)
    much_later = NOW + timedelta(days=70)
    ran(lacking, HERONS, 180, failed=18, skill="herons", at=much_later)
    ran(lacking, "mend umbrellas", 40, failed=4, skill="umbrellas", at=much_later)
    look(lacking, much_later)
    (kept,) = rows(lacking)
    assert (kept["id"], kept["state"], kept["decided_by"]) == (gap["id"], "accepted", "ana")
    with pytest.raises(UnknownAdvice):
        deciding.decide(project_id=lacking.pk, advice_id=gap["id"], decision="dismiss", by="bo", now=NOW)


def test_a_skill_is_retired_by_a_person_alone_and_is_offered_again_as_easily(lacking: Project) -> None:
    look(lacking)
    (_, idle) = rows(lacking)
    asked, found = "mend the umbrellas", library(lacking.pk)
    assert matched(lacking, asked) == ["umbrellas"]
    said = deciding.decide(
        project_id=lacking.pk, advice_id=idle["id"], decision="retire", skill="umbrellas", by="ana", now=NOW
    )
    assert "is retired" in said
    assert matched(lacking, asked) == []
    assert equipped(lacking, asked) == []
    assert isinstance(found, Library)
    assert found.get("umbrellas").header.name == "umbrellas"
    look(lacking)
    assert [row["state"] for row in rows(lacking)] == ["open", "accepted"]
    deciding.offer_again(project_id=lacking.pk, skill="umbrellas")
    assert (matched(lacking, asked), equipped(lacking, asked)) == (["umbrellas"], ["umbrellas"])
    look(lacking)
    assert [row["state"] for row in rows(lacking)] == ["open", "dismissed"]
    with pytest.raises(UnknownAdvice):
        deciding.offer_again(project_id=lacking.pk, skill="umbrellas")


def equipped(project: Project, task: str) -> list[str]:
    """What the gateway would put into a prompt."""
    found = equipping.equip([task], project_id=project.pk, route="gateway", whose=Whose(), now=NOW)
    return [skill.header.name for skill in found.skills]


def test_nothing_else_can_be_decided_and_nothing_of_another_project(lacking: Project) -> None:
    look(lacking)
    gap, idle = (row["id"] for row in rows(lacking))
    said: dict[str, Any] = {"by": "ana", "now": NOW}
    for row, decision, skill in ((gap, "retire", "herons"), (idle, "retire", "herons"), (idle, "accept", "")):
        with pytest.raises(BadDecision):
            deciding.decide(project_id=lacking.pk, advice_id=row, decision=decision, skill=skill, **said)
    other = ensure_project(slug=f"{lacking.slug}-2")
    with pytest.raises(UnknownAdvice):
        deciding.decide(project_id=other.pk, advice_id=gap, decision="dismiss", **said)
    assert [row["state"] for row in rows(lacking)] == ["open", "open"]
    assert not RetiredSkill.objects.filter(project_id=lacking.pk).exists()


def test_a_new_skill_is_there_from_the_night_that_first_saw_it(lacking: Project, tmp_path: Path) -> None:
    SkillSeen.objects.filter(project_id=lacking.pk).delete()
    look(lacking)
    assert [row["kind"] for row in rows(lacking)] == ["gap"]
    assert set(SkillSeen.objects.filter(project_id=lacking.pk).values_list("skill", "first_at")) == {
        ("herons", NOW),
        ("umbrellas", NOW),
    }


def test_a_skill_that_was_loaded_long_ago_has_been_there_since(lacking: Project) -> None:
    SkillSeen.objects.filter(project_id=lacking.pk).delete()
    said: dict[str, Any] = {"digest": "d", "tokens": 50, "load_us": 1, "route": "api"}
    load = SkillLoad(id=uuid4(), loaded_at=NOW - timedelta(days=100), skill="umbrellas", **said)
    facade.record_skill_loads(project_id=lacking.pk, loads=[load])
    look(lacking)
    (_, idle) = rows(lacking)
    assert (idle["key"], idle["found"]["idle"]["days"], idle["found"]["idle"]["loads"]) == ("umbrellas", 100, 1)


def test_the_job_is_done_once_and_its_result_with_it(lacking: Project) -> None:
    kind = f"test-{lacking.slug}"
    enqueue(lacking, kind)
    looks: list[datetime] = []

    def looking(project_id: int, until: datetime) -> Any:
        looks.append(until)
        return night.looked(project_id, NOW)

    for _ in range(2):
        guests.work(connection(), kind=kind, look=looking, now=NOW, patience_s=30)
    assert looks == [datetime(2025, 11, 4, tzinfo=UTC)]
    assert len(rows(lacking)) == 2
    assert Job.objects.get(project=lacking, kind=kind).state == "done"


def test_a_look_that_fails_keeps_nothing_and_says_so(lacking: Project) -> None:
    kind = f"test-{lacking.slug}"
    enqueue(lacking, kind)

    def failing() -> None:
        night.looked(lacking.pk, NOW)()
        raise ZeroDivisionError("after all was written")

    guests.work(connection(), kind=kind, look=lambda *_: failing, now=NOW, patience_s=30)
    job = Job.objects.get(project=lacking, kind=kind)
    assert (job.state, "ZeroDivisionError" in job.error, rows(lacking)) == ("waiting", True, [])
    job.delete()


def test_only_the_newest_day_is_due(project: Project) -> None:
    began = NOW - timedelta(days=5)
    assert guests.due_of(connection(), project, kind="k", now=NOW) == []
    facade.record(project_id=project.pk, calls=[Call(id="c", started_at=began, model="m")], source="test", now=NOW)
    rollups.catch_up(connection(), project_id=project.pk, now=NOW, patience=60)
    project.refresh_from_db()
    (due,) = guests.due_of(connection(), project, kind="k", now=NOW + timedelta(hours=12))
    assert (due.period.first, due.project_id) == (date(2026, 2, 28), project.pk)


def test_a_task_is_what_it_is_described_as_else_its_name_else_its_type(project: Project) -> None:
    refusal = ("429: the provider's rate limit was reached",)
    said: list[dict[str, Any]] = [
        {"task_id": "t-1", "attributes": {"description": LANTERNS}, "status": "done", "skills": ("lamps",)},
        {"task_id": "polish_lantern", "attributes": {"description": " "}, "status": "failed"},
        {"task_id": "4711", "task_type": "polishing", "status": "running"},
        {"task_id": "refused_lantern", "status": "failed", "errors": refusal},
    ]
    added_up(project, said)
    told = facade.task_runs(project_id=project.pk, start=NOW - timedelta(days=1), end=NOW, most=9)
    assert [(one.text, one.is_well) for one in told] == [
        (LANTERNS, True),
        ("polish_lantern", False),
        ("4711 polishing", None),
        ("refused_lantern", None),
    ]
    first = told[0]
    assert (first.agent, first.tokens, first.cost_nanousd) == ("scout", 70, 500_000_000)
    assert first.skills == ("herons", "lamps")
    assert len(facade.task_runs(project_id=project.pk, start=NOW - timedelta(days=1), end=NOW, most=2)) == 2


def added_up(project: Project, said: list[dict[str, Any]]) -> None:
    """Executions a minute after another, the first with a call and a load of herons."""
    began, cost = NOW - timedelta(minutes=9), Decimal("0.5")
    executions = [
        Execution(execution_id=f"e-{place}", started_at=began + timedelta(minutes=place), agent="scout", **one)
        for place, one in enumerate(said)
    ]
    call = Call(id="c", started_at=began, model="m", execution_id="e-0", output=70, cost_usd=cost)
    facade.record(project_id=project.pk, calls=[call], executions=executions, source="test", now=NOW)
    of_run: dict[str, Any] = {"skill": "herons", "digest": "d", "tokens": 1, "load_us": 1, "execution_id": "e-0"}
    load = SkillLoad(id=uuid4(), loaded_at=began, route="api", **of_run)
    facade.record_skill_loads(project_id=project.pk, loads=[load])
    rollups.catch_up(connection(), project_id=project.pk, now=NOW, patience=60)
    assert facade.catch_up_runs(project_id=project.pk, now=NOW, patience_s=60)


def test_what_is_known_of_a_project_that_is_gone_is_forgotten(lacking: Project) -> None:
    look(lacking)
    SkillSeen.objects.create(project_id=10**12, skill="a", first_at=NOW)
    night.forget_removed()
    assert not SkillSeen.objects.filter(project_id=10**12).exists()
    assert len(rows(lacking)) == 2
