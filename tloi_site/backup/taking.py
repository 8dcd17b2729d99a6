"""Taking a backup: pg_dump and the manifest read one and the same snapshot, while everything else goes on."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import psycopg

from telemetry import facade
from tloi_site.backup import BackupError, archive, programs
from tloi_site.backup.alone import alone
from tloi_site.backup.database import Database
from tloi_site.backup.manifest import Manifest

_LOCK = 7_346_101
_BUSY = "Another backup of this database is being taken."
_LOCK_PATIENCE = "60s"  # for a table that is being changed; partitions come and go in less


def back_up(database: Database, file: Path, *, now: datetime) -> Manifest:
    """Write a backup of `database` to the new `file`; what it holds. Raises BackupError, and then leaves no file."""
    try:
        with (
            database.connect() as conn,
            alone(conn, _LOCK, busy=_BUSY),
            archive.new_file(file) as (half, handle),
        ):
            _refuse_shards(conn)
            manifest = _dump(conn, database, half, handle, now)
    except psycopg.Error as error:
        raise BackupError(f"The database cannot be read: {str(error).strip()}") from error
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}.") from error
    return manifest


def _refuse_shards(conn: psycopg.Connection[Any]) -> None:
    """Raises BackupError for a Citus cluster: its servers have no snapshot in common."""
    if conn.execute("SELECT FROM pg_extension WHERE extname = 'citus'").fetchone() is not None:
        raise BackupError("The database is spread over the servers of a Citus cluster; back up each server instead.")


def _dump(conn: psycopg.Connection[Any], database: Database, half: Path, handle: IO[bytes], now: datetime) -> Manifest:
    server = conn.info.server_version
    program = programs.find("pg_dump", major=server // 10_000)
    conn.execute("SELECT set_config('lock_timeout', %s, false)", (_LOCK_PATIENCE,))
    conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    _hold_partitions(conn)
    with (
        tempfile.TemporaryFile() as errors,
        programs.running(_command(conn, program.path, half), database, errors) as dump,
    ):
        tables = {name: asdict(table) for name, table in facade.contents(conn).items()}
        migrations = conn.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id").fetchall()
        if dump.wait() != 0:
            raise BackupError(f"pg_dump failed: {programs.last_words(errors)}")
    conn.execute("COMMIT")
    size, digest = archive.measure(handle)
    manifest = Manifest(
        made_at=now,
        tloi=version("tloi"),
        postgres=server,
        dump_version=program.major,
        dump_bytes=size,
        dump_sha256=digest,
        migrations=tuple(name for (name,) in migrations),
        tables=tables,
    )
    archive.append(handle, manifest)
    return manifest


def _hold_partitions(conn: psycopg.Connection[Any]) -> None:
    try:
        facade.hold_partitions(conn)
    except facade.PartitionLeaving as error:
        raise BackupError("A day that has expired is just being removed; back up again in a moment.") from error


def _command(conn: psycopg.Connection[Any], program: Path, half: Path) -> tuple[str | Path, ...]:
    """pg_dump on the snapshot of the transaction of `conn`."""
    (snapshot,) = conn.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
    return (
        *(program, "--format=custom", f"--file={half}", f"--snapshot={snapshot}"),
        f"--lock-wait-timeout={_LOCK_PATIENCE}",
    )
