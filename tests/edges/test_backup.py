"""Taking a backup: one file, one moment, one at a time, and no half of one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests import scratch_databases
from tests.scratch_databases import manage, one, scratch, stub
from tloi_site.backup import BackupError, archive, folder, programs, taking
from tloi_site.backup.alone import alone
from tloi_site.backup.database import Database

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


@pytest.fixture
def full(filled: Database) -> Iterator[Database]:
    """A database with calls, of the test's own."""
    with scratch(filled.name) as database:
        yield database


def test_the_manifest_counts_what_the_database_holds(full: Database, tmp_path: Path) -> None:
    manifest = taking.back_up(full, tmp_path / "b", now=NOW)
    calls = manifest.tables["telemetry_call"]
    assert calls["rows"] == one(full, "SELECT count(*) FROM telemetry_call") > 200
    for bucket in ("input_uncached", "cache_read", "cache_write_5m", "output"):
        assert calls["sums"][bucket] == one(full, f"SELECT sum({bucket}) FROM telemetry_call") > 0
    assert calls["sums"]["cost_computed_nanousd"] > 0
    assert manifest.tables["telemetry_project"]["rows"] == 1
    assert archive.verify(tmp_path / "b") == manifest


@pytest.mark.parametrize("change", ["output = output + 1", "agent = agent || 'x'", "received_at = now()"])
def test_another_value_anywhere_is_another_digest(full: Database, tmp_path: Path, change: str) -> None:
    before = taking.back_up(full, tmp_path / "before", now=NOW).tables["telemetry_call"]
    one(full, f"UPDATE telemetry_call SET {change} WHERE id = (SELECT id FROM telemetry_call LIMIT 1) RETURNING 1")
    after = taking.back_up(full, tmp_path / "after", now=NOW).tables["telemetry_call"]
    assert after["rows"] == before["rows"]
    assert after["digest"] != before["digest"]


