"""A database on every node of a Citus cluster. CITUS_URL is a database of its coordinator that knows the workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def address(url: str, *, host: str = "", port: int = 0, name: str = "") -> str:
    """`url` with another host, port or database."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    server = f"{host}:{port}" if host else parts.netloc.rpartition("@")[2]
    netloc = f"{account}@{server}" if account else server
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{name}" if name else parts.path))


def nodes(url: str) -> tuple[tuple[str, int], list[tuple[str, int]]]:
    """(host, port) of the coordinator, as the workers reach it, and of each worker."""
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT nodename, nodeport, groupid FROM pg_dist_node ORDER BY groupid").fetchall()
    coordinator = next((host, port) for host, port, group in rows if group == 0)
    return coordinator, [(host, port) for host, port, group in rows if group != 0]


def link(url: str, name: str) -> None:
    """Make the database `name`, which is on the coordinator already, one of the whole cluster."""
    coordinator, workers = nodes(url)
    for host, port in workers:
        with psycopg.connect(address(url, host=host, port=port), autocommit=True) as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        _add_extension(address(url, host=host, port=port, name=name))
    _add_extension(address(url, name=name))
    with psycopg.connect(address(url, name=name), autocommit=True) as conn:
        conn.execute("SELECT citus_set_coordinator_host(%s, %s)", coordinator)
        for worker in workers:
            conn.execute("SELECT citus_add_node(%s, %s)", worker)


def unlink(url: str, name: str) -> None:
    """Drop the database `name` from every node."""
    _, workers = nodes(url)
    for server in (url, *(address(url, host=host, port=port) for host, port in workers)):
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """The address of a new, empty database of the whole cluster, which is dropped afterwards."""
    unlink(url, name)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        link(url, name)
        yield address(url, name=name)
    finally:
        unlink(url, name)


def _add_extension(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION citus")
