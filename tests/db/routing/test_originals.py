"""What was left out of prompts is kept whole, a project's own alone, for as long as a conversation needs it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from routing.compression import blobs
from routing.compression.blobs import Blob, Folded, History
from routing.compression.state import Fold, Notes, State, Stub
from routing.models import Conversation, Original
from routing.originals import keeping, sweeping
from routing.originals.keeping import KEPT, Known, Overtaken
from telemetry.access.projects import ensure_project
from telemetry.models import Project

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DIGEST = b"\x07" * 32


def keep(project: Project, state: State, *kept: Blob, known: Known | None = None, now: datetime = NOW) -> Known:
    keeping._days.clear()
    return keeping.keep(project.pk, DIGEST, known or Known(), state, kept, now=now, within_s=5)


def result(text: str) -> Blob:
    return blobs.blob("result", text)


def stubbed(*kept: Blob) -> State:
    return State(stubs=tuple(Stub(f"c{at}", "d", "short", one.sha256) for at, one in enumerate(kept)))


def folded(*results: Blob) -> tuple[State, list[Blob]]:
    """A conversation of which two cuts were made: the second stands on the first, and a step of it on results."""
    first = blobs.blob("history", History("", ()))
    holes = tuple(blobs.Hole(0, 0, one.sha256) for one in results)
    step = blobs.blob("steps", Folded([{"role": "tool", "content": "short"}], holes))
    last = blobs.blob("history", History(first.sha256, (step.sha256,)))
    return State(fold=Fold(1, "f", "notes", 0, Notes(), last.sha256)), [first, step, last]


def left(project: Project) -> set[str]:
    return set(Original.objects.filter(project_id=project.pk).values_list("sha256", flat=True))


def test_what_was_left_out_is_found_by_its_hash_and_by_the_digits_that_a_model_is_told(project: Project) -> None:
    one = result("x" * 5_000)
    keep(project, stubbed(one), one)
    find = keeping.finding(project.pk)
    assert find(one.sha256) == find(one.sha256[: blobs.REF]) == one.content
    assert find("0" * 16) is None


def test_no_project_finds_what_is_another_ones(project: Project) -> None:
    one = result("a secret of this project")
    keep(project, stubbed(one), one)
    other = ensure_project(slug=f"{project.slug}-other")
    assert keeping.finding(other.pk)(one.sha256) is None
    assert keeping.read(other.pk, DIGEST, Known()) == Known()


def test_a_conversation_is_read_as_it_was_written_and_its_state_only_where_it_is_news(project: Project) -> None:
    one = result("long")
    written = keep(project, stubbed(one), one)
    assert keeping.read(project.pk, DIGEST, Known()) == written
    invented = Known(version=written.version, state=State(calls=99))
    assert keeping.read(project.pk, DIGEST, invented).state.calls == 99
    assert keeping.read(project.pk, DIGEST, Known(version=1, state=State(calls=99))).state == written.state


def test_a_state_that_another_version_wrote_says_nothing_and_is_written_over(project: Project) -> None:
    written = keep(project, State(calls=1))
    Conversation.objects.filter(project_id=project.pk).update(state=b'{"stubs": 7}')
    found = keeping.read(project.pk, DIGEST, Known())
    assert (found.version, found.state) == (written.version, State())
    keep(project, State(calls=2), known=found)
    assert keeping.read(project.pk, DIGEST, Known()).state.calls == 2


def test_who_did_not_know_the_latest_state_writes_nothing(project: Project) -> None:
    one, other = result("one"), result("other")
    first = keep(project, State(calls=1), one)
    second = keep(project, State(calls=2), known=first)
    for stale in (first, Known()):
        with pytest.raises(Overtaken):
            keep(project, State(calls=3), other, known=stale)
    assert keeping.read(project.pk, DIGEST, Known()) == second
    assert left(project) == {one.sha256}


def test_both_go_when_nobody_needed_them_for_thirty_days_and_not_before(project: Project) -> None:
    one = result("one")
    keep(project, stubbed(one), one)
    sweeping.sweep(now=NOW + KEPT - timedelta(minutes=1))
    assert left(project) == {one.sha256}
    sweeping.sweep(now=NOW + KEPT + timedelta(minutes=1))
    assert left(project) == set()
    assert not Conversation.objects.filter(project_id=project.pk).exists()


def test_a_conversation_that_goes_on_keeps_all_that_it_stands_on(project: Project) -> None:
    one, forgotten = result("one"), result("of another conversation")
    state, made = folded(one)
    known = keep(project, state, one, forgotten, *made)
    keep(project, state, known=known, now=NOW + timedelta(days=20))
    sweeping.sweep(now=NOW + KEPT + timedelta(days=10))
    assert left(project) == {one.sha256, *(each.sha256 for each in made)}


def test_a_project_that_keeps_its_calls_for_less_keeps_these_for_less(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(retention_days=3)
    one = result("one")
    keep(project, stubbed(one), one)
    sweeping.sweep(now=NOW + timedelta(days=3, minutes=1))
    assert left(project) == set()


def test_more_than_fits_into_one_transaction_goes_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "MOST", 2)
    kept = [result(str(number)) for number in range(5)]
    keep(project, stubbed(*kept), *kept)
    assert sweeping.sweep(now=NOW + timedelta(days=60)) >= 6
    assert left(project) == set()


def test_what_is_just_being_kept_on_is_not_swept(project: Project) -> None:
    one = result("one")
    keep(project, stubbed(one), one)
    later = NOW + KEPT + timedelta(minutes=1)

    def swept() -> None:
        sweeping.sweep(now=later)
        connection.close()

    with transaction.atomic():
        keeping.extend_originals(keeping._open(), project_id=project.pk, roots=[one.sha256], expires_at=later + KEPT)
        thread = threading.Thread(target=swept)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
    assert left(project) == {one.sha256}


def test_a_write_that_waits_for_longer_than_it_may_is_given_up_and_leaves_nothing(project: Project) -> None:
    known = keep(project, State(calls=1))
    tried: list[Exception] = []

    def write() -> None:
        try:
            keeping.keep(project.pk, DIGEST, known, State(calls=2), [result("one")], now=NOW, within_s=0.1)
        except (psycopg.Error, DatabaseError) as error:
            tried.append(error)
        connection.close()

    with transaction.atomic():
        Conversation.objects.select_for_update().get(project_id=project.pk)
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
    assert "statement timeout" in str(tried[0])
    assert left(project) == set()
    assert keeping.read(project.pk, DIGEST, Known()) == known


def test_a_full_project_is_told_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    one = result("x" * 2_000)
    keep(project, stubbed(one), one)
    assert keeping.has_room(project.pk)
    keeping._bytes.clear()
    monkeypatch.setattr(keeping, "MOST_BYTES", 2_000)
    assert not keeping.has_room(project.pk)
