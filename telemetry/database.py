"""The web's and the commands' psycopg connection: Django's own, so that verbs never choose one.

What pages show is read from `reads()`, the one place that says which database answers them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from django.db import connections, transaction
from psycopg import Connection

PRIMARY = "default"
_reads = ContextVar("reads", default=PRIMARY)


def reads() -> str:
    """The alias of the database that answers what is only read, here and now."""
    return _reads.get()


@contextmanager
def reading_from(using: str) -> Iterator[None]:
    """Inside, `reads()` is that alias."""
    token = _reads.set(using)
    try:
        yield
    finally:
        _reads.reset(token)


def connection(using: str = PRIMARY) -> Connection[Any]:
    """Django's connection of this thread, open. Verbs of ledger and series take it as their first argument."""
    django_connection = connections[using]
    django_connection.ensure_connection()
    return cast(Connection[Any], django_connection.connection)


@contextmanager
def snapshot(*, using: str = PRIMARY, timeout_s: float | None = None) -> Iterator[Connection[Any]]:
    """One instant of the database for everything that is read inside, each statement within `timeout_s`."""
    with transaction.atomic(using=using):
        conn = connection(using)
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if timeout_s is not None:
            conn.execute("SELECT set_config('statement_timeout', %s, true)", [f"{timeout_s}s"])
        yield conn
