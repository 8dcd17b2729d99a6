"""Which database, and how programs and connections reach it. A password never stands on a command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_MAINTENANCE = ("postgres", "template1")


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a server. What is empty is left to libpq: PGPASSFILE, PGSSLMODE and the like hold."""

    name: str
    host: str = ""
    port: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    def connect(self) -> psycopg.Connection[Any]:
        """A new connection, each statement its own transaction, patient as backups need it. Raises psycopg.Error."""
        named = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        given: dict[str, Any] = {name: value for name, value in named.items() if value}
        return psycopg.connect(
            dbname=self.name,
            autocommit=True,
            connect_timeout=10,
            application_name="tloi backup",
            options="-c timezone=UTC -c statement_timeout=0 -c idle_in_transaction_session_timeout=0",
            **given,
        )

    def beside(self, name: str) -> Database:
        """Another database of the same server."""
        return replace(self, name=name)

    def maintenance(self) -> psycopg.Connection[Any]:
        """A connection to a database of the server that is none of ours. Raises psycopg.Error."""
        first, second = (self.beside(name) for name in _MAINTENANCE)
        try:
            return first.connect()
        except psycopg.OperationalError:
            return second.connect()

    def environment(self) -> Mapping[str, str]:
        """The environment of a program of PostgreSQL that is to reach this database."""
        named = {"PGHOST": self.host, "PGPORT": self.port, "PGUSER": self.user, "PGPASSWORD": self.password}
        given = {name: value for name, value in named.items() if value}
        return {**os.environ, **given, "PGDATABASE": self.name, "PGAPPNAME": "tloi backup", "LC_ALL": "C"}


def configured() -> Database:
    """The database that the settings name."""
    named = settings.DATABASES["default"]
    return Database(named["NAME"], named["HOST"], named["PORT"], named["USER"], named["PASSWORD"])


def leave() -> None:
    """Close what this process itself has open of the configured database."""
    wrapper: BaseDatabaseWrapper = connections["default"]
    wrapper.close()
    if hasattr(wrapper, "close_pool"):
        wrapper.close_pool()
