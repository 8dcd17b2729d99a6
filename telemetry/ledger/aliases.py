"""One call under several names. What a route calls it may not be what another calls it, and may be no name at all.

* An alias is another id of the same request: whatever bears it is the same call, and where two calls turn out to be
  one, the second is merged into the first.
* A likeness is for routes whose records bear no id of the request (an agent's log, say): the n-th call of one route and
  the n-th of another that are alike are the same call. Calls of one route never are, for each of them has its own id.

Both are rows of the identity ledger, so that they are claimed under its locks. Source: sql.md §1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row, scalar_row, tuple_row

from telemetry.ledger import dirty
from telemetry.ledger.identity import key_id
from telemetry.ledger.rows import Entry
from telemetry.ledger.store import Claimed, Place, merge_calls
from telemetry.statements import prepared, statement

ROUTES = {"api": 1, "otlp": 2, "litellm": 4, "gateway": 8, "sdk": 16}
FILE_ROUTE = 32  # every other source is an importer of files
MOST_ALIKE = 100


def route_of(source: str) -> int:
    """The bit of the route by which a source's calls come."""
    return ROUTES.get(source.partition(":")[0], FILE_ROUTE)


def join_names(
    conn: Connection[Any],
    *,
    project_id: int,
    entries: Sequence[Entry],
    claimed: Sequence[Claimed],
    source: str,
    kept_from: datetime,
) -> list[Claimed]:
    """Claim the other names of a batch's calls, and turn each entry to the call that it then belongs to. `claimed` are
    those of `entries` whose identity is new or brings something; so are those that come back, and those whose call has
    a new name. Calls before `kept_from` may be gone."""
    named = [entry for entry in entries if entry.call.aliases]
    alike = [one for one in claimed if one.is_fresh and one.entry.call.likeness]
    if not named and not alike:
        return list(claimed)
    by_id = {one.entry.id: one for one in claimed}
    fresh = [one for one in claimed if one.is_fresh and one.entry.call.aliases]
    for one in unjoined(conn, project_id=project_id, entries=named) if len(fresh) < len(named) else ():
        by_id.setdefault(one.entry.id, one)
        if not by_id[one.entry.id].is_fresh:
            fresh.append(by_id[one.entry.id])
    joining = _Joining(conn, project_id, by_id.values(), kept_from)
    joining.join_aliases(fresh)
    joining.join_alike(alike, route_of(source))
    return list(by_id.values())


class _Joining:
    """A batch whose calls are being joined. `_of` holds its entries by their call; `_became` what calls turned into."""

    def __init__(self, conn: Connection[Any], project_id: int, claimed: Iterable[Claimed], kept_from: datetime) -> None:
        self._conn = conn
        self._project_id = project_id
        self._kept_from = kept_from
        self._of: dict[bytes, list[Claimed]] = {}
        self._became: dict[bytes, Place] = {}
        for one in claimed:
            self._of.setdefault(one.call_id, []).append(one)

    def join_aliases(self, named: Sequence[Claimed]) -> None:
        """Each alias is claimed once; who bears it belongs to the call that it names."""
        bearers: dict[bytes, list[Claimed]] = {}
        for one in named:
            for alias in {key_id(alias) for alias in one.entry.call.aliases} - {one.entry.id}:
                bearers.setdefault(alias, []).append(one)
        if not bearers:
            return
        first = {alias: ones[0] for alias, ones in bearers.items()}
        for alias, place in claim_aliases(self._conn, project_id=self._project_id, wanted=first):
            for one in bearers[alias]:
                self._turn(one, place)

    def join_alike(self, alike: Sequence[Claimed], route: int) -> None:
        """Each entry takes the first place among its likes that its own route has not taken yet."""
        waiting = sorted(alike, key=attrgetter("started_at", "call_id"))
        for number in range(MOST_ALIKE):
            if not waiting:
                return
            wanted: dict[bytes, Claimed] = {}
            for one in waiting:
                wanted.setdefault(key_id(f"like:{one.entry.call.likeness}:{number}"), one)
            found = claim_likenesses(self._conn, project_id=self._project_id, wanted=wanted, route=route)
            for likeness, place, routes_before in found:
                one = wanted[likeness]
                if place[0] == one.call_id or routes_before & route == 0:
                    waiting.remove(one)
                    self._turn(one, place)

    def _turn(self, one: Claimed, place: Place) -> None:
        """Let the call of an entry be the call at `place` from now on; of two, the one that is stored stays."""
        old, new = (one.call_id, one.started_at), place
        while new[0] in self._became:
            new = self._became[new[0]]
        if old[0] == new[0]:
            return
        if self._is_unwritten(new[0]) and not self._is_unwritten(old[0]):
            old, new = new, old
        link_call(self._conn, project_id=self._project_id, old=old[0], new=new)
        if not self._is_unwritten(old[0]):
            self._move(old, new)
        self._became[old[0]] = new
        turned = self._of.pop(old[0], [])
        for other in turned:
            other.call_id, other.started_at, other.is_fresh = *new, False
        self._of.setdefault(new[0], []).extend(turned)

    def _is_unwritten(self, call_id: bytes) -> bool:
        return any(one.is_fresh for one in self._of.get(call_id, ()))

    def _move(self, old: Place, new: Place) -> None:
        """Merge a stored call into another; where that one has expired it is only taken out, for both are one and the
        sums of an expired day hold it."""
        taken = take_call(self._conn, project_id=self._project_id, place=old)
        if taken is None:
            return
        if new[1] >= self._kept_from:
            merge_calls(self._conn, [{**taken, "id": UUID(bytes=new[0]), "started_at": new[1]}])
        bereft = bereft_of(self._conn, project_id=self._project_id, taken=taken)
        dirty.mark(self._conn, project_id=self._project_id, moments=[old[1], new[1], *bereft])


