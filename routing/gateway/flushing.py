"""From the journal to the ledger: in batches, within half a second, in a thread, until the ledger has it.

The ledger counts a call once however often it is told, so what was stored and not yet forgotten here may be stored
again. Where the database is away, files wait; nothing of them is in memory meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from django.db import Error as DatabaseError

from routing.contracts import Attempt, Caller
from routing.gateway.accounting import SOURCE, call_of
from routing.gateway.journal import Entry, Journal, orphans
from routing.gateway.threads import Threads
from telemetry import facade

BATCH = 500
DELAY_S = 0.5  # that what is over waits for more: a batch costs the same whether it has ten calls or hundreds
LONGEST_PAUSE_S = 5.0
ORPHANS_S = 30.0  # between looks at what others left
AWAY = (psycopg.Error, DatabaseError, OSError)
Learn = Callable[[Sequence[Entry]], None]
Amend = Callable[[Sequence[Entry]], Awaitable[Sequence[Entry]]]
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
_log = logging.getLogger(__name__)


class Flusher:
    """Moves what is over to the ledger. `learn` is told of every attempt that has become a call, in a thread; `amend`
    finds out what those used that a dead process left."""

    def __init__(
        self, journal: Journal, folder: Path, *, learn: Learn | None = None, amend: Amend | None = None
    ) -> None:
        self._journal, self._folder = journal, folder
        self._learn, self._amend = learn, amend
        self._threads = Threads("ledger", 1)
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._late: list[Entry] = []  # what is over, and the disk did not take

    def start(self) -> None:
        """Begin, in the running loop."""
        self._tasks = [asyncio.create_task(self._go_on()), asyncio.create_task(self._look_for_orphans())]

    def over(self, attempt: Attempt, caller: Caller) -> None:
        """Note that an attempt is over, and have it stored."""
        try:
            self._journal.end(attempt, caller)
        except OSError as error:
            _log.warning("the journal takes nothing now: %s", error)
            self._late.append(Entry(attempt, caller))
        self._wanted.set()

    async def stop(self, *, patience_s: float) -> None:
        """Store what there is, as far as that goes in so many seconds; the rest waits in its files."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError, *AWAY):
            async with asyncio.timeout(patience_s):
                await self._flush()
        self._threads.close()
        self._journal.close()

    async def _go_on(self) -> None:
        pause = 0.0
        while True:
            await self._wanted.wait()
            await asyncio.sleep(max(DELAY_S, pause))
            self._wanted.clear()
            try:
                await self._flush()
                pause = 0.0
            except AWAY as error:
                pause = min(max(2 * pause, 0.5), LONGEST_PAUSE_S)
                _log.warning("the ledger takes nothing now, calls wait in the journal: %s", error)
                self._wanted.set()

    async def _flush(self) -> None:
        """Store what is over now; what ends meanwhile is for the next time."""
        while self._late:
            self._journal.end(self._late[0].attempt, self._late[0].caller)
            del self._late[0]
        for segment in self._journal.segments:
            end = segment.size
            while segment.stored < end:
                entries, place = await self._threads.run(lambda: segment.over(BATCH))  # noqa: B023 (awaited here)
                if place == segment.stored:
                    break
                await self._threads.run(lambda: store(entries, learn=self._learn))  # noqa: B023
                segment.stored = place
        self._journal.tidy()

    async def _look_for_orphans(self) -> None:
        while True:
            try:
                await adopt(self._folder, self._threads.run, learn=self._learn, amend=self._amend)
            except AWAY as error:
                _log.warning("what an ended process left waits for the ledger: %s", error)
            await asyncio.sleep(ORPHANS_S)


async def adopt(folder: Path, in_thread: InThread, *, learn: Learn | None = None, amend: Amend | None = None) -> int:
    """Store what dead processes left, each file whole or not at all; how many attempts. Raises what the database
    does."""
    count = 0
    while (orphan := await in_thread(lambda: next(orphans(folder), None))) is not None:
        try:
            entries = orphan.entries if amend is None else await amend(orphan.entries)
            await in_thread(partial(_store_all, entries, learn))
        except BaseException:
            orphan.keep()
            raise
        orphan.leave()
        count += len(entries)
    if count:
        _log.warning("%s attempts of a process that ended are in the ledger now", count)
    return count


def store(entries: Sequence[Entry], *, learn: Learn | None = None) -> None:
    """Write attempts to the ledger, each project's in one batch. Raises what the database does where it is away; what
    it refuses is logged, and is nowhere else."""
    by_project = sorted(entries, key=_project_of)
    for project_id, group in groupby(by_project, key=_project_of):
        members = list(group)
        try:
            _record(project_id, members)
        except (psycopg.DataError, psycopg.IntegrityError, ValueError) as error:
            _log.warning("a batch was refused (%s); its calls are tried one by one", error)
            _record_each(project_id, members)
    if learn is not None and entries:
        learn(entries)


def _store_all(entries: Sequence[Entry], learn: Learn | None) -> None:
    for first in range(0, len(entries), BATCH):
        store(entries[first : first + BATCH], learn=learn)


def _record(project_id: int, entries: Sequence[Entry]) -> None:
    calls = [call_of(entry.attempt, entry.caller, names=_names(entry)) for entry in entries]
    receipt = facade.record(project_id=project_id, calls=calls, source=SOURCE, now=datetime.now(UTC))
    for rejection in receipt.rejected:
        _log.error("the ledger refused the call %s: %s", rejection.id, rejection.reason)
    reserved = [call for call, entry in zip(calls, entries, strict=True) if entry.attempt.is_reserved]
    if reserved:  # what they came to is in the ledger: a crash between the two is made good by whoever stores it again
        facade.settle_budgets(reserved, project_id=project_id, now=datetime.now(UTC))


def _record_each(project_id: int, entries: Sequence[Entry]) -> None:
    for entry in entries:
        try:
            _record(project_id, [entry])
        except (psycopg.DataError, psycopg.IntegrityError, ValueError) as error:
            _log.error("the ledger refused the call %s: %s", entry.attempt.id, error)


def _names(entry: Entry) -> tuple[str, ...]:
    """What else this call is called: by its provider, and in an answer that was carried to Anthropic's protocol, by
    which transcripts name it."""
    given = (entry.attempt.provider_call_id, f"msg_{entry.attempt.id}")
    return tuple(name for name in given if facade.is_identity(name))


def _project_of(entry: Entry) -> int:
    return entry.caller.project_id
