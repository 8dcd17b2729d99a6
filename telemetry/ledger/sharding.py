"""Projects as shards: which tables Citus cuts by project_id, so that more servers hold more projects, and which not.

Every statement of the product names one project, so it runs on the one server that holds that project's shard. Tables
that are cut keep the rules of `shard_obstacles.sql` on any PostgreSQL, for a test looks. Source: docs/scaling.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import scalar_row

from telemetry.statements import statement

CALLS = "telemetry_call"
SHARDED = (
    CALLS,
    "telemetry_identity",
    "telemetry_execution",
    "telemetry_session",
    "telemetry_meterpoint",
    "telemetry_quarantined",
    "telemetry_sourceseen",
    "telemetry_rejectedreason",
    "telemetry_importedfile",
    "telemetry_dirty",
    "telemetry_rollup_1m",
    "telemetry_rollup_15m",
    "telemetry_rollup_1d",
    "telemetry_rollup_brief_15m",
    "telemetry_rollup_brief_1d",
    "telemetry_rollup_session_15m",
    "telemetry_rollup_session_1d",
    "telemetry_rollup_session",
    "telemetry_rollup_state",
    "telemetry_rollup_difference",
    "telemetry_rollup_run",
    "telemetry_run_mark",
    "telemetry_run_state",
    "telemetry_anomaly",
    "telemetry_rollup_waste_15m",
    "telemetry_rollup_waste_1d",
    "telemetry_rollup_waste_brief_15m",
    "telemetry_rollup_waste_brief_1d",
    "telemetry_report",
    "telemetry_key_stat",
    "telemetry_residual_pool",
    "telemetry_run_learned",
    "telemetry_forecast",
    "telemetry_run_day",
    "telemetry_trend_day",
    "telemetry_trend",
    "telemetry_tokenratio",
    "telemetry_budget_window",
    "telemetry_budget_lease",
    "telemetry_budget_curb",
    "telemetry_skill_invocation",
)
LOCAL_OF_PROJECTS = {
    "telemetry_apikey": "looked up by a prefix that is unique over all projects, before the project is known",
    "telemetry_membership": "a person's projects: read by person, and tied to Django's users",
    "telemetry_priceoverride": "a few rows, some for every project; a trigger notes each change",
    "telemetry_invoiceline": "belongs to a total",
    "telemetry_detectorrule": "five rows of a project at most, edited in the admin",
    "telemetry_allowedwaste": "a few rows of a project, edited in the admin",
    "telemetry_budget": "a few rows, some for every project, edited in the admin",
    "telemetry_alertrule": "a few rows of a project, edited in the admin; taken over all projects, whichever is due",
    "telemetry_alertchannel": "a few rows of a project, edited in the admin",
    "telemetry_alert": "at most one a subject of a rule and period, kept for 90 days",
    "telemetry_alertdelivery": "a few times as many; taken over all projects, whichever is due first",
    "telemetry_job": "a few rows a day; taken over all projects, whichever is due first",
    "telemetry_attribution": "a few hundred rows of a project, edited in the admin or imported",
    "telemetry_workitem": "what a tracker says, as far as somebody imports it",
    "telemetry_keyresultvalue": "belongs to a key result",
    "telemetry_keyresult": "belongs to an objective",
    "telemetry_objective": "a few dozen rows of a project, edited in the admin",
    "telemetry_invoicetotal": "typed in or uploaded by a person, a few hundred of a project at most",
}
LOCAL = {
    "telemetry_project": "a few rows; the slug is unique over all projects",
    "telemetry_loginlink": "tied to Django's users",
    "telemetry_pricerevision": "one row",
    "telemetry_priceversion": "a few rows, of no project",
}
SHARDS = 32
Address = tuple[str, int]


class CannotShard(RuntimeError):
    """The database cannot be cut into shards; the text says what to do first."""


def form_cluster(conn: Connection[Any], *, coordinator: Address, workers: Sequence[Address]) -> None:
    """Make the server of `conn` the coordinator of others, each of which has a database of this name and account. May
    be run again, and with more workers. Raises CannotShard, psycopg.Error."""
    for address in workers:
        with psycopg.connect(conninfo_of(conn, address), autocommit=True) as worker:
            create_citus(worker)
    create_citus(conn)
    name_coordinator(conn, coordinator)
    for address in workers:
        add_worker(conn, address)
    limit_waits(conn)


def conninfo_of(conn: Connection[Any], address: Address) -> str:
    """How to reach another server as this one is reached: the same database, account and options."""
    found = {name: value for name, value in conn.info.get_parameters().items() if name != "hostaddr"}
    host, port = address
    return make_conninfo("", **found | {"host": host, "port": str(port), "password": conn.info.password})


def distribute(conn: Connection[Any], *, shards: int = SHARDS) -> Iterator[tuple[str, bool]]:
    """Cut each table by project_id, one transaction each, and yield its name and whether that was done now. May be
    stopped anywhere and run again. Raises CannotShard before anything is changed; psycopg.Error."""
    _check(conn)
    done = sharded_tables(conn)
    first = next((table for table in SHARDED if table in done), None)
    for table in SHARDED:
        if table not in done:
            if first is None:
                shard_first(conn, table, shards=shards)
            else:
                shard_beside(conn, table, beside=first)
        first = first or table
        for rest in local_rests(conn, [table]):
            drop_local_rest(conn, rest)
        yield table, table not in done


def _check(conn: Connection[Any]) -> None:
    if citus_version(conn) is None:
        raise CannotShard(
            "This database is not part of a cluster: it has no extension citus. With Citus on every server,"
            " --coordinator and --worker form one: see docs/scaling.md."
        )
    if not shard_nodes(conn):
        raise CannotShard(
            "This database knows no server that holds shards. It must be that of the coordinator; --worker adds"
            " others: see docs/scaling.md."
        )
    if obstacles := shard_obstacles(conn, SHARDED):
        raise CannotShard("These tables break a rule of Citus: " + "; ".join(obstacles) + ".")


def citus_version(conn: Connection[Any]) -> str | None:
    """The version of the extension, or None where the database has none."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "citus_version")).fetchone()


