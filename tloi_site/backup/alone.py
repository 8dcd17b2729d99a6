"""One at a time, whichever machine it runs on: a lock of the server's, for as long as a connection holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from tloi_site.backup import BackupError


@contextmanager
def alone(conn: psycopg.Connection[Any], lock: int, *, busy: str) -> Iterator[None]:
    """Inside, nobody else holds `lock`. Raises BackupError with `busy` where somebody does.

    It is given back at the end, for the server notices some time later that a connection is closed.
    """
    if conn.execute("SELECT pg_try_advisory_lock(%s)", (lock,)).fetchone() != (True,):
        raise BackupError(busy)
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a connection that is broken holds no lock
            conn.rollback()
            conn.execute("SELECT pg_advisory_unlock(%s)", (lock,))
