"""What this process knows of conversations, and how their prompts are made shorter: those that are long, or of which
something new is left out, beside the event loop.

The database is asked for a quarter of a second. Where it is away or slower, what this process knows of a conversation
must do: its prompt stays as short as it was, and nothing new is left out. What it knows nothing of goes as it came.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from routing.compression import retrieving
from routing.compression.compress import TakesLong
from routing.compression.rounds import with_round
from routing.compression.view import Seen
from routing.contracts import ToolCall
from routing.gateway.exchange import Exchange
from routing.gateway.shortening import AWAY, WRITE_S, Asked, Made, Work
from routing.gateway.threads import Threads
from routing.originals import keeping
from routing.originals.keeping import Known, Overtaken
from routing.wire.bodies import Body, objects_of, read_object
from telemetry import facade

SLOW_S = 0.25  # for the database to answer
MOST_AT_ONCE = 256 * 2**10  # bytes of a request, which take 2 ms of everybody's time
PATIENCE_S = 10.0  # for all of it: a very long prompt takes seconds of a processor
FETCH_S = 5.0
WRITTEN_AFTER_S = 0.5
MOST_BYTES = 32 * 2**20  # of states
MOST_SEEN_BYTES = 16 * 2**20  # of requests
THREADS, MOST_STUCK = 4, 2
_AWAY = "What was left out cannot be read now. Go on without it, or ask for it again later."
_Key = tuple[int, bytes]
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class Conversations:
    """Of one process; those that were used last."""

    def __init__(self, database: facade.LoopConnection) -> None:
        self._threads, self._database = Threads("compression", THREADS), database
        self._known: OrderedDict[_Key, tuple[Known, int]] = OrderedDict()
        self._bytes = self._seen_bytes = 0
        self._seen: OrderedDict[_Key, tuple[Seen, int]] = OrderedDict()
        self._stuck: set[asyncio.Future[Any]] = set()
        self._unwritten: dict[_Key, Known] = {}
        self._writing: asyncio.Task[None] | None = None

    async def shorten(self, asked: Asked) -> Made | None:
        """A request as it is to be sent; None: as it came."""
        key = asked.caller.project_id, asked.conversation
        known = self._of(key)
        seen = self._seen.get(key)
        work = Work(asked, known, seen[0] if seen else None)
        made = await self._at_once(work)
        if made is None and len(self._stuck) < MOST_STUCK:
            is_over, made = await self._done(work, lambda: work.asking_since)
            if is_over and made is None:
                return None
        if made is None and known is not None:
            _, made = await self._done(Work(asked, known, asks=False), lambda: None)
        if made is not None:
            self._remember(key, made.known, made.bytes)
            self._have_seen(key, made.seen, asked.size)
            if not made.is_written:
                self._write_later(key, made.known)
        return made

    async def fetch(self, project_id: int, calls: Sequence[ToolCall]) -> list[str]:
        """What a model's calls of our tool give."""
        try:
            async with asyncio.timeout(FETCH_S):
                return await self._threads.run(partial(_fetched, project_id, calls))
        except (*AWAY, TimeoutError) as error:
            _log.warning("what a model asked for cannot be read: %s", error)
        except Exception:  # noqa: BLE001 (as above)
            _log.exception("What a model asked for could not be given.")
        return [_AWAY] * len(calls)

    async def note_round(self, exchange: Exchange, conversation: bytes, fetched: list[Body]) -> None:
        """A model fetched something before it answered: it is told that with later requests too."""
        key = exchange.caller.project_id, conversation
        known = self._of(key)
        if known is None:
            return
        messages = objects_of(exchange.request.body.get("messages"))
        state = await self._threads.run(partial(with_round, known.state, messages, fetched))
        latest = self._known.get(key, (known, 0))
        if latest[0].state is known.state:
            self._remember(key, replace(latest[0], state=state), latest[1])
            self._write_later(key, self._known[key][0])

    async def stop(self) -> None:
        """Write what is not written yet."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        if len(self._stuck) < MOST_STUCK:
            await self._write()
        self._threads.close()

    async def _at_once(self, work: Work) -> Made | None:
        """What a request comes to, where the event loop asks for all that it needs; None where a thread must."""
        asked, known = work.asked, work.known or Known()
        project_id, digest = asked.caller.project_id, asked.conversation
        may_keep = asked.is_shadow or keeping.may_have_room(project_id)
        if may_keep is None or asked.size > MOST_AT_ONCE or not self._database.is_ready():
            return None
        try:
            read = keeping.read_conversation(project_id=project_id, digest=digest, known=known.version)
            async with asyncio.timeout(SLOW_S):
                found = keeping.told(await self._database.ask(read), known)
            try:
                outcome = work.compressed(found, may_keep=may_keep, is_brief=True)
            except TakesLong:
                async with asyncio.timeout(PATIENCE_S):
                    outcome = await self._threads.run(partial(work.compressed, found, may_keep=may_keep))
            if not outcome.changes or asked.is_shadow:
                return work.made(outcome, found, is_written=False)
            if (keeps := work.keeping(found, outcome)) is None:
                return None
            async with asyncio.timeout(WRITE_S):
                kept = keeps.told(await self._database.ask(keeps.question))
            return work.made(outcome, kept, is_written=True)
        except Exception:  # noqa: BLE001 (the thread meets it as well, and knows what to do)
            return None

    async def _done(
        self, work: Callable[[], _Result], asking_since: Callable[[], float | None]
    ) -> tuple[bool, _Result | None]:
        """Whether a piece of work was done in time, and what it came to."""
        task = asyncio.ensure_future(self._threads.run(work))
        until = time.monotonic() + PATIENCE_S
        while not task.done():
            now, since = time.monotonic(), asking_since()
            left = min(until, until if since is None else since + SLOW_S) - now
            if left <= 0:
                self._stuck.add(task)
                task.add_done_callback(self._unstuck)
                return False, None
            await asyncio.wait([task], timeout=min(left, SLOW_S))
        try:
            return True, task.result()
        except Exception:  # noqa: BLE001 (a defect of ours must not cost anybody an answer)
            _log.exception("A prompt could not be made shorter; it is sent as it came.")
            return True, None

    def _unstuck(self, task: asyncio.Future[Any]) -> None:
        self._stuck.discard(task)
        if not task.cancelled():
            task.exception()  # nobody waits for it any more

    def _of(self, key: _Key) -> Known | None:
        found = self._known.get(key)
        return None if found is None else found[0]

    def _remember(self, key: _Key, known: Known, size: int) -> None:
        self._bytes += size - self._known.get(key, (known, 0))[1]
        self._known[key] = known, size
        self._known.move_to_end(key)
        while self._bytes > MOST_BYTES:
            _, (_, gone) = self._known.popitem(last=False)
            self._bytes -= gone

    def _have_seen(self, key: _Key, seen: Seen | None, size: int) -> None:
        self._seen_bytes -= self._seen.pop(key, (None, 0))[1]
        if seen is not None:
            self._seen[key] = seen, size
            self._seen_bytes += size
        while self._seen_bytes > MOST_SEEN_BYTES:
            _, (_, gone) = self._seen.popitem(last=False)
            self._seen_bytes -= gone

    def _write_later(self, key: _Key, known: Known) -> None:
        self._unwritten[key] = known
        if self._writing is None:
            self._writing = asyncio.create_task(self._later())

    async def _later(self) -> None:
        await asyncio.sleep(WRITTEN_AFTER_S)
        self._writing = None
        if len(self._stuck) < MOST_STUCK:
            await self._write()

    async def _write(self) -> None:
        """Write what requests left that took nothing new out. Where another process wrote meanwhile, that holds."""
        taken, self._unwritten = self._unwritten, {}
        written = await self._written_at_once(taken)
        if left := {key: known for key, known in taken.items() if key not in written}:
            written |= await self._threads.run(partial(_written, left))
        for key, version in written.items():
            found = self._known.get(key)
            if found is not None and found[0].version == taken[key].version:
                now_known = replace(found[0], version=version.version, expires_at=version.expires_at)
                self._known[key] = now_known, found[1]
                if key in self._unwritten:
                    self._unwritten[key] = replace(self._unwritten[key], version=version.version)

    async def _written_at_once(self, unwritten: Mapping[_Key, Known]) -> dict[_Key, Known]:
        """What the event loop writes itself, one after another; the rest is for a thread."""
        done: dict[_Key, Known] = {}
        for (project_id, conversation), known in sorted(unwritten.items()):
            now = known.seen_at or datetime.now(UTC)
            asked = keeping.may_keep_at_once(project_id, conversation, known, known.state, (), now=now)
            if asked is None or not self._database.is_ready():
                continue
            try:
                async with asyncio.timeout(WRITE_S):
                    done[project_id, conversation] = asked.told(await self._database.ask(asked.question))
            except (*AWAY, Overtaken, TimeoutError):
                continue
        return done


def _written(unwritten: dict[_Key, Known]) -> dict[_Key, Known]:
    """In a thread."""
    done: dict[_Key, Known] = {}
    for (project_id, conversation), known in sorted(unwritten.items()):
        try:
            done[project_id, conversation] = keeping.keep(
                project_id,
                conversation,
                known,
                known.state,
                (),
                now=known.seen_at or datetime.now(UTC),
                within_s=WRITE_S,
            )
        except Overtaken:
            continue
        except AWAY as error:
            _log.warning("what is known of conversations cannot be written now: %s", error)
            break
    return done


def _fetched(project_id: int, calls: Sequence[ToolCall]) -> list[str]:
    """In a thread."""
    find = keeping.finding(project_id)
    return [retrieving.answer(read_object(call.arguments.encode()) or {}, find) for call in calls]