def test_a_file_of_the_owners_alone_and_nothing_beside_it(full: Database, tmp_path: Path) -> None:
    taking.back_up(full, tmp_path / "b", now=NOW)
    assert [file.name for file in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_left_alone(full: Database, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("dear to me")
    with pytest.raises(BackupError, match="is there already"):
        taking.back_up(full, tmp_path / "b", now=NOW)
    assert (tmp_path / "b").read_text() == "dear to me"


def test_a_folder_that_is_not_there_is_one_sentence(full: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"nowhere/b cannot be written: No such file or directory\."):
        taking.back_up(full, tmp_path / "nowhere" / "b", now=NOW)


def test_two_backups_of_a_database_are_never_taken_at_once(full: Database, tmp_path: Path) -> None:
    """A table that somebody changes holds the first one up."""
    with full.connect() as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE telemetry_session")
        first = threading.Thread(target=taking.back_up, args=(full, tmp_path / "first"), kwargs={"now": NOW})
        first.start()
        while not list(tmp_path.iterdir()):
            first.join(0.05)
        with pytest.raises(BackupError, match="Another backup of this database is being taken"):
            taking.back_up(full, tmp_path / "second", now=NOW)
        other.execute("COMMIT")
        first.join(30)
    assert [file.name for file in tmp_path.iterdir()] == ["first"]


def test_a_turn_ends_before_its_connection_does(full: Database) -> None:
    """Also where what was done in it failed halfway: else the next would be told that another is still at work."""
    with full.connect() as one_of_them, full.connect() as other:
        with pytest.raises(psycopg.Error), alone(one_of_them, 7, busy="first"):
            one_of_them.execute("BEGIN; SELECT 1 / 0")
        with (
            alone(other, 7, busy="second"),
            pytest.raises(BackupError, match="first"),
            alone(one_of_them, 7, busy="first"),
        ):
            pass


def test_a_program_that_is_too_old_or_missing_is_named(
    full: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = stub(tmp_path, "pg_dump", "echo 'pg_dump (PostgreSQL) 12.3'")
    monkeypatch.setattr(programs, "_candidates", lambda _: iter([old]))
    with pytest.raises(BackupError, match=rf"or newer, but the newest here is 12 \({old}\); install"):
        taking.back_up(full, tmp_path / "b", now=NOW)
    monkeypatch.setattr(programs, "_candidates", lambda name: iter([tmp_path / "gone" / name]))
    with pytest.raises(BackupError, match="There is no pg_dump here; install"):
        taking.back_up(full, tmp_path / "b", now=NOW)
    assert [file.name for file in tmp_path.iterdir()] == ["pg_dump"]


def test_of_several_programs_the_one_that_fits_the_server_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {major: stub(tmp_path, f"of{major}", f"echo 'pg_dump (PostgreSQL) {major}.1'") for major in (15, 17, 18)}
    monkeypatch.setattr(programs, "_candidates", lambda _: iter(made.values()))
    assert programs.find("pg_dump", major=17) == programs.Program(made[17], 17)
    assert programs.find("pg_dump", major=16) == programs.Program(made[17], 17)


def test_a_dump_that_fails_leaves_no_file_and_says_why(
    full: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    major = one(full, "SHOW server_version").split(".")[0]
    broken = (
        f"[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) {major}.0' || {{ echo 'no room left' >&2; exit 1; }}"
    )
    monkeypatch.setattr(programs, "_candidates", lambda _: iter([stub(tmp_path, "pg_dump", broken)]))
    with pytest.raises(BackupError, match="pg_dump failed: no room left"):
        taking.back_up(full, tmp_path / "b", now=NOW)
    assert [file.name for file in tmp_path.iterdir()] == ["pg_dump"]


def test_a_disk_without_room_leaves_no_file(full: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = next(path for path in programs._candidates("pg_dump") if path.exists())
    limited = stub(tmp_path, "pg_dump", f'trap "" XFSZ; ulimit -f 20; exec {real} "$@"')
    monkeypatch.setattr(programs, "_candidates", lambda _: iter([limited]))
    with pytest.raises(BackupError, match=r"pg_dump failed: .*File too large"):
        taking.back_up(full, tmp_path / "b", now=NOW)
    assert [file.name for file in tmp_path.iterdir()] == ["pg_dump"]


def test_the_password_stands_on_no_command_line(
    full: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = next(path for path in programs._candidates("pg_dump") if path.exists())
    spy = stub(tmp_path, "pg_dump", f'echo "$@" >> {tmp_path}/words; exec {real} "$@"')
    monkeypatch.setattr(programs, "_candidates", lambda _: iter([spy]))
    taking.back_up(full, tmp_path / "b", now=NOW)
    words = (tmp_path / "words").read_text()
    assert "--snapshot=" in words
    assert full.password not in words
    assert full.password not in repr(full)


def test_a_folder_gets_one_a_day_and_keeps_the_newest(full: Database, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    assert folder.newest(place) is None
    (first,) = filter(
        None, (folder.back_up_if_due(full, place, keep=2, now=NOW + timedelta(hours=n)) for n in (0, 5, 20))
    )
    assert first.name == "tloi-20261127T030000Z.backup"
    (place / "tloi-notes.txt").write_text("not ours")
    for day in (1, 2):
        folder.back_up_if_due(full, place, keep=2, now=NOW + timedelta(days=day))
    assert sorted(file.name for file in place.iterdir()) == [
        "tloi-20261128T030000Z.backup",
        "tloi-20261129T030000Z.backup",
        "tloi-notes.txt",
    ]
    assert folder.newest(place) == NOW + timedelta(days=2)
    assert place.stat().st_mode & 0o777 == 0o700


def test_one_that_fails_removes_no_older_one(full: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.back_up_if_due(full, tmp_path, keep=1, now=NOW)
    monkeypatch.setattr(programs, "_candidates", lambda name: iter([tmp_path / name]))
    with pytest.raises(BackupError):
        folder.back_up_if_due(full, tmp_path, keep=1, now=NOW + timedelta(days=1))
    assert [file.name for file in tmp_path.iterdir()] == ["tloi-20261127T030000Z.backup"]


def test_what_a_killed_one_left_is_swept_away_and_what_one_still_writes_is_not(full: Database, tmp_path: Path) -> None:
    (tmp_path / ".tloi-20261120T030000Z.backup.half").write_text("PGDMP")
    with archive.new_file(tmp_path / "other") as (half, _):
        folder.back_up_if_due(full, tmp_path, keep=7, now=NOW)
        assert sorted(file.name for file in tmp_path.iterdir()) == [half.name, "tloi-20261127T030000Z.backup"]


def test_the_task_takes_one_where_a_folder_is_set(full: Database, tmp_path: Path) -> None:
    run = f"import os; os.environ['TLOI_BACKUP_DIR'] = {str(tmp_path)!r}; import django; django.setup()\n"
    run += "from tloi_site.beat import SCHEDULE; print('tloi_site.back_up' in SCHEDULE)\n"
    run += "from tloi_site.tasks import back_up; back_up()"
    done = subprocess.run(
        [sys.executable, "-c", run],
        env=os.environ | {"DATABASE_URL": scratch_databases.address(full)},
        capture_output=True,
        text=True,
        check=True,
        cwd=scratch_databases.ROOT,
    )
    assert done.stdout == "True\n"
    (file,) = tmp_path.iterdir()
    assert archive.verify(file).rows > 500


def test_the_command_says_what_the_file_holds(full: Database, tmp_path: Path) -> None:
    calls = one(full, "SELECT count(*) FROM telemetry_call")
    done = manage(full, "backup", str(tmp_path / "b"))
    assert f" bytes with {calls:,} calls, " in done.stdout
    again = manage(full, "backup", str(tmp_path / "b"), check=False)
    assert again.returncode == 1
    assert again.stderr == f"CommandError: {tmp_path}/b is there already; name a new file.\n"


def test_a_database_that_does_not_answer_is_one_sentence(full: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="The database cannot be read: "):
        taking.back_up(full.beside("not_there"), tmp_path / "b", now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_many_servers_is_refused(full: Database, tmp_path: Path) -> None:
    with full.connect() as conn:
        conn.execute("SET allow_system_table_mods = on")  # there is no Citus here: one that is called so
        conn.execute("UPDATE pg_extension SET extname = 'citus' WHERE extname = 'plpgsql'")
    with pytest.raises(BackupError, match="spread over the servers of a Citus cluster"):
        taking.back_up(full, tmp_path / "b", now=NOW)


def test_a_lock_that_is_not_given_back_ends_the_backup(
    full: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "_LOCK_PATIENCE", "200ms")
    with full.connect() as other, other.transaction():
        other.execute("LOCK TABLE auth_group IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupError, match="lock timeout"):
            taking.back_up(full, tmp_path / "b", now=NOW)
    assert list(tmp_path.iterdir()) == []
