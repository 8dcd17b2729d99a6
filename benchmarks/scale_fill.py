"""Fills the ledger's tables by binary COPY with what `scale_calls` invents, slice by slice in order of time.

A row is put together from parts that its session, run and model have encoded once, so 10 million calls take minutes;
what is written is what the ledger itself writes of such calls: calls, identities, sessions and executions.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from benchmarks import harness, scale_calls
from benchmarks.scale_calls import DAYS, Session, Turn, moment
from telemetry.ledger.identity import key_id
from telemetry.ledger.pricing import PRICE_VERSION
from telemetry.sources.demo import Model
from telemetry.usage import usage_rank

SLICE = 100_000  # calls on a working day that are sorted and sent at once
_NULL = struct.pack("!i", -1)
_BEGIN, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), struct.pack("!h", -1)
CALL_COLUMNS = (
    *("id", "started_at", "received_at", "input_uncached", "cache_read", "cache_write_5m", "output", "reasoning"),
    *("duration_ms", "ttft_ms", "cost_computed_nanousd", "cost_reported_nanousd", "cost_kind", "error_type"),
    *("request_key", "provider", "model", "tier", "price_version", "subagent_id", "execution_id", "task_type"),
    *("project_id", "cache_write_1h", "cache_write_unknown", "quality", "source", "agent", "host", "session_id"),
    *("session_type", "objective", "skill", "service_tier", "attributes"),
)
_IDENTITY_COLUMNS = ("id", "started_at", "usage_rank", "cost_rank", "fields", "project_id")
_NUMBERS = struct.Struct("!hi16s" + "iq" * 9)
_IDENTITY = struct.Struct("!hi16siqiqiqiiiq")
_FIELDS = (1 << 8) - 1
MOST_ADDING_S = 3600.0
SESSION_COLUMNS = ("project_id", "session_id", "agent", "host", "session_type", "started_at", "last_call_at")
EXECUTION_COLUMNS = (
    *("project_id", "execution_id", "started_at", "task_id", "tool", "action", "model", "duration_ms"),
    *("sent_input_tokens", "sent_output_tokens", "status", "errors", "task_type", "agent", "session_id"),
    *("session_type", "skills", "source", "has_calls", "received_at", "called_from_at", "called_to_at"),
)
TABLES = {"calls": "telemetry_call", "identities": "telemetry_identity", "rollups": "telemetry_rollup"}
COUNTS = {
    "rows": b"SELECT count(*) FROM telemetry_call",
    "runs": b"SELECT count(*) FROM telemetry_rollup_run",
    "anomalies": b"SELECT count(*) FROM telemetry_anomaly",
}
_Line = tuple[int, bytes, bytes]  # when, the row of the call, the row of its identity


def ready(first: harness.Instance, calls: int) -> harness.Instance:
    """The database of that size, filled and folded where it is not yet; prints how fast, and how large it is."""
    place = harness.database(first, f"calls_{calls}")
    from telemetry.database import connection
    from telemetry.ledger import partitions

    conn, now = connection(), datetime.now(UTC)
    partitions.ensure(conn, [(now - timedelta(days=back)).date() for back in range(-1, DAYS + 1)], now=now)
    if conn.execute("SELECT FROM telemetry_call LIMIT 1").fetchone() is None:
        began = time.monotonic()
        written = sum(number for _, number in fill(conn, project_id=place.project_id, calls=calls, now=now))
        say("fill", calls=calls, written=written, calls_per_s=round(written / (time.monotonic() - began)))
        conn.execute("VACUUM ANALYZE")
    fold(conn, place.project_id, now=now)
    add_up(place.project_id, now=now)
    say("size", calls=calls, **sizes(conn))
    return place


def fold(conn: Connection[Any], project_id: int, *, now: datetime) -> None:
    """Make the rollups of what is filled, where there are none."""
    from telemetry.series import rollups

    if conn.execute("SELECT FROM telemetry_rollup_15m LIMIT 1").fetchone() is None:
        conn.execute("TRUNCATE telemetry_dirty")  # what the migrations marked
        began = time.monotonic()
        for _ in rollups.rebuild(conn, project_id=project_id, now=now):
            pass
        took = time.monotonic() - began
        folded = conn.execute("SELECT sum(calls) FROM telemetry_rollup_brief_1d").fetchone() or (0,)
        say("rebuild", folded=int(folded[0]), calls_per_s=round(int(folded[0]) / took))
        conn.execute("VACUUM ANALYZE")


def add_up(project_id: int, *, now: datetime) -> None:
    """Add up and judge the runs of what is folded: else that is done while pages are measured."""
    from telemetry import facade

    began = time.monotonic()
    while not facade.catch_up_runs(project_id=project_id, now=now, patience_s=60):
        if time.monotonic() - began > MOST_ADDING_S:
            raise RuntimeError("The runs are not added up.")


def sizes(conn: Connection[Any]) -> dict[str, Any]:
    """Rows, and bytes a call with indexes, of calls, identities and all rollups; how many runs and anomalies."""
    counts = {what: (conn.execute(query).fetchone() or (0,))[0] for what, query in COUNTS.items()}
    calls = counts["rows"]
    query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND starts_with(relname, %s)"
    bytes_of = {name: int((conn.execute(query, (table,)).fetchone() or (0,))[0]) for name, table in TABLES.items()}
    return {**counts, "bytes_per_call": {name: round(size / max(calls, 1)) for name, size in bytes_of.items()}}


def say(what: str, **figures: Any) -> None:
    """Print figures that have no ratio, as one JSON line."""
    print(json.dumps({"scale": what, **figures}), flush=True)


def fill(
    conn: Connection[Any],
    *,
    project_id: int,
    calls: int,
    now: datetime,
    days: Sequence[date] | None = None,
    identified: bool = True,
) -> Iterator[tuple[date, int]]:
    """Write about `calls` calls of the last DAYS days and today, or those of them that began on `days`; yields each day
    with how many it wrote. Calls that are only to be folded need not be `identified`."""
    today = now.astimezone(UTC).date()
    wanted = scale_calls.sessions_a_day(calls, today=today)
    slices = max(1, round(wanted * scale_calls.CALLS_A_SESSION / SLICE))
    for day in days if days is not None else [today - timedelta(days=back) for back in range(DAYS, -1, -1)]:
        written = 0
        for number in range(slices):
            made = list(
                scale_calls.sessions_of_day(day, wanted / slices, now=now, seed=f"{calls} {number} of {slices}")
            )
            written += write(conn, made, project_id=project_id, identified=identified)
        yield day, written


def write(conn: Connection[Any], sessions: Sequence[Session], *, project_id: int, identified: bool = True) -> int:
    """Write sessions with their calls in one transaction; how many calls."""
    lines = [line for one in sessions for line in _lines(one, project_id, identified=identified)]
    lines.sort()
    with conn.transaction():
        if identified:
            _copy(conn, "telemetry_identity", _IDENTITY_COLUMNS, b"".join(line[2] for line in lines))
        _copy(conn, "telemetry_call", CALL_COLUMNS, b"".join(line[1] for line in lines))
        _copy_rows(conn, "telemetry_session", SESSION_COLUMNS, (_session(one, project_id) for one in sessions))
        runs = (row for one in sessions for row in _executions(one, project_id))
        _copy_rows(conn, "telemetry_execution", EXECUTION_COLUMNS, runs)
    return len(lines)


def _lines(one: Session, project_id: int, *, identified: bool) -> Iterator[_Line]:
    runs = [_text(run) + _text(task) for run, task in one.runs]
    alike = _alike(one, project_id)
    subagent = _text(one.id[:8])
    for turn in one.turns:
        model = one.model_of(turn)
        cost = scale_calls.cost_nanousd(model, turn)
        identity = key_id(turn.key)
        numbers = _NUMBERS.pack(
            *(len(CALL_COLUMNS), 16, identity, 8, turn.at, 8, turn.at + 2_000_000, 8, turn.uncached, 8, turn.read),
            *(8, turn.written, 8, turn.output, 8, turn.reasoning, 8, turn.duration_ms, 8, turn.ttft_ms),
        )
        call = b"".join(
            (
                numbers,
                _costs(model, cost),
                _text(turn.error),
                _text(turn.key),
                _model(model),
                subagent if turn.is_sub else _EMPTY,
                runs[turn.run],
                alike,
            )
        )
        yield turn.at, call, _identity_row(turn, model, cost, identity, project_id) if identified else b""


def _identity_row(turn: Turn, model: Model, cost: int | None, identity: bytes, project_id: int) -> bytes:
    rank = usage_rank(turn.output, turn.uncached + turn.read + turn.written)
    reported = (2 << 50) + (cost or 0) if scale_calls.reports_cost(model) else 0
    return _IDENTITY.pack(6, 16, identity, 8, turn.at, 8, rank, 8, reported, 4, _FIELDS, 8, project_id)


def _alike(one: Session, project_id: int) -> bytes:
    """What all calls of a session end with."""
    numbers = struct.pack("!iqiqiqii", 8, project_id, 8, 0, 8, 0, 4, 0)
    labels = ("bench", one.agent.name, one.host, one.id, one.agent.session_type, "", "", "")
    document = b"\x01" + msgspec.json.encode(scale_calls.ATTRIBUTES)
    return numbers + b"".join(map(_text, labels)) + struct.pack("!i", len(document)) + document


def _costs(model: Model, cost: int | None) -> bytes:
    computed = _NULL if cost is None else struct.pack("!iq", 8, cost)
    if cost is None or not scale_calls.reports_cost(model):
        return computed + _NULL + _EMPTY
    return computed + struct.pack("!iq", 8, cost * 21 // 20) + _text("provider")


@cache
def _model(model: Model) -> bytes:
    version = PRICE_VERSION if scale_calls.rates(model.provider, model.name) else ""
    return b"".join(map(_text, (model.provider, model.name, scale_calls.tier_of(model), version)))


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!i", len(encoded)) + encoded


_EMPTY = _text("")


def _session(one: Session, project_id: int) -> tuple[Any, ...]:
    first, last = moment(one.turns[0].at), moment(one.turns[-1].at)
    return project_id, one.id, one.agent.name, one.host, one.agent.session_type, first, last


def _executions(one: Session, project_id: int) -> Iterator[tuple[Any, ...]]:
    for number, (run, task) in enumerate(one.runs):
        turns = [turn for turn in one.turns if turn.run == number]
        if not turns:
            continue
        first, last = moment(turns[0].at), moment(turns[-1].at)
        sent: tuple[int | None, int | None] = (None, None)
        if one.sends_totals:
            inputs = sum(turn.uncached + turn.read + turn.written for turn in turns)
            miscounted = 500 if run < "1" else 0
            sent = inputs + miscounted, sum(turn.output for turn in turns)
        yield (
            *(project_id, run, first, f"{task}-{run[:4]}", one.agent.name, "execute_task", one.model.name),
            *((last - first) // timedelta(milliseconds=1) + turns[-1].duration_ms, *sent),
            *("failed" if turns[-1].error else "done", Jsonb([]), task, one.agent.name, one.id),
            *(one.agent.session_type, Jsonb([]), "bench", True, last, first, last),
        )


def _copy(conn: Connection[Any], table: str, columns: Sequence[str], rows: bytes) -> None:
    command = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with conn.cursor() as cursor, cursor.copy(command.encode()) as copy:
        copy.write(_BEGIN)
        copy.write(rows)
        copy.write(_END)


def _copy_rows(conn: Connection[Any], table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    command = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with conn.cursor() as cursor, cursor.copy(command.encode()) as copy:
        for row in rows:
            copy.write_row(row)
