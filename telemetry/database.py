"""The web's and the commands' psycopg connection: Django's own, so that verbs never choose one."""

from __future__ import annotations

from typing import Any, cast

from django.db import connection as django_connection
from psycopg import Connection


def connection() -> Connection[Any]:
    """Django's connection of this thread, open. Verbs of ledger and series take it as their first argument."""
    django_connection.ensure_connection()
    return cast(Connection[Any], django_connection.connection)
