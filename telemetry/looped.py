"""PostgreSQL as an event loop asks it itself: questions go out as they come, over one connection (libpq's pipeline).

A question that a thread asks costs four times the processor time of one of these, and one of psycopg's asynchronous
connection three times (`benchmarks.looped`). It is for who has another way: where there is no connection, or the answer
before is late, it is not `is_ready`, and the thread is asked, which waits as it should.

Each question is a transaction of its own. One that fails ends the connection, once all others are answered.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections
from psycopg import AsyncConnection, errors, pq
from psycopg.adapt import PyFormat, Transformer

from telemetry.database import PRIMARY
from telemetry.statements import array

SLOW_S = 0.1  # of the oldest question; then others are not asked behind it
IDLE_S = 30.0  # after which the connection ends
AGAIN_S = 2.0  # between attempts to connect
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
_AS_THEY_ARE = frozenset((bool, int, datetime, UUID))
_PSYCOPG = Transformer()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One statement, as its file has it, and its arguments; `is_binary` for rows that hold long bytes. Each argument's
    type must be plain from the statement."""

    text: str
    arguments: Mapping[str, Any]
    is_binary: bool = False


class LoopConnection:
    """Of one event loop. It connects when it is needed first, and again after it was lost."""

    def __init__(self) -> None:
        self._line: _Line | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._tried_at = float("-inf")

    def is_ready(self) -> bool:
        """Whether a question would be answered soon; where there is no connection, one is made meanwhile."""
        if self._line is not None and not self._line.is_over:
            return self._line.is_prompt()
        if self._connecting is None and time.monotonic() - self._tried_at > AGAIN_S:
            self._connecting = asyncio.create_task(self._connect())
        return False

    async def ask(self, question: Question) -> list[tuple[Any, ...]]:
        """The rows. Raises psycopg's errors; after OperationalError nobody knows whether it was done."""
        if self._line is None or self._line.is_over:
            raise psycopg.OperationalError("there is no connection")
        return await self._line.ask(question)

    async def close(self) -> None:
        """End the connection; who still waits gets OperationalError."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._line is not None:
            self._line.end(psycopg.OperationalError("the connection was closed"))

    async def _connect(self) -> None:
        self._tried_at = time.monotonic()
        settings = connections[PRIMARY].get_connection_params()
        known = {name: value for name, value in settings.items() if name not in ("context", "cursor_factory")}
        try:
            self._line = _Line(await AsyncConnection.connect(**known, autocommit=True))
        except psycopg.Error as error:
            _log.warning("no connection of the event loop's own: %s", error)
        finally:
            self._connecting = None


@dataclass(slots=True)
class _Waiting:
    future: asyncio.Future[list[tuple[Any, ...]]]
    since: float


class _Line:
    """A connection while it lasts."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self._conn, self._pg, self._adapt = conn, conn.pgconn, Transformer(conn)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._said: list[pq.abc.PGresult] = []  # to the one that waits first
        self._names: dict[str, bytes] = {}  # of prepared statements
        self._socket, self._used_at = self._pg.socket, time.monotonic()
        self.is_over = self._has_failed = False
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._read)
        self._timer = self._loop.call_later(IDLE_S, self._tidy)

    def is_prompt(self) -> bool:
        """Whether nobody waits for long."""
        if self._has_failed:
            return False
        return not self._waiting or time.monotonic() - self._waiting[0].since < SLOW_S

    def ask(self, question: Question) -> asyncio.Future[list[tuple[Any, ...]]]:
        """Send a question."""
        text, names = _numbered(question.text)
        written = [_written(question.arguments[name]) for name in names]
        waiting = _Waiting(self._loop.create_future(), time.monotonic())
        try:
            if text not in self._names:
                self._names[text] = f"q{len(self._names)}".encode()
                self._pg.send_prepare(self._names[text], text.encode())
            self._pg.send_query_prepared(self._names[text], written, result_format=int(question.is_binary))
            self._pg.pipeline_sync()
            self._waiting.append(waiting)
            self._flush()
        except psycopg.Error as error:
            self.end(error)
            raise
        self._used_at = waiting.since
        return waiting.future

    def end(self, error: psycopg.Error) -> None:
        """Close it; who waits is told why."""
        if self.is_over:
            return
        self.is_over = True
        self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pg.finish()
        for each in self._waiting:
            if not each.future.done():
                each.future.set_exception(psycopg.OperationalError(str(error)))

    def _flush(self) -> None:
        """Send what the socket takes, and the rest when it takes more."""
        if self._pg.flush():
            self._loop.add_writer(self._socket, self._flush_more)

    def _flush_more(self) -> None:
        try:
            if not self._pg.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self.end(error)

    def _read(self) -> None:
        try:
            self._pg.consume_input()
            while self._waiting and not self._pg.is_busy():
                if (result := self._pg.get_result()) is None:
                    continue
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    self._answer(self._waiting.popleft())
                else:
                    self._said.append(result)
        except psycopg.Error as error:
            self.end(error)
            return
        if self._pg.status == pq.ConnStatus.BAD or (self._has_failed and not self._waiting):
            self.end(psycopg.OperationalError("the connection has ended"))

    def _answer(self, waiting: _Waiting) -> None:
        said, self._said = self._said, []
        failed = next((result for result in said if result.status in _FAILED), None)
        try:
            found: Exception | list[tuple[Any, ...]] = (
                errors.error_from_result(failed) if failed else self._rows(said[-1])
            )
        except Exception as error:  # noqa: BLE001 (who waits is told, whatever it is)
            found = error
        self._has_failed = self._has_failed or isinstance(found, Exception)
        if waiting.future.done():  # whoever asked has given up
            return
        if isinstance(found, Exception):
            waiting.future.set_exception(found)
        else:
            waiting.future.set_result(found)

    def _rows(self, result: pq.abc.PGresult) -> list[tuple[Any, ...]]:
        self._adapt.set_pgresult(result)
        return self._adapt.load_rows(0, result.ntuples, tuple)

    def _tidy(self) -> None:
        quiet = time.monotonic() - self._used_at
        if quiet >= IDLE_S and not self._waiting:
            self.end(psycopg.OperationalError("nobody asked for a while"))
            return
        self._timer = self._loop.call_later(max(IDLE_S - quiet, 1.0), self._tidy)


def _written(value: Any) -> bytes | None:
    """An argument as PostgreSQL reads it; psycopg is asked for what is rarer. Raises DataError."""
    kind = type(value)
    if value is None:
        return None
    if kind is list or kind is tuple:
        value, kind = array(value), str
    if kind is str:
        if "\0" in value:
            raise psycopg.DataError("PostgreSQL takes no text with a NUL")
        return str.encode(value)
    if kind is bytes:
        return b"\\x%b" % bytes.hex(value).encode()
    if kind in _AS_THEY_ARE:
        return str(value).encode()
    written = _PSYCOPG.dump_sequence([value], [PyFormat.TEXT])[0]
    return None if written is None else bytes(written)


@cache
def _numbered(text: str) -> tuple[str, Sequence[str]]:
    """A statement with $1, $2, … for its named arguments, and their names in that order."""
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return re.sub(r"%\((\w+)\)s", place, text).replace("%%", "%"), names
