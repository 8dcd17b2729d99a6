"""Databases of a test's own on the run's server, for what cannot be done to one that others use."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import pytest
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from tloi_site.backup import restoring
from tloi_site.backup.database import Database

ROOT = Path(__file__).resolve().parent.parent
KNOWN = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or ()}
DEMO = ("--days", "3", "--agents", "3")


@contextmanager
def scratch(template: str = "template0") -> Iterator[Database]:
    """A new database, empty or as `template` is; gone afterwards."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = f"scratch_{uuid.uuid4().hex[:12]}"
    place = Database(name, parts.hostname or "", str(parts.port), unquote(parts.username or ""), parts.password or "")
    with place.maintenance() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
        try:
            yield place
        finally:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def manage(database: Database, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the site on a database."""
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *words],
        env=os.environ | {"DATABASE_URL": address(database)},
        capture_output=True,
        text=True,
        timeout=100,
        check=check,
    )


def address(database: Database) -> str:
    """As DATABASE_URL names it."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database.name}"))


@pytest.fixture(scope="session")
def filled(migrated: str) -> Iterator[Database]:
    """A database with the demo's calls, to be copied by `scratch` and never written to."""
    with scratch(migrated) as database:
        manage(database, "demo", *DEMO)
        yield database


def one(database: Database, query: Any, *arguments: object) -> Any:
    """The first column of the first row."""
    with database.connect() as conn:
        row = conn.execute(query, arguments).fetchone()
    return row[0] if row else None


def names(database: Database) -> set[str]:
    """The databases of the server that begin with the name of this one."""
    with database.maintenance() as admin:
        rows = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{database.name}%",)).fetchall()
    return {name for (name,) in rows}


def stub(folder: Path, name: str, script: str) -> Path:
    """A program of a test's own."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def restore(database: Database, file: Path, **options: Any) -> list[str]:
    """Restore by the verb; what was said meanwhile."""
    said: list[str] = []
    usual: dict[str, Any] = {
        "replace": False,
        "known": KNOWN,
        "migrate": lambda: None,
        "say": said.append,
        "now": datetime.now(UTC),
    }
    restoring.restore(database, file, **usual | options)
    return said