def create_citus(conn: Connection[Any]) -> None:
    """Add the extension to the database. Raises CannotShard where its server has none, or not loaded it."""
    try:
        conn.execute(statement(__package__, "create_citus"))
    except psycopg.DatabaseError as error:
        raise CannotShard(
            f"The server {conn.info.host}:{conn.info.port} does not take the extension citus:"
            f" {str(error).splitlines()[0]}. It must be installed there, stand in shared_preload_libraries, and be"
            " created by a superuser: see docs/scaling.md."
        ) from error


def limit_waits(conn: Connection[Any]) -> None:
    """Let no statement wait longer for a lock in this database than ours do."""
    conn.execute(sql.SQL(statement(__package__, "limit_waits")).format(name=sql.Identifier(conn.info.dbname)))


def name_coordinator(conn: Connection[Any], address: Address) -> None:
    """Tell the coordinator where the others find it."""
    conn.execute(statement(__package__, "name_coordinator"), {"host": address[0], "port": address[1]})


def add_worker(conn: Connection[Any], address: Address) -> None:
    """Add a server that holds shards. Raises CannotShard where the servers do not reach each other."""
    host, port = address
    try:
        conn.execute(statement(__package__, "add_worker"), {"host": host, "port": port})
    except psycopg.errors.InternalError_ as error:
        raise CannotShard(
            f"The coordinator cannot add {host}:{port}: {str(error).splitlines()[0]}. The servers must be able to log"
            " in to each other with the account of DATABASE_URL: see docs/scaling.md."
        ) from error


def shard_nodes(conn: Connection[Any]) -> list[str]:
    """The servers that hold shards, as host:port."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "shard_nodes")).fetchall()


def sharded_tables(conn: Connection[Any]) -> set[str]:
    """The tables that are cut already."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return set(cursor.execute(statement(__package__, "sharded_tables")).fetchall())


def shard_obstacles(conn: Connection[Any], tables: Sequence[str]) -> list[str]:
    """What keeps these tables from being cut by project_id together, a sentence each."""
    with conn.cursor() as cursor:
        rows = cursor.execute(statement(__package__, "shard_obstacles"), {"tables": list(tables)}).fetchall()
    return [f"{table} {rule}" for table, rule in rows]


def shard_first(conn: Connection[Any], table: str, *, shards: int) -> None:
    """Cut a table, beside which all others will lie."""
    conn.execute(statement(__package__, "shard_first"), {"table": table, "shards": shards})


def shard_beside(conn: Connection[Any], table: str, *, beside: str) -> None:
    """Cut a table as another is cut."""
    conn.execute(statement(__package__, "shard_beside"), {"table": table, "beside": beside})


def local_rests(conn: Connection[Any], tables: Sequence[str]) -> list[str]:
    """Which of these tables still hold rows here that their shards hold too."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "local_rests"), {"tables": list(tables)}).fetchall()


def drop_local_rest(conn: Connection[Any], table: str) -> None:
    """Give back their space."""
    conn.execute(statement(__package__, "drop_local_rest"), {"table": table})
