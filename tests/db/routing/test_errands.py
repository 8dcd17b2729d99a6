"""Errands: asked once, taken by one runner at a time, ended once, and told to whoever wants to know."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from json import dumps
from typing import Any

import pytest
from django.db import connections

from routing.errands import running, shelf, wanted
from routing.errands.running import Done
from routing.errands.shelf import OtherTask, Taken
from routing.models import Errand
from telemetry.models import Project

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def none_waits(database: None) -> Iterator[None]:
    """Runners take errands of every project: none is left by another test."""
    Errand.objects.all().delete()
    yield
    Errand.objects.all().delete()


def asked(project: Project, **said: Any) -> Errand:
    task = wanted.read(dumps({"type": "summary", "prompt": "Say it.", **said}).encode())
    errand, _ = shelf.ask(task, project_id=project.pk, key_id=1, secret="s", now=NOW)
    return errand


async def well(taken: Taken) -> Done:
    return Done({"text": taken.body["messages"][0]["content"]})


def run(do: running.Doer = well, **given: float) -> int:
    return asyncio.run(running.run(do, **given))


def expire(errand: Errand) -> None:
    """As if its runner had been killed half a minute ago."""
    Errand.objects.filter(pk=errand.pk).update(leased_until=datetime.now(UTC) - timedelta(seconds=10))


def test_each_errand_is_done_once_and_what_was_asked_is_forgotten_then(project: Project) -> None:
    errands = [asked(project, prompt=f"say {n}") for n in range(20)]
    assert run() == 20
    for n, errand in enumerate(errands):
        errand.refresh_from_db()
        assert (errand.state, errand.answer, errand.attempts) == ("done", {"text": f"say {n}"}, 1)
        assert errand.body is None
    assert run() == 0


def test_the_same_idempotency_key_asks_once_and_another_task_under_it_is_refused(project: Project) -> None:
    first = asked(project, idempotency_key="k")
    assert asked(project, idempotency_key="k").pk == first.pk
    with pytest.raises(OtherTask):
        asked(project, idempotency_key="k", prompt="Say something else.")
    assert Errand.objects.filter(project_id=project.pk).count() == 1


def test_a_killed_runner_lets_another_do_it_again_and_its_own_late_answer_is_not_kept(project: Project) -> None:
    errand = asked(project)
    killed = shelf.take()
    assert killed is not None
    assert shelf.take() is None, "its lease holds"
    expire(errand)
    assert run() == 1
    assert not shelf.finish(killed.lease, answer={"text": "too late"})
    errand.refresh_from_db()
    assert (errand.answer, errand.attempts) == ({"text": "Say it."}, 2)


def test_one_over_which_every_runner_is_killed_has_failed(project: Project) -> None:
    errand = asked(project)
    for _ in range(shelf.MOST_ATTEMPTS):
        assert shelf.take() is not None
        expire(errand)
    assert shelf.take() is None
    assert shelf.give_up() == 1
    errand.refresh_from_db()
    assert (errand.state, errand.body) == ("failed", None)
    assert "killed" in errand.error


def test_what_cannot_be_done_now_waits_and_what_fails_for_good_does_not(project: Project) -> None:
    async def away(taken: Taken) -> Done:
        return Done(error="No tier can answer.", again_s=30)

    async def wrong(taken: Taken) -> Done:
        raise RuntimeError

    errand = asked(project)
    assert run(away) == 0
    errand.refresh_from_db()
    assert (errand.state, errand.attempts) == ("waiting", 0)
    assert errand.due_at > datetime.now(UTC) + timedelta(seconds=20)
    Errand.objects.filter(pk=errand.pk).update(due_at=NOW - timedelta(days=1))
    assert run(wrong) == 1
    errand.refresh_from_db()
    assert (errand.state, errand.error) == ("failed", running._INTERNAL)


def test_one_that_nobody_could_do_for_a_day_has_failed_with_the_reason(project: Project) -> None:
    errand = asked(project)
    now = datetime.now(UTC)
    Errand.objects.filter(pk=errand.pk).update(created_at=now - timedelta(hours=23), error="No tier can answer.")
    assert shelf.give_up() == 0
    Errand.objects.filter(pk=errand.pk).update(created_at=now - timedelta(hours=25))
    assert shelf.give_up() == 1
    errand.refresh_from_db()
    assert (errand.state, errand.error) == ("failed", "No tier can answer.")


def test_one_that_is_cancelled_stops_and_stays_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LEASE_S", 0.4)
    errand, stopped = asked(project), []

    def cancel(taken: Taken) -> None:
        shelf.cancel(taken.id, project_id=project.pk, now=NOW)
        connections.close_all()

    async def long(taken: Taken) -> Done:
        await asyncio.to_thread(cancel, taken)
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            stopped.append(taken.id)
            raise
        return Done({})

    assert run(long) == 0
    assert stopped == [errand.pk]
    errand.refresh_from_db()
    assert (errand.state, errand.body) == ("cancelled", None)


def test_what_takes_longer_than_its_runner_may_is_put_back_as_if_it_had_not_been_tried(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LEASE_S", 0.2)

    async def long(taken: Taken) -> Done:
        await asyncio.sleep(30)
        return Done({})

    errand = asked(project)
    run(long, takes_s=0.1, ends_s=0.1)
    errand.refresh_from_db()
    assert (errand.state, errand.attempts) == ("waiting", 0)


def test_a_project_with_one_task_does_not_wait_behind_another_with_many(project: Project) -> None:
    many = Project.objects.create(slug=f"p{uuid.uuid4().hex[:12]}", name="many")
    for _ in range(6):
        asked(many)
    asked(project)
    taken = [shelf.take() for _ in range(2)]
    assert {each.project_id for each in taken if each} == {many.pk, project.pk}


def test_what_is_over_is_forgotten_after_seven_days(project: Project) -> None:
    old, new = asked(project), asked(project)
    Errand.objects.filter(pk=old.pk).update(finished_at=NOW - timedelta(days=8), state="done")
    shelf.forget(now=NOW)
    assert list(Errand.objects.values_list("pk", flat=True)) == [new.pk]
