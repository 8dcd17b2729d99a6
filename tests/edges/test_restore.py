"""Restoring: everything as it was, or nothing changed and one sentence that says why."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from telemetry import facade
from tests import scratch_databases
from tests.scratch_databases import KNOWN, manage, names, one, restore, scratch, stub
from tloi_site.backup import BackupError, archive, programs, restoring, taking
from tloi_site.backup.database import Database
from tloi_site.backup.manifest import Manifest, differences

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


@dataclass
class Kept:
    """A database with calls, and its backup."""

    database: Database
    file: Path
    manifest: Manifest


@pytest.fixture(scope="module")
def kept(filled: Database, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """What tests restore and copy."""
    file = tmp_path_factory.mktemp("kept") / "tloi.backup"
    return Kept(filled, file, taking.back_up(filled, file, now=NOW))


@pytest.fixture
def empty() -> Iterator[Database]:
    """A database without a table."""
    with scratch() as database:
        yield database


@pytest.fixture
def other(kept: Kept) -> Iterator[Database]:
    """A database in use, which is not what was backed up."""
    with scratch(kept.database.name) as database:
        one(database, "DELETE FROM telemetry_session WHERE true RETURNING 1")
        yield database


def holds(database: Database) -> dict[str, dict[str, Any]]:
    """Every table of a database."""
    with database.connect() as conn:
        return {name: asdict(table) for name, table in facade.contents(conn).items()}


def altered(kept: Kept, to: Path, **changes: Any) -> Path:
    """The backup with another manifest, as whole as the first."""
    file = to / "altered"
    with archive.new_file(file) as (_, handle), kept.file.open("rb") as dump:
        handle.write(dump.read(kept.manifest.dump_bytes))
        archive.append(handle, replace(kept.manifest, **changes))
    return file


def test_an_empty_database_gets_every_table_as_it_was(kept: Kept, empty: Database) -> None:
    restore(empty, kept.file)
    assert differences(holds(kept.database), holds(empty)) == []
    assert one(empty, "SELECT sum(output) FROM telemetry_call") > 0
    assert names(empty) == {empty.name}


@pytest.mark.slow
def test_a_database_that_is_not_there_is_made(kept: Kept, empty: Database) -> None:
    with empty.maintenance() as admin:
        admin.execute(f"DROP DATABASE {empty.name}")
    restore(empty, kept.file)
    assert differences(holds(kept.database), holds(empty)) == []


def test_a_database_that_was_only_migrated_is_empty(kept: Kept, migrated: str) -> None:
    with scratch(migrated) as only_migrated:
        restore(only_migrated, kept.file)
        assert differences(holds(kept.database), holds(only_migrated)) == []


def test_what_holds_data_is_replaced_only_when_asked(kept: Kept, other: Database) -> None:
    before = holds(other)
    with pytest.raises(BackupError, match=f"{other.name} holds data, .* add --replace"):
        restore(other, kept.file)
    assert holds(other) == before
    restore(other, kept.file, replace=True)
    assert differences(holds(kept.database), holds(other)) == []
    assert names(other) == {other.name}


def test_what_is_restored_can_be_written_to(kept: Kept, empty: Database) -> None:
    """Keys, sequences and partitions are there: the demo's calls are known, and a new project gets a new number."""
    restore(empty, kept.file)
    known = one(empty, "SELECT (SELECT count(*) FROM telemetry_call) + (SELECT count(*) FROM telemetry_execution)")
    done = manage(empty, "demo", *scratch_databases.DEMO)
    assert f" {known:,} were there" in done.stdout, "what the demo's team did meanwhile is new"
    manage(empty, "key", "create", "k", "--project", "new", "--create-project")
    assert one(empty, "SELECT count(DISTINCT id) FROM telemetry_project") == 2


def cut(kept: Kept, to: Path, length: int) -> Path:
    """The first bytes of the file, or all but the last."""
    file = to / "cut"
    file.write_bytes(kept.file.read_bytes()[:length])
    return file


def flipped(kept: Kept, to: Path, place: int) -> Path:
    """The file with one bit another."""
    content = bytearray(kept.file.read_bytes())
    content[place] ^= 1
    file = to / "flipped"
    file.write_bytes(content)
    return file


