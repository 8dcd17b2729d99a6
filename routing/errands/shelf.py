"""Errands in the database: asked once, taken by one runner at a time, ended once.

Who may end an errand is decided by its lease, measured by the database's clock alone. A runner that is killed lets it
expire, and the errand is done again: what its first attempt cost stays in the ledger, but one answer is kept and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from json import dumps, loads
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from msgspec import Struct

from routing.contracts import Protocol
from routing.errands import wanted as asking
from routing.errands.wanted import BadTask, Wanted
from routing.models import Errand
from routing.wire.skilled import asked, with_skills
from skills import facade as skills
from telemetry import facade
from telemetry.facade import statement

_PROTOCOL: Protocol = "openai.chat"
LEASE_S = 20.0
MOST_ATTEMPTS = 4
MOST_OPEN = 10_000  # of a project, waiting or running
WAITS = timedelta(days=1)  # for tiers to be well again
KEPT = timedelta(days=7)
_KILLED = "Its workers were killed, or hung for longer than their lease."


class OtherTask(ValueError):
    """The idempotency key belongs to a task that asked for something else."""


class TooManyTasks(RuntimeError):
    """The project has as many open tasks as it may."""


class Taken(Struct, frozen=True):
    """An errand that this runner does. `lease` is what it shows to end it."""

    id: UUID
    project_id: int
    key_id: int
    caller: dict[str, str]
    body: dict[str, Any]
    attempts: int
    lease: UUID


def ask(wanted: Wanted, *, project_id: int, key_id: int, secret: str, now: datetime) -> tuple[Errand, bool]:
    """Keep a task; the errand, and whether it is new. `secret` signs what the callback is told. Raises BadTask,
    OtherTask, TooManyTasks, django.db.Error."""
    known = _asked_before(wanted, project_id)
    if known is not None:
        return known, False
    if Errand.objects.filter(project_id=project_id, state__in=("waiting", "running")).count() >= MOST_OPEN:
        raise TooManyTasks(f"This project has {MOST_OPEN:,} open tasks; wait until some are done.")
    if wanted.callback and (why := facade.webhook_trouble(wanted.callback)):
        raise BadTask(f"callback: {why}")
    errand_id = uuid4()
    caller = asking.caller_of(wanted, str(errand_id))
    errand = Errand(
        id=errand_id,
        project_id=project_id,
        key_id=key_id,
        idempotency_key=wanted.idempotency_key or None,
        digest=asking.digest(wanted),
        caller=caller,
        body=_body(wanted, caller, project_id=project_id, now=now),
        created_at=now,
        callback=facade.seal_key(dumps([wanted.callback, secret])) if wanted.callback else "",
    )
    try:
        with transaction.atomic():
            errand.save(force_insert=True)
    except IntegrityError:
        known = _asked_before(wanted, project_id)
        if known is None:
            raise
        return known, False
    return errand, True


def _body(wanted: Wanted, caller: dict[str, str], *, project_id: int, now: datetime) -> dict[str, Any]:
    """The chat completion that does a task, with the skills that it needs as they are now, where it wants them."""
    body = asking.body_of(wanted)
    if not wanted.skills:
        return body
    whose = skills.Whose(
        agent=caller["agent"],
        task_type=caller["task_type"],
        session_id=caller["session"],
        execution_id=caller["execution"],
    )
    said = asked(_PROTOCOL, body)
    found = skills.equip(said, project_id=project_id, route="task", whose=whose, now=now).skills
    return with_skills(_PROTOCOL, body, [(one.header.name, one.body) for one in found]) if found else body


def _asked_before(wanted: Wanted, project_id: int) -> Errand | None:
    if not wanted.idempotency_key:
        return None
    found = Errand.objects.filter(project_id=project_id, idempotency_key=wanted.idempotency_key).first()
    if found is not None and bytes(found.digest) != asking.digest(wanted):
        raise OtherTask("This idempotency key belongs to a task that asked for something else.")
    return found


def find(errand_id: UUID, *, project_id: int) -> Errand | None:
    """A project's errand; None where it has none of that id, or no longer."""
    return Errand.objects.filter(pk=errand_id, project_id=project_id).first()


def cancel(errand_id: UUID, *, project_id: int, now: datetime) -> bool:
    """End an errand that is not over; whether it was not. Its runner stops within seconds."""
    still = Errand.objects.filter(pk=errand_id, project_id=project_id, state__in=("waiting", "running"))
    return bool(still.update(state=Errand.State.CANCELLED, finished_at=now, body=None, lease=None, leased_until=None))


def is_any_due() -> bool:
    """Whether there is an errand to take."""
    return bool(_rows("is_any_due", most=MOST_ATTEMPTS)[0][0])


def take() -> Taken | None:
    """The next errand, for this runner; None where none is due."""
    rows = _rows("take", lease=uuid4(), lease_s=LEASE_S, most=MOST_ATTEMPTS)
    if not rows:
        return None
    errand_id, project_id, key_id, caller, body, attempts, lease = rows[0]
    return Taken(errand_id, project_id, key_id, _plain(caller), _plain(body), attempts, lease)


def extend(leases: Sequence[UUID]) -> set[UUID]:
    """Keep these leases; those of them that are still this runner's."""
    return {row[0] for row in _rows("extend", leases=list(leases), lease_s=LEASE_S)} if leases else set()


def finish(lease: UUID, *, answer: dict[str, Any] | None, error: str = "") -> bool:
    """Keep what came of an errand: an answer, or why there is none. Whether it was still this runner's to end."""
    state = "failed" if answer is None else "done"
    return bool(_rows("finish", lease=lease, state=state, answer=dumps(answer), error=error[:2_000]))


def put_off(lease: UUID, *, error: str, after_s: float) -> bool:
    """Let an errand wait that cannot be done now, as if it had not been tried; whether it was still this runner's."""
    return bool(_rows("put_off", lease=lease, error=error[:2_000], after_s=after_s))


def give_up() -> int:
    """End what its workers were killed over as often as it may be tried, and what has waited for a day; how many."""
    return len(_rows("give_up", error=_KILLED, most=MOST_ATTEMPTS, waits_s=WAITS.total_seconds()))


def forget(*, now: datetime) -> None:
    """Take away what has been over for seven days."""
    Errand.objects.filter(finished_at__lt=now - KEPT).delete()


def _plain(value: Any) -> dict[str, Any]:
    """A jsonb value of a raw statement, which Django leaves as text."""
    found: dict[str, Any] = loads(value) if isinstance(value, str) else value
    return found


def _rows(name: str, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement("routing.errands", name), given)
        found: list[Any] = cursor.fetchall()
    return found
