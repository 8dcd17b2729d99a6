"""What is known of a conversation, and what was left out of its prompts: read and kept, a project's own alone.

What a prompt lacks is kept before it is sent, in the transaction that writes the conversation's state, so that a state
never speaks of what is not there. Both stay for as long as calls do, and no longer than 30 days after they were needed
last: a conversation that goes on moves the day of all that it needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec
from django.db import connection, transaction
from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection, Cursor
from psycopg.rows import tuple_row

from routing.compression.blobs import Blob, Find, parts_of
from routing.compression.state import State
from telemetry import facade
from telemetry.facade import statement

KEPT = timedelta(days=30)  # after it was needed last
MOST_BYTES = 8 * 2**30  # of a project; a full one leaves nothing more out
_STEP = timedelta(days=1)  # by which the day on which something goes is moved on
_RECHECK_S = 60.0
_MOST_KNOWN = 10_000
_Found = TypeVar("_Found")
_days: dict[int, tuple[float, int | None]] = {}
_bytes: dict[int, tuple[float, int]] = {}


class Overtaken(Exception):
    """Another request of the conversation wrote its state meanwhile."""


class Known(Struct, frozen=True):
    """A conversation as it was read or written: `version` 0 where there was nothing."""

    version: int = 0
    state: State = State()
    seen_at: datetime | None = None
    expires_at: datetime | None = None


def read(project_id: int, digest: bytes, known: Known) -> Known:
    """A conversation as it is now; of what is `known` the state is not read again. Raises the database's errors."""
    asked = read_conversation(project_id=project_id, digest=digest, known=known.version)
    with _cursor(_open()) as cursor:
        return told(cursor.execute(asked.text, asked.arguments, binary=True).fetchall(), known)


def told(rows: Sequence[tuple[Any, ...]], known: Known) -> Known:
    """A conversation by the rows of `read_conversation`, which was told the version of what is `known`."""
    row = next(iter(rows), None)
    if row is None:  # not written yet, or it has expired
        return known if known.version == 0 else Known()
    version, seen_at, expires_at, written = row
    return Known(version, known.state if written is None else _state(written), seen_at, expires_at)


class Keeping(Struct, frozen=True):
    """To write what a request left of a conversation that was `known`, and what it left out."""

    question: facade.Question
    becomes: Known  # but for its version
    roots: tuple[str, ...]  # of what is to stay longer

    def told(self, rows: Sequence[tuple[Any, ...]]) -> Known:
        """What is written, by the rows that came. Raises Overtaken, where nothing is."""
        if not rows:
            raise Overtaken
        return replace(self.becomes, version=rows[0][0])


def keeping(
    project_id: int, digest: bytes, known: Known, state: State, blobs: Sequence[Blob], *, now: datetime, kept: timedelta
) -> Keeping:
    """What to ask to keep what a request left of a conversation that was `known`, for so long."""
    last = now + kept
    due = known.expires_at
    moves = due is None or due < last - _STEP or due > last
    expires_at = last if moves or due is None else due
    question = keep_conversation(
        blobs,
        project_id=project_id,
        digest=digest,
        known=known.version,
        fresh=int(now.timestamp() * 1e6),
        state=msgspec.json.encode(state),
        seen_at=now,
        expires_at=expires_at,
        last=last,
    )
    # What a conversation needs that was never written is in its blobs.
    roots = _roots(state) if moves and known.version else ()
    return Keeping(question, Known(0, state, now, expires_at), tuple(roots))


def keep(
    project_id: int, digest: bytes, known: Known, state: State, blobs: Sequence[Blob], *, now: datetime, within_s: float
) -> Known:
    """Write what a request left of a conversation that was `known`, and what it left out; no statement takes longer
    than `within_s`. Raises Overtaken, and the database's errors; then nothing is written."""
    last = _kept(project_id)
    asked = keeping(project_id, digest, known, state, blobs, now=now, kept=last)
    with _bounded(within_s) as conn:
        if asked.roots:
            extend_originals(conn, project_id=project_id, roots=asked.roots, expires_at=now + last)
        with _cursor(conn) as cursor:
            return asked.told(cursor.execute(asked.question.text, asked.question.arguments).fetchall())


def may_keep_at_once(
    project_id: int, digest: bytes, known: Known, state: State, blobs: Sequence[Blob], *, now: datetime
) -> Keeping | None:
    """What to ask for the same, where one statement does it; None where more is to be asked."""
    if _lately(_days, project_id) is None:
        return None
    asked = keeping(project_id, digest, known, state, blobs, now=now, kept=_kept(project_id))
    return None if asked.roots else asked


