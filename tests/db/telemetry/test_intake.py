"""What is noted of a source: rarely, beside the ledger, and never at the cost of what it sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connections

from telemetry.contracts import Call, Rejection
from telemetry.database import connection
from telemetry.ledger import intake
from telemetry.ledger.ingest import ingest
from telemetry.models import Call as CallRow
from telemetry.models import Project, RejectedReason, SourceSeen

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def note(project: Project, *, after: float = 0, received: int = 1, reasons: tuple[str, ...] = (), **told: str) -> None:
    """Note something at `after` seconds past noon."""
    rejections = [Rejection(place, told.get("id", ""), reason) for place, reason in enumerate(reasons)]
    now = NOON + timedelta(seconds=after)
    source = told.get("source", "api")
    intake.note(connection(), project_id=project.pk, source=source, received=received, rejections=rejections, now=now)


def seen(project: Project) -> dict[str, float]:
    """When each source was last seen, in seconds past noon."""
    found = intake.sources_seen(connection(), project_id=project.pk)
    return {one.source: (one.last_received_at - NOON).total_seconds() for one in found}


def refused(project: Project) -> dict[str, int]:
    """How often each reason was given."""
    found = intake.refused_since(connection(), project_id=project.pk, since=NOON - timedelta(days=1))
    return {one.reason: one.count for one in found}


@contextmanager
def held(project: Project) -> Iterator[None]:
    """Somebody else holds the rows of a project's sources, and we wait for 0.2 s only."""
    other = connections.create_connection("default")
    connection().execute("SET lock_timeout = '200ms'")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM telemetry_sourceseen WHERE project_id = %s FOR UPDATE", [project.pk])
            yield
    finally:
        other.close()
        connection().execute("RESET lock_timeout")


def test_a_source_is_seen_from_its_first_item_on(project: Project) -> None:
    note(project)
    note(project, source="otlp:codex", after=1)
    assert seen(project) == {"api": 0, "otlp:codex": 1}


def test_a_source_is_written_once_in_five_seconds(project: Project) -> None:
    for after in (0, 1, 4.9, 5, 9.9, 12):
        note(project, after=after)
    assert seen(project) == {"api": 12}
    assert SourceSeen.objects.get(project_id=project.pk).first_received_at == NOON


def test_what_is_seen_within_five_seconds_costs_no_statement(project: Project) -> None:
    note(project)
    SourceSeen.objects.filter(project_id=project.pk).delete()
    note(project, after=4)
    assert seen(project) == {}


def test_another_process_leaves_a_recent_row_alone(project: Project) -> None:
    note(project)
    intake.touch_source(connection(), project_id=project.pk, source="api", now=NOON + timedelta(seconds=3))
    assert seen(project) == {"api": 0}
    intake.touch_source(connection(), project_id=project.pk, source="api", now=NOON + timedelta(seconds=6))
    assert seen(project) == {"api": 6}


def test_a_recent_row_is_not_waited_for(project: Project) -> None:
    note(project)
    with held(project):
        intake.touch_source(connection(), project_id=project.pk, source="api", now=NOON + timedelta(seconds=4))
        with pytest.raises(psycopg.errors.LockNotAvailable):
            intake.touch_source(connection(), project_id=project.pk, source="api", now=NOON + timedelta(seconds=6))


def test_a_source_whose_items_are_all_refused_is_not_seen(project: Project) -> None:
    note(project, received=0, reasons=("no model",))
    assert seen(project) == {}
    assert refused(project) == {"no model": 1}


def test_refused_items_are_counted_by_reason_with_a_sample(project: Project) -> None:
    note(project, reasons=("no model", "no model", "no time"), id="req_1")
    note(project, after=60, reasons=("no model",), id="req_2")
    assert refused(project) == {"no model": 3, "no time": 1}
    row = RejectedReason.objects.get(project_id=project.pk, reason="no model")
    assert (row.sample_id, row.last_at) == ("req_2", NOON + timedelta(seconds=60))


def test_nothing_is_written_where_nothing_was_refused(project: Project) -> None:
    note(project)
    assert not RejectedReason.objects.filter(project_id=project.pk).exists()


def test_reasons_are_few_however_many_a_sender_thinks_of(project: Project) -> None:
    note(project, reasons=tuple(f"reason {number:03}" for number in range(150)))
    note(project, reasons=tuple(f"reason {number:03}" for number in range(140, 160)))
    counts = refused(project)
    assert len(counts) == intake.MOST_REASONS
    assert sum(counts.values()) == 170
    assert counts[intake.OTHER] == 170 - 99


def test_sources_have_room_for_their_own_reasons(project: Project) -> None:
    note(project, reasons=tuple(f"reason {number}" for number in range(150)))
    note(project, source="sdk", reasons=("no model",))
    assert refused(project)["no model"] == 1


@pytest.mark.parametrize("reason", ["x" * 5000, "nul \0 byte", "half \ud83d character", ""])
def test_whatever_words_a_reason_holds_it_is_kept(project: Project, reason: str) -> None:
    note(project, reasons=(reason,), id=reason)
    assert list(refused(project).values()) == [1]


def test_a_note_that_fails_undoes_nothing_and_raises_nothing(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    conn = connection()
    with conn.transaction():
        ingest(conn, project_id=project.pk, calls=[Call(id="a", started_at=NOON, model="m")], source="api", now=NOON)
        intake.note(conn, project_id=2**70, source="api", received=1, rejections=(), now=NOON)
    assert CallRow.objects.filter(project_id=project.pk, started_at=NOON).count() == 1
    assert "could not be noted" in caplog.text


def test_a_note_that_failed_is_tried_again_at_once(project: Project) -> None:
    note(project)
    with held(project):
        note(project, after=6)
    assert seen(project) == {"api": 0}
    note(project, after=7)
    assert seen(project) == {"api": 7}