def unjoined(conn: Connection[Any], *, project_id: int, entries: Sequence[Entry]) -> list[Claimed]:
    """Those of `entries` whose identity is known, and that bear an alias which does not name their call yet."""
    pairs = [(entry.id, key_id(alias)) for entry in entries for alias in entry.call.aliases]
    by_id = {entry.id: entry for entry in entries}
    arguments = {
        "project": project_id,
        "ids": [UUID(bytes=entry_id) for entry_id, _ in pairs],
        "aliases": [UUID(bytes=alias) for _, alias in pairs],
    }
    with prepared(conn, tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "unjoined"), arguments).fetchall()
    return [Claimed(by_id[one.bytes], call_id.bytes, started_at, False) for one, call_id, started_at in rows]


def claim_aliases(
    conn: Connection[Any], *, project_id: int, wanted: Mapping[bytes, Claimed]
) -> list[tuple[bytes, Place]]:
    """Each alias that was wanted, with the call that it names."""
    with prepared(conn, tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "claim_aliases"), _names(project_id, wanted)).fetchall()
    return [(alias.bytes, (call_id.bytes, started_at)) for alias, call_id, started_at in rows]


def claim_likenesses(
    conn: Connection[Any], *, project_id: int, wanted: Mapping[bytes, Claimed], route: int
) -> list[tuple[bytes, Place, int]]:
    """Each likeness that was wanted, with the call that bears it and the routes by which that call had come before."""
    arguments = {**_names(project_id, wanted), "route": route}
    with prepared(conn, tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "claim_likenesses"), arguments).fetchall()
    return [(like.bytes, (call_id.bytes, started_at), routes) for like, call_id, started_at, routes in rows]


def link_call(conn: Connection[Any], *, project_id: int, old: bytes, new: Place) -> None:
    """Let every name of the call `old` name the call at `new`."""
    arguments = {"project": project_id, "old": UUID(bytes=old), "call": UUID(bytes=new[0]), "moment": new[1]}
    prepared(conn, tuple_row).execute(statement(__package__, "link_call"), arguments)


def take_call(conn: Connection[Any], *, project_id: int, place: Place) -> dict[str, Any] | None:
    """Delete a call and return its columns, or None where it is not there."""
    arguments = {"project": project_id, "moment": place[1], "call": UUID(bytes=place[0])}
    with prepared(conn, dict_row) as cursor:
        return cursor.execute(statement(__package__, "take_call"), arguments).fetchone()


def bereft_of(conn: Connection[Any], *, project_id: int, taken: Mapping[str, Any]) -> list[datetime]:
    """When the executions began that lose a call which was taken out, for no call tells that any longer: the one that
    it named, and those in whose session it was while they ran."""
    arguments = {"project": project_id, **{name: taken[name] for name in ("execution_id", "session_id", "started_at")}}
    with prepared(conn, scalar_row) as cursor:
        return cursor.execute(statement(__package__, "bereft_of"), arguments).fetchall()


def _names(project_id: int, wanted: Mapping[bytes, Claimed]) -> dict[str, Any]:
    names = sorted(wanted)
    return {
        "project": project_id,
        "ids": [UUID(bytes=name) for name in names],
        "moments": [wanted[name].started_at for name in names],
        "calls": [UUID(bytes=wanted[name].call_id) for name in names],
    }