def finding(project_id: int) -> Find:
    """Looks for what was left out of a project's prompts. What it gives raises the database's errors."""
    return lambda ref: find_original(_open(), project_id=project_id, ref=ref)


def has_room(project_id: int) -> bool:
    """Whether more may be kept of a project, as it was a minute ago at most. Raises the database's errors."""
    known = may_have_room(project_id)
    if known is not None:
        return known
    kept = kept_bytes(_open(), project_id=project_id)
    _remember(_bytes, project_id, (time.monotonic(), kept))
    return kept < MOST_BYTES


def may_have_room(project_id: int) -> bool | None:
    """What `has_room` said within the last minute; None where nobody asked."""
    found = _lately(_bytes, project_id)
    return None if found is None else found[1] < MOST_BYTES


def _state(written: bytes) -> State:
    """A state as it was written; one of another version says nothing, and the conversation begins anew."""
    try:
        return msgspec.json.decode(written, type=State)
    except msgspec.MsgspecError:
        return State()


def _kept(project_id: int) -> timedelta:
    found = _lately(_days, project_id)
    if found is None:
        found = time.monotonic(), facade.days_kept(project_id)
        _remember(_days, project_id, found)
    return KEPT if found[1] is None else min(KEPT, timedelta(days=found[1]))


def _lately(known: dict[int, tuple[float, _Found]], project_id: int) -> tuple[float, _Found] | None:
    """What was found of a project within the last minute, and when."""
    found = known.get(project_id)
    return None if found is None or time.monotonic() - found[0] > _RECHECK_S else found


def _remember(known: dict[int, tuple[float, _Found]], project_id: int, found: tuple[float, _Found]) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[project_id] = found


def _roots(state: State) -> list[str]:
    """The hashes that a state speaks of; what these are made of is known by them."""
    return [*(stub.sha256 for stub in state.stubs), *([state.fold.history] if state.fold else [])]


def _open() -> Connection[Any]:
    connection.ensure_connection()
    return cast(Connection[Any], connection.connection)


def _cursor(conn: Connection[Any]) -> Cursor[tuple[Any, ...]]:
    """A cursor that sends bytes as they are, which Django's own writes out as text."""
    return Cursor(conn, row_factory=tuple_row)


@contextmanager
def _bounded(within_s: float) -> Iterator[Connection[Any]]:
    """A transaction of which no statement takes longer, its waits for locks included."""
    with transaction.atomic():
        conn = _open()
        conn.execute("SELECT set_config('statement_timeout', %s, true)", [f"{round(within_s * 1000)}ms"])
        yield conn


def read_conversation(*, project_id: int, digest: bytes, known: int) -> facade.Question:
    """What to ask for (version, seen at, expires at, state or None where the version is `known`); there is no row where
    there is nothing."""
    given = {"project_id": project_id, "digest": digest, "known": known}
    return facade.Question(statement(__package__, "read_conversation"), given, is_binary=True)


def keep_conversation(blobs: Sequence[Blob], **given: Any) -> facade.Question:
    """What to ask for the version that is written then, with blobs, each once; there is no row where another one than
    `known` is there."""
    ours = {blob.sha256: blob for blob in blobs}.values()
    columns = {
        "sha256": [blob.sha256 for blob in ours],
        "kind": [blob.kind for blob in ours],
        "content": [blob.content for blob in ours],
        "parts": [" ".join(parts_of(blob)) for blob in ours],
    }
    return facade.Question(statement(__package__, "keep_conversation"), given | columns)


def extend_originals(conn: Connection[Any], *, project_id: int, roots: Sequence[str], expires_at: datetime) -> None:
    """Keep on what is known by these hashes, and what it is made of."""
    given = {"project_id": project_id, "roots": list(roots), "expires_at": expires_at}
    with _cursor(conn) as cursor:
        cursor.execute(statement(__package__, "extend_originals"), given)


def find_original(conn: Connection[Any], *, project_id: int, ref: str) -> bytes | None:
    """The bytes of a hash, or of its first digits."""
    with _cursor(conn) as cursor:
        row = cursor.execute(
            statement(__package__, "find_original"), {"project_id": project_id, "ref": ref}, binary=True
        ).fetchone()
    return row[0] if row else None


def kept_bytes(conn: Connection[Any], *, project_id: int) -> int:
    """How many bytes are kept of a project."""
    with _cursor(conn) as cursor:
        row = cursor.execute(statement(__package__, "kept_bytes"), {"project_id": project_id}).fetchone()
    return row[0] if row else 0
