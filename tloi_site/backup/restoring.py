"""Restoring a backup: into a new database beside the old one, which takes the old one's name when it is proven equal.

Whatever goes wrong before that leaves the old one as it was. Renaming needs a database that nobody uses, so a site
that runs is refused, before anything is done and again at the end.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from telemetry import facade
from tloi_site.backup import BackupError, archive, programs
from tloi_site.backup.alone import alone
from tloi_site.backup.database import Database
from tloi_site.backup.manifest import Manifest, differences

_LOCK = 7_346_102
_BUSY = "Another backup is being restored on this server."
_MOST_JOBS = 8
_SHOWN = 5  # differences
_UNKNOWN_SETTING = "ERROR:  unrecognized configuration parameter"
_WENT_ON = "errors ignored on restore"
_STOP = "stop `tloi up`, or web, worker and beat, and every other command, and restore again"
_PROVIDERS: dict[str, LiteralString] = {"c": "libc", "i": "icu", "b": "builtin"}  # pg_database.datlocprovider
_Admin = psycopg.Connection[Any]


def restore(
    database: Database,
    file: Path,
    *,
    replace: bool,
    known: Set[str],
    migrate: Callable[[], None],
    say: Callable[[str], None],
    now: datetime,
) -> Manifest:
    """Make `database` what it was when the backup in `file` was taken; what that holds.

    `known` are the migrations of this TLOI, as `app.name`; `migrate` brings the restored database up to them, under its
    own name. `replace`: also where the database holds data. Raises BackupError; then nothing changed.
    """
    say(f"Reading {file} ...")
    manifest = archive.verify(file)
    if unknown := sorted(set(manifest.migrations) - known):
        raise BackupError(f"{file} was made by a newer TLOI ({manifest.tloi}), whose {unknown[0]} is not known here.")
    try:
        with database.maintenance() as admin, alone(admin, _LOCK, busy=_BUSY):
            _refuse_what_cannot_be(admin, database, manifest, replace)
            with _new_database(admin, database) as new:
                say(f"Restoring {manifest.rows:,} rows of {manifest.made_at:%Y-%m-%d %H:%M} UTC ...")
                _fill(new, file, manifest)
                say("Comparing with what was backed up ...")
                _compare(new, file, manifest)
                _swap(admin, database, new, migrate, now)
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupError(
            "The database's role may not make databases, which restoring needs so that a failed one leaves the old one "
            f"standing: ALTER ROLE … CREATEDB. ({error.diag.message_primary})"
        ) from error
    except psycopg.Error as error:
        raise BackupError(f"The database cannot be restored: {str(error).strip()}") from error
    return manifest


def _refuse_what_cannot_be(admin: _Admin, database: Database, manifest: Manifest, replace: bool) -> None:
    """Raises BackupError where the server is too old, or somebody uses the database, or it holds data."""
    have, made_on = admin.info.server_version // 10_000, manifest.postgres // 10_000
    if have < made_on:
        raise BackupError(f"The backup was made on PostgreSQL {made_on}, and this server is the older {have}.")
    _refuse_users(admin, database.name)
    if not replace and _exists(admin, database.name):
        with database.connect() as conn:
            if not facade.is_empty(conn):
                raise BackupError(
                    f"The database {database.name} holds data, which restoring would replace; to do so, add --replace."
                )


def _refuse_users(admin: _Admin, name: str) -> None:
    """Raises BackupError where sessions are open."""
    users = "SELECT application_name FROM pg_stat_activity WHERE datname = %s AND usesysid IS NOT NULL"  # no autovacuum
    if found := [who or "unnamed" for (who,) in admin.execute(users, (name,))]:
        raise BackupError(
            f"The database {name} is being used ({len(found)} sessions: {', '.join(sorted(set(found)))}); {_STOP}."
        )


@contextmanager
def _new_database(admin: _Admin, database: Database) -> Iterator[Database]:
    """An empty database of the same kind beside the one to be replaced; gone where it does not take its name."""
    new = database.beside(f"{database.name}_restoring")
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(new.name))
    admin.execute(drop)  # of a restore that was killed
    admin.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(
            sql.Identifier(new.name), _locale(admin, database.name)
        )
    )
    try:
        yield new
    finally:
        admin.execute(drop)


def _locale(admin: _Admin, name: str) -> sql.Composable:
    """Encoding and collation of a database as options of CREATE DATABASE; none where there is no such database."""
    with admin.cursor(row_factory=dict_row) as cursor:
        query = "SELECT pg_encoding_to_char(encoding) AS encoding, to_jsonb(d) AS d FROM pg_database d"
        row = cursor.execute(query + " WHERE datname = %s", (name,)).fetchone()
    if row is None:
        return sql.SQL("ENCODING 'UTF8'")
    kept: dict[str, Any] = row["d"]
    provider = _PROVIDERS[kept["datlocprovider"]]
    options: dict[LiteralString, Any] = {
        "ENCODING": row["encoding"],
        "LOCALE_PROVIDER": provider,
        "LC_COLLATE": kept["datcollate"],
        "LC_CTYPE": kept["datctype"],
        "ICU_LOCALE": (kept.get("datlocale") or kept.get("daticulocale")) if provider == "icu" else None,
        "BUILTIN_LOCALE": kept.get("datlocale") if provider == "builtin" else None,
    }
    return sql.SQL(" ").join(
        sql.SQL("{} {}").format(sql.SQL(name), sql.Literal(value)) for name, value in options.items() if value
    )


def _fill(new: Database, file: Path, manifest: Manifest) -> None:
    with new.connect() as conn:
        server = conn.info.server_version // 10_000
    program = programs.find("pg_restore", major=max(server, manifest.dump_version))
    is_newer = program.major > server  # it sets what this server does not know, and would end there
    jobs = min(os.cpu_count() or 1, _MOST_JOBS)
    command: tuple[str | Path, ...] = (
        *(program.path, "--format=custom", f"--dbname={new.name}", f"--jobs={jobs}", "--no-owner", "--no-privileges"),
        *([] if is_newer else ["--exit-on-error"]),
        file,
    )
    with tempfile.TemporaryFile() as errors, programs.running(command, new, errors) as running:
        if running.wait() != 0 and not (is_newer and _is_of_settings_only(programs.words(errors))):
            raise BackupError(f"pg_restore failed: {programs.last_words(errors)}")


def _is_of_settings_only(complaints: list[str]) -> bool:
    """Whether pg_restore went on to the end, and complains of nothing but settings of newer servers."""
    errors = [line for line in complaints if " error: " in line]
    return bool(errors) and all(_UNKNOWN_SETTING in line for line in errors) and _WENT_ON in complaints[-1]


def _compare(new: Database, file: Path, manifest: Manifest) -> None:
    """Raises BackupError where the new database does not hold what was backed up; else brings its statistics."""
    with new.connect() as conn:
        have = {name: asdict(table) for name, table in facade.contents(conn).items()}
        if wrong := differences(manifest.tables, have):
            raise BackupError(
                f"What was restored from {file} is not what was backed up, so nothing was replaced: "
                f"{'; '.join(wrong[:_SHOWN])}{' …' if len(wrong) > _SHOWN else ''}."
            )
        conn.execute("ANALYZE")


def _swap(admin: _Admin, database: Database, new: Database, migrate: Callable[[], None], now: datetime) -> None:
    """Give the new database its name, bring it up to date, and drop the old one; where that fails, all is as before."""
    old = database.beside(f"{database.name}_before_{now:%Y%m%d%H%M%S}")
    had_one = _exists(admin, database.name)
    _rename(admin, [*([(database.name, old.name)] if had_one else []), (new.name, database.name)])
    try:
        migrate()
    except BaseException:
        _rename(admin, [(database.name, new.name), *([(old.name, database.name)] if had_one else [])])
        raise
    if had_one:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old.name)))


def _rename(admin: _Admin, names: list[tuple[str, str]]) -> None:
    """All or none. Raises BackupError where somebody uses one of them."""
    try:
        with admin.transaction():
            for before, after in names:
                rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                admin.execute(rename.format(sql.Identifier(before), sql.Identifier(after)))
    except psycopg.errors.ObjectInUse as error:
        raise BackupError(f"Meanwhile somebody began to use the database, so nothing was replaced; {_STOP}.") from error


def _exists(admin: _Admin, name: str) -> bool:
    return admin.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None
