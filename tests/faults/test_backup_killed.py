"""`kill -9` of a backup and of a restore: no half of either passes for a whole one, and the next one succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import scratch_databases
from tests.faults.site import descendants, within
from tests.scratch_databases import address, manage, names, one, scratch
from tloi_site.backup import BackupError, archive
from tloi_site.backup.database import Database
from tloi_site.embedded import orphans

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


@pytest.fixture(scope="module")
def full(filled: Database) -> Iterator[Database]:
    """A database with calls."""
    with scratch_databases.scratch(filled.name) as database:
        yield database


@contextmanager
def command(database: Database, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the site that runs meanwhile."""
    process = subprocess.Popen(
        [sys.executable, scratch_databases.ROOT / "manage.py", *words],
        env=os.environ | {"DATABASE_URL": address(database)},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_backup_leaves_no_file_that_passes(full: Database, tmp_path: Path) -> None:
    half = tmp_path / ".b.half"
    with full.connect() as other, other.transaction():
        other.execute("LOCK TABLE telemetry_session")  # which holds pg_dump up in the middle
        with command(full, "backup", str(tmp_path / "b")) as process:
            assert within(30, lambda: half.exists() and len(descendants(process.pid)) > 1) is not None
            family = descendants(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert within(5, lambda: not any(orphans.is_running(pid) for pid in family)) is not None
    assert [file.name for file in tmp_path.iterdir()] == [half.name]
    with pytest.raises(BackupError, match=r"is no backup|is cut off"):
        archive.verify(half)
    manage(full, "backup", str(tmp_path / "b"))
    assert [file.name for file in tmp_path.iterdir()] == ["b"]
    assert archive.verify(tmp_path / "b").rows > 500


def test_a_killed_restore_leaves_the_old_database_standing(full: Database, tmp_path: Path) -> None:
    manage(full, "backup", str(tmp_path / "b"))
    with scratch(full.name) as old:
        one(old, "DELETE FROM telemetry_session WHERE true RETURNING 1")
        calls = one(old, "SELECT count(*) FROM telemetry_call")
        with command(old, "restore", str(tmp_path / "b"), "--replace") as process:
            assert within(30, lambda: len(names(old)) == 2) is not None
            family = descendants(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert within(5, lambda: not any(orphans.is_running(pid) for pid in family)) is not None
        assert one(old, "SELECT count(*) FROM telemetry_session") == 0
        assert one(old, "SELECT count(*) FROM telemetry_call") == calls
        manage(old, "restore", str(tmp_path / "b"), "--replace")
        assert one(old, "SELECT count(*) FROM telemetry_session") > 0
        assert names(old) == {old.name}


def test_a_file_that_takes_its_name_too_early_would_be_caught(full: Database, tmp_path: Path) -> None:
    """The negative control: what pg_dump had written when it was killed, under the name of a whole backup."""
    manage(full, "backup", str(tmp_path / "b"))
    whole = (tmp_path / "b").read_bytes()
    passes = []
    for length in range(0, len(whole), max(len(whole) // 200, 1)):
        (tmp_path / "early").write_bytes(whole[:length])
        try:
            archive.verify(tmp_path / "early")
            passes.append(length)
        except BackupError:
            continue
    assert passes == []
    assert archive.verify(tmp_path / "b").rows > 500
