"""Threads for what waits on the database, so that the event loop never does.

A thread keeps its connection while it has work, for to take one from Django's pool costs as much as a question: the
pool asks PostgreSQL first whether it is there. After a second it is given back all the same, as others may wait for
one; and before each piece of work it is looked at whether PostgreSQL has ended it, which costs a system call.

A PostgreSQL that takes questions and says nothing, since its machine hangs, keeps a thread for as long as that lasts.
Another one takes its place then, so that who needs no answer goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from django.db import close_old_connections, connections
from msgspec import Struct

from routing.gateway import outage

KEPT_S = 1.0
STUCK_S = 5.0  # of a piece of work; then its thread does not count
MOST_STUCK = 4
Result = TypeVar("Result")


class _Piece(Struct, frozen=True):
    """A piece of work, and where its result goes."""

    work: Callable[[], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Threads:
    """So many threads, begun as they are needed."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count
        self._waiting: SimpleQueue[_Piece | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy: dict[int, float] = {}  # by thread: since when
        self._relief: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do `work` in a thread; what it returns or raises. Raises RuntimeError once they are closed."""
        if self._is_closed:
            raise RuntimeError("these threads are closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.put(_Piece(work, future, loop))
        self._begin_more()
        if self._relief is None:
            self._relief = loop.call_later(STUCK_S, self._relieve, loop)
        return await future

    def close(self) -> None:
        """End the threads; what is being done is finished, what waits is called off."""
        self._is_closed = True
        with contextlib.suppress(Empty):
            while True:
                if (piece := self._waiting.get_nowait()) is not None:
                    _tell(piece, piece.future.cancel)
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _begin_more(self) -> None:
        """Begin a thread where work waits for one, if there may be more of them."""
        if len(self._threads) - len(self._busy) >= self._waiting.qsize():
            return
        late = time.monotonic() - STUCK_S
        stuck = sum(since < late for since in tuple(self._busy.values()))
        if len(self._threads) < self._count + min(stuck, MOST_STUCK):
            thread = threading.Thread(target=self._go_on, name=f"{self._name}_{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _relieve(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to what has waited all the while."""
        self._relief = None
        if not self._is_closed and self._waiting.qsize():
            self._begin_more()
            self._relief = loop.call_later(STUCK_S, self._relieve, loop)

    def _go_on(self) -> None:
        held_since: float | None = None
        while (piece := self._next(held_since)) is not None:
            if piece is _NONE:
                close_old_connections()
                held_since = None
                continue
            if piece.future.cancelled():
                continue
            held_since = time.monotonic() if held_since is None else held_since
            self._busy[threading.get_ident()] = time.monotonic()
            is_well = _do(piece)
            del self._busy[threading.get_ident()]
            if not is_well or time.monotonic() > held_since + KEPT_S:
                close_old_connections()
                held_since = None
        close_old_connections()

    def _next(self, held_since: float | None) -> _Piece | None:
        """What to do next; `_NONE` where nothing comes while a connection is held, None at the end."""
        try:
            return self._waiting.get(timeout=None if held_since is None else KEPT_S)
        except Empty:
            return _NONE


def _do(piece: _Piece) -> bool:
    """Whether it went well."""
    began = time.monotonic()
    try:
        _let_go_of_ended()
        try:
            result = piece.work()
        finally:  # before anybody is told, who may ask for the next thing
            outage.suspect(time.monotonic() - began)
    except BaseException as error:  # noqa: BLE001 (it is told to who waits)
        _tell(piece, piece.future.set_exception, error)
        return False
    _tell(piece, piece.future.set_result, result)
    return True


def _tell(piece: _Piece, end: Callable[..., object], *said: object) -> None:
    with contextlib.suppress(RuntimeError):  # its loop has ended
        piece.loop.call_soon_threadsafe(_end, piece.future, end, *said)


def _end(future: asyncio.Future[Any], end: Callable[..., object], *said: object) -> None:
    if not future.done():
        end(*said)


def _let_go_of_ended() -> None:
    """Give back connections of this thread that PostgreSQL has ended: of one that nobody asks it says something then,
    if only that it is the end."""
    for each in connections.all(initialized_only=True):
        if (inner := each.connection) is None:
            continue
        waiting = select.poll()
        if not inner.closed:
            waiting.register(inner.fileno(), select.POLLIN)
        if inner.closed or waiting.poll(0):
            inner.close()
            each.close()


_NONE = _Piece(lambda: None, None, None)  # type: ignore[arg-type]
