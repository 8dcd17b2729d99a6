"""Databases of a test's own, for tests of what would take the data of all others away."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from psycopg import Connection, sql
from pytest_django import DjangoDbBlocker

ROOT = Path(__file__).resolve().parent.parent
INTO_UTC = "-c timezone=UTC -c lock_timeout=10s"  # as the settings have it


@pytest.fixture
def own_url(migrated: str) -> Iterator[str]:
    """The address of an empty, migrated database that only this test uses."""
    name = f"own_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(migrated))
        server.execute(copy)
        with connect(address_of(name)) as own:  # a process remembers what it wrote by the project's number
            own.execute("SELECT setval('telemetry_project_id_seq', %s)", [secrets.randbelow(2**40) + 1])
        yield address_of(name)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def own(own_url: str) -> Iterator[Connection[tuple[object, ...]]]:
    """A connection to that database, outside of any transaction."""
    with connect(own_url) as connection:
        yield connection


@pytest.fixture
def django_here(own_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django is connected to that database, so that commands can be called: as a process each takes a second."""
    here: Any = connections["default"]
    usual = here.settings_dict["NAME"]
    _lead(here, urlsplit(own_url).path.lstrip("/"))
    with django_db_blocker.unblock():
        yield
    _lead(here, usual)


def _lead(connection: Any, name: str) -> None:
    """Let a connection of Django's, and those after it, be to another database."""
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name


def call(*words: str) -> list[str]:
    """The lines that a command prints here, also where it ends with an exit code. Raises CommandError."""
    out = StringIO()
    with suppress(SystemExit):
        call_command(*words, stdout=out)
    return out.getvalue().splitlines()


def connect(url: str) -> Connection[tuple[object, ...]]:
    """One more connection to a test's own database."""
    return psycopg.connect(url, autocommit=True, options=INTO_UTC)


def address_of(name: str) -> str:
    """The address of another database of the run's PostgreSQL."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


def start_tloi(url: str, *words: str, **settings: str) -> subprocess.Popen[bytes]:
    """A command of `tloi` on a test's own database, begun."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url, **settings}, cwd=ROOT)


def run_tloi(url: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command of `tloi` on a test's own database, to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env={**os.environ, "DATABASE_URL": url, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
