"""A backup is of one moment: whatever is written while it is taken is in it as a whole, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from telemetry import facade
from tests import scratch_databases
from tests.scratch_databases import one, restore, scratch
from tloi_site.backup import BackupError, taking
from tloi_site.backup.database import Database

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
CALLS = "SELECT count(*) FROM telemetry_call"


@pytest.fixture
def other(filled: Database) -> Iterator[Database]:
    """A database with calls, of the test's own."""
    with scratch(filled.name) as database:
        yield database


@pytest.fixture
def empty() -> Iterator[Database]:
    """A database without a table, to restore into."""
    with scratch() as database:
        yield database


def test_a_moment_is_backed_up_while_calls_come_in(other: Database, empty: Database, tmp_path: Path) -> None:
    stop = threading.Event()
    writing = threading.Thread(target=write_until, args=(other, stop))
    writing.start()
    try:
        manifest = taking.back_up(other, tmp_path / "b", now=NOW)
    finally:
        stop.set()
        writing.join()
    assert one(other, "SELECT count(*) FROM auth_group") > manifest.tables["auth_group"]["rows"]
    restore(empty, tmp_path / "b")


def write_until(database: Database, stop: threading.Event) -> None:
    """Add rows as fast as one connection can."""
    with database.connect() as conn:
        while not stop.is_set():
            conn.execute("INSERT INTO auth_group (name) SELECT gen_random_uuid()::text FROM generate_series(1, 50)")


@pytest.mark.slow
def test_a_call_and_its_identity_are_both_in_a_backup_or_neither_is(
    migrated: str, empty: Database, tmp_path: Path
) -> None:
    """Ingest goes on while it is taken."""
    with scratch(migrated) as busy:
        command = [sys.executable, str(scratch_databases.ROOT / "manage.py"), "demo", "--days", "365"]
        settings = os.environ | {"DATABASE_URL": scratch_databases.address(busy)}
        with subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL) as ingest:
            while one(busy, CALLS) < 2000:
                assert ingest.poll() is None
            manifest = taking.back_up(busy, tmp_path / "b", now=NOW)
            ingest.wait(100)
        assert manifest.tables["telemetry_call"]["rows"] < one(busy, CALLS)
        restore(empty, tmp_path / "b")
        assert one(empty, CALLS) == one(empty, "SELECT count(*) FROM telemetry_identity WHERE call_id IS NULL") >= 2000


def test_counts_of_another_moment_than_the_dumps_are_found(
    other: Database, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a manifest that did not read the dump's snapshot."""
    count = facade.contents

    def count_later(_: Any) -> dict[str, facade.TableContents]:
        one(other, "INSERT INTO auth_group (name) VALUES ('late') RETURNING 1")
        with other.connect() as conn:
            return count(conn)

    with monkeypatch.context() as patched:
        patched.setattr(facade, "contents", count_later)
        taking.back_up(other, tmp_path / "b", now=NOW)
    with pytest.raises(BackupError, match="the number of rows of auth_group is 0, not 1"):
        restore(empty, tmp_path / "b")
    assert one(empty, "SELECT count(*) FROM pg_class WHERE relname = 'telemetry_call'") == 0


@pytest.fixture
def leaving(other: Database) -> str:
    """A partition that somebody began to detach: it waited for a reader, and was interrupted."""
    name: str = one(other, "SELECT tableoid::regclass::text FROM telemetry_call LIMIT 1")
    with other.connect() as reader, other.connect() as conn:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM telemetry_call")
        conn.execute("SET statement_timeout = '500ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute(f"ALTER TABLE telemetry_call DETACH PARTITION {name} CONCURRENTLY")
    return name


def test_no_backup_is_taken_while_a_partition_leaves(
    other: Database, empty: Database, tmp_path: Path, leaving: str
) -> None:
    with pytest.raises(BackupError, match="expired is just being removed; back up again"):
        taking.back_up(other, tmp_path / "b", now=NOW)
    with other.connect() as conn:
        conn.execute(f"ALTER TABLE telemetry_call DETACH PARTITION {leaving} FINALIZE")
    taking.back_up(other, tmp_path / "b", now=NOW)
    restore(empty, tmp_path / "b")
    assert one(empty, f"SELECT count(*) FROM {leaving}") > 0


@pytest.mark.usefixtures("leaving")
def test_a_partition_that_leaves_would_come_back(
    other: Database, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a backup that does not look whether one does, and cannot be restored."""
    monkeypatch.setattr(facade, "hold_partitions", lambda _: None)
    taking.back_up(other, tmp_path / "b", now=NOW)
    with pytest.raises(BackupError, match="the number of rows of telemetry_call is"):
        restore(empty, tmp_path / "b")