def test_a_file_that_was_cut_off_changes_nothing(kept: Kept, other: Database, tmp_path: Path) -> None:
    before = holds(other)
    lengths = {0: "is no backup of TLOI", 3: "is no backup of TLOI"}
    lengths |= dict.fromkeys((5, 5000, -1, -60, -5000), "is cut off, or was not made by `tloi backup`")
    for length, sentence in lengths.items():
        with pytest.raises(BackupError, match=sentence):
            restore(other, cut(kept, tmp_path, length), replace=True)
    assert holds(other) == before
    assert names(other) == {other.name}


def test_one_bit_anywhere_is_found_before_anything_is_touched(kept: Kept, other: Database, tmp_path: Path) -> None:
    said: list[str] = []
    places = (0, 100, 20_000, -5000, -300, -50, -24, -20)
    for place in places:
        with pytest.raises(BackupError, match=r"is damaged|is cut off"):
            restore(other, flipped(kept, tmp_path, place), replace=True, say=said.append)
    assert len(said) == len(places)
    assert names(other) == {other.name}


def test_foreign_files_are_one_sentence(kept: Kept, other: Database, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("a,b\n1,2\n" * 100)
    with pytest.raises(BackupError, match="is no backup of TLOI"):
        restore(other, foreign)
    with pytest.raises(BackupError, match=r"gone cannot be read: No such file or directory\."):
        restore(other, tmp_path / "gone")
    with pytest.raises(BackupError, match="cannot be read: Is a directory"):
        restore(other, tmp_path)


def test_a_dump_that_does_not_hold_what_the_manifest_says_replaces_nothing(
    kept: Kept, other: Database, tmp_path: Path
) -> None:
    before, calls = holds(other), kept.manifest.tables["telemetry_call"]
    tables = {**kept.manifest.tables, "telemetry_call": {**calls, "digest": calls["digest"] + 1}}
    with pytest.raises(
        BackupError, match="is not what was backed up, so nothing was replaced: the digest of telemetry_c"
    ):
        restore(other, altered(kept, tmp_path, tables=tables), replace=True)
    assert holds(other) == before
    assert names(other) == {other.name}


def test_a_dump_that_pg_restore_cannot_load_replaces_nothing(kept: Kept, other: Database, tmp_path: Path) -> None:
    before, file = holds(other), tmp_path / "half"
    dump = kept.file.read_bytes()[: kept.manifest.dump_bytes // 2]
    with archive.new_file(file) as (_, handle):
        handle.write(dump)
        size, digest = archive.measure(handle)
        archive.append(handle, replace(kept.manifest, dump_bytes=size, dump_sha256=digest))
    with pytest.raises(BackupError, match="pg_restore failed: "):
        restore(other, file, replace=True)
    assert holds(other) == before
    assert names(other) == {other.name}


def test_a_backup_of_a_newer_tloi_or_of_a_newer_server_is_refused(kept: Kept, empty: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"made by a newer TLOI \(0\.1\.0\), whose .* is not known here"):
        restore(empty, kept.file, known=KNOWN - {"telemetry.0001_initial"})
    with pytest.raises(BackupError, match="made on PostgreSQL 97, and this server is the older"):
        restore(empty, altered(kept, tmp_path, postgres=970_001))
    (tmp_path / "altered").unlink()
    with pytest.raises(BackupError, match="needs a pg_restore of version 97 or newer"):
        restore(empty, altered(kept, tmp_path, dump_version=97))


def test_a_database_that_is_in_use_is_refused(kept: Kept, other: Database) -> None:
    with (
        other.connect(),
        pytest.raises(BackupError, match=r"is being used \(1 sessions: tloi backup\); stop `tloi up`"),
    ):
        restore(other, kept.file, replace=True)
    assert names(other) == {other.name}


def test_a_role_that_may_make_no_database_is_told_which_right_it_lacks(kept: Kept, empty: Database) -> None:
    weak = replace(empty, user=f"{empty.name}_weak", password="w")
    with empty.maintenance() as admin:
        admin.execute(f"CREATE ROLE {weak.user} LOGIN PASSWORD 'w'")
        try:
            with pytest.raises(BackupError, match=r"may not make databases, .* ALTER ROLE … CREATEDB"):
                restore(weak, kept.file)
            with empty.connect(), pytest.raises(BackupError, match=r"is being used \(1 sessions"):
                restore(weak, kept.file)
        finally:
            admin.execute(f"DROP ROLE {weak.user}")


@pytest.mark.slow
def test_who_comes_while_it_is_restored_keeps_what_he_uses(
    kept: Kept, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = restoring._compare
    with ExitStack() as open_ones:

        def compare_and_connect(*arguments: Any) -> None:
            compare(*arguments)
            open_ones.enter_context(other.connect())

        monkeypatch.setattr(restoring, "_compare", compare_and_connect)
        with pytest.raises(BackupError, match="Meanwhile somebody began to use the database, so nothing was replaced"):
            restore(other, kept.file, replace=True)
    assert one(other, "SELECT count(*) FROM telemetry_session") == 0
    assert names(other) == {other.name}


def test_where_the_migrations_fail_the_old_database_is_back(kept: Kept, other: Database) -> None:
    seen: list[int] = []

    def fail() -> None:
        seen.append(one(other, "SELECT count(*) FROM telemetry_session"))
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        restore(other, kept.file, replace=True, migrate=fail)
    assert seen == [kept.manifest.tables["telemetry_session"]["rows"]]
    assert one(other, "SELECT count(*) FROM telemetry_session") == 0
    assert names(other) == {other.name}


def test_what_a_killed_restore_left_is_cleared_away(kept: Kept, empty: Database) -> None:
    with empty.maintenance() as admin:
        admin.execute(f"CREATE DATABASE {empty.name}_restoring")
    restore(empty, kept.file)
    assert names(empty) == {empty.name}


def test_the_command_restores_and_brings_the_tables_up_to_date(kept: Kept, other: Database, tmp_path: Path) -> None:
    refused = manage(other, "restore", str(kept.file), check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"CommandError: The database {other.name} holds data")
    assert refused.stderr.count("\n") == 1
    done = manage(other, "restore", str(kept.file), "--replace")
    calls = kept.manifest.tables["telemetry_call"]["rows"]
    assert f"Restored: {calls:,} calls, " in done.stdout
    assert differences(holds(kept.database), holds(other)) == []


@pytest.mark.slow
def test_a_backup_of_an_older_tloi_is_brought_up_to_date(kept: Kept, empty: Database, tmp_path: Path) -> None:
    manage(empty, "migrate", "-v0", "telemetry", "0005")
    taking.back_up(empty, tmp_path / "old", now=NOW)
    with empty.maintenance() as admin:
        admin.execute(f"DROP DATABASE {empty.name}")
    manage(empty, "restore", str(tmp_path / "old"))
    assert one(empty, "SELECT count(*) FROM django_migrations WHERE app = 'telemetry'") > 5
    assert one(empty, "SELECT to_regclass('telemetry_sourceseen')::text") == "telemetry_sourceseen"


UNKNOWN = """pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "of_tomorrow"
Command was: SET of_tomorrow = 0;"""
IGNORED = "pg_restore: warning: errors ignored on restore: 1"


@pytest.mark.parametrize(
    ("complaint", "is_harmless"),
    [
        (f"{UNKNOWN}\n{IGNORED}", True),
        (UNKNOWN, False),
        (f"{UNKNOWN}\npg_restore: error: could not execute query: ERROR:  out of memory\n{IGNORED}", False),
    ],
)
@pytest.mark.slow
def test_a_newer_pg_restore_may_set_what_the_server_does_not_know_and_nothing_else(
    kept: Kept, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, is_harmless: bool
) -> None:
    real = programs.find("pg_restore", major=kept.manifest.dump_version).path
    (tmp_path / "complaint").write_text(complaint + "\n")
    script = f"""[ "$1" != --version ] || exec echo 'pg_restore (PostgreSQL) 97.1'
case "$*" in *--exit-on-error*) exit 3;; esac
{real} "$@"; cat {tmp_path}/complaint >&2; exit 1"""
    newer = stub(tmp_path, "pg_restore", script)
    monkeypatch.setattr(programs, "_candidates", lambda _: iter([newer]))
    if is_harmless:
        restore(empty, kept.file)
        assert differences(holds(kept.database), holds(empty)) == []
    else:
        with pytest.raises(BackupError, match="pg_restore failed: "):
            restore(empty, kept.file)


@pytest.mark.slow
def test_pg_restore_alone_can_read_a_backup(kept: Kept, empty: Database) -> None:
    """For the day on which there is no TLOI."""
    program = programs.find("pg_restore", major=kept.manifest.dump_version)
    subprocess.run([program.path, f"--dbname={empty.name}", kept.file], env=empty.environment(), check=True)
    assert differences(holds(kept.database), holds(empty)) == []
