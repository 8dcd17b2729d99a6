"""Databases on every node of a Citus cluster. CITUS_URL is a database of its coordinator that knows the workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from telemetry.ledger.sharding import Address


def address(url: str, *, at: Address | None = None, name: str = "") -> str:
    """`url` on another server, or with another database."""
    parts = urlsplit(url)
    account, _, server = parts.netloc.rpartition("@")
    server = f"{at[0]}:{at[1]}" if at else server
    return urlunsplit(
        parts._replace(netloc=f"{account}@{server}" if account else server, path=f"/{name}" if name else parts.path)
    )


def nodes(url: str) -> tuple[Address, list[Address]]:
    """The address of the coordinator, as the workers reach it, and of each worker."""
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT groupid, nodename, nodeport FROM pg_dist_node ORDER BY groupid").fetchall()
    (coordinator,) = [(host, port) for group, host, port in rows if group == 0]
    return coordinator, [(host, port) for group, host, port in rows if group != 0]


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """The address of a new, empty database, which is there on every node, and is dropped afterwards."""
    _, workers = nodes(url)
    servers = [url, *(address(url, at=worker) for worker in workers)]
    drop(servers, name)
    try:
        create(servers, name)
        yield address(url, name=name)
    finally:
        drop(servers, name)


def create(servers: list[str], name: str) -> None:
    """Make the database `name` on each server."""
    _each(servers, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop(servers: list[str], name: str) -> None:
    """Drop the database `name` from each server, whoever uses it."""
    _each(servers, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _each(servers: list[str], command: sql.Composed) -> None:
    for server in servers:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(command)
