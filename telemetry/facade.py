"""Telemetry's door: the verbs that other apps and the site may call. Nothing but contracts and plain values passes.

A verb takes the connection from `telemetry.database`; edges inside telemetry may call the wings themselves.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from django.conf import settings
from django.core.cache import cache

from telemetry import replica
from telemetry.access import keys, login, projects, room, sealing
from telemetry.access.keys import BadKey, BadScope, KeyHolder
from telemetry.access.projects import UnknownProject
from telemetry.access.public import is_public, place, port_of, web_parts
from telemetry.access.ratelimit import TooManyRequests, limiter
from telemetry.access.sealing import Lost
from telemetry.contracts import Call, Execution, Receipt
from telemetry.database import connection
from telemetry.importer import demo
from telemetry.jobs import queue, schedule
from telemetry.jobs.alone import alone
from telemetry.jobs.queue import Trouble
from telemetry.ledger import freezing, partitions, price_versions, removal
from telemetry.ledger.contents import PartitionLeaving, TableContents, contents, hold_partitions, is_empty
from telemetry.ledger.executions import endings
from telemetry.ledger.ingest import ingest
from telemetry.ledger.pricing import computed_nanousd, nanousd
from telemetry.ledger.removal import NotADemo
from telemetry.limits import budgets, editing, objective_files, objective_import, reserving
from telemetry.limits.holding import BudgetHold, held_projects, hold_budgets, settle_budgets
from telemetry.models import ApiKey
from telemetry.observer import live, night
from telemetry.observer.alerts import delivering, looking, posting, sending, timing
from telemetry.outlook import forgetting
from telemetry.providers import is_identity
from telemetry.series import expiry, rollups
from telemetry.sources.demo import ROSTER
from telemetry.sources.demo.goals import goals
from telemetry.statements import statement
from telemetry.usage import DONE, FAILED, input_total

HEARTBEAT_KEY = "worker-last-seen"
LATE = timedelta(hours=1)  # after which a job that could be done should have been
DEMO_AGENTS = len(ROSTER)
_log = logging.getLogger(__name__)

__all__ = [
    "DEMO_AGENTS",
    "BadKey",
    "BadScope",
    "BudgetHold",
    "ExpiryState",
    "KeyHolder",
    "KeyInfo",
    "Lost",
    "NotADemo",
    "PartitionLeaving",
    "ProjectInfo",
    "TableContents",
    "TooManyRequests",
    "Trouble",
    "UnknownProject",
    "admit",
    "alert",
    "alone",
    "authenticate",
    "catch_up_runs",
    "check_runs",
    "contents",
    "cost_nanousd",
    "create_key",
    "disks",
    "ensure_owner",
    "ensure_partitions",
    "ensure_price_versions",
    "ensure_project",
    "expire_calls",
    "expire_reservations",
    "expiry_state",
    "fold_due",
    "forget_ended",
    "freeze_closed_days",
    "held_projects",
    "hold_budgets",
    "hold_partitions",
    "is_empty",
    "is_identity",
    "is_public",
    "job_trouble",
    "key_works",
    "list_keys",
    "load_demo",
    "make_login_link",
    "observe_due",
    "partition_horizon",
    "place",
    "port_of",
    "record",
    "remove_demo",
    "replica_trouble",
    "revoke_key",
    "run_endings",
    "seal_key",
    "sealed_ending",
    "send_webhook",
    "settle_budgets",
    "statement",
    "unseal_key",
    "web_parts",
    "webhook_trouble",
    "worker_last_seen",
]


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project as others see it."""

    id: int
    slug: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key without its secret. `state` is active, revoked or expired."""

    id: int
    prefix: str
    name: str
    project: str
    scopes: tuple[str, ...]
    state: str
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExpiryState:
    """How many days of calls are kept (None: all), the partitions that are older than that, and those that are being
    dropped."""

    days: int | None
    overdue: tuple[str, ...]
    left: tuple[str, ...]


def ensure_project(*, slug: str, name: str = "", time_zone: str = "UTC") -> ProjectInfo:
    """The project `slug`, made where it is missing."""
    project = projects.ensure_project(slug=slug, name=name, time_zone=time_zone)
    return ProjectInfo(project.pk, project.slug, project.name, project.time_zone)


def ensure_owner() -> int:
    """The id of the superuser `owner`, who has no password and owns every project."""
    return projects.ensure_owner()


def create_key(*, project_slug: str, name: str, scopes: Sequence[str], expires_at: datetime | None = None) -> str:
    """A new API key, shown only now. Raises UnknownProject, BadScope."""
    return keys.create_key(projects.project_of(project_slug), name=name, scopes=scopes, expires_at=expires_at)


def key_works(plain: str, *, scopes: Sequence[str] = (), now: datetime) -> bool:
    """Whether an API key is known, not revoked and not expired, and has these scopes."""
    try:
        return keys.authenticate(plain, now=now).scopes.issuperset(scopes)
    except BadKey:
        return False


def authenticate(plain: str, *, now: datetime) -> KeyHolder:
    """Whom an API key speaks for. Raises BadKey."""
    return keys.authenticate(plain, now=now)


def admit(key_id: int, *, requests: int, now: datetime) -> None:
    """Count so many requests of a key in this minute, with those that it sends elsewhere. Raises TooManyRequests, where
    they are counted all the same."""
    limiter().admit(f"key:{key_id}", limit=settings.RATE_LIMIT_PER_MINUTE, now=now, requests=requests)


def cost_nanousd(call: Call) -> int | None:
    """What a call cost: as it says itself, else by the price table, without a project's overrides; None where that has
    no price."""
    if call.cost_usd is not None:
        return nanousd(call.cost_usd)
    return computed_nanousd(call, input_total(call))[0]


def list_keys(*, project_slug: str | None, now: datetime) -> list[KeyInfo]:
    """The keys of a project, or all. Raises UnknownProject."""
    found = ApiKey.objects.select_related("project")
    if project_slug:
        found = found.filter(project=projects.project_of(project_slug))
    return [
        KeyInfo(
            key.pk,
            key.prefix,
            key.name,
            key.project.slug,
            tuple(key.scopes),
            keys.state(key, now=now),
            key.last_used_at,
        )
        for key in found
    ]


def revoke_key(prefix: str, *, now: datetime) -> bool:
    """Revoke the key of that prefix everywhere at once; False where none is in use."""
    return keys.revoke_key(prefix, now=now)


def seal_key(plain: str) -> str:
    """The key of a model provider as it is stored: sealed under SECRET_KEY; empty stays empty."""
    return sealing.seal(plain, purpose="providers")


def unseal_key(sealed: str) -> str:
    """The key itself. Raises Lost where it was sealed under another SECRET_KEY."""
    return sealing.unseal(sealed, purpose="providers")


def sealed_ending(sealed: str) -> str:
    """How a sealed key ends, which is all that a page shows of it. Raises Lost."""
    return sealing.ending(sealed, purpose="providers")


def webhook_trouble(address: str) -> str:
    """Why nothing would ever be posted to an address; "" where it may be."""
    try:
        posting.check(address, allowed=settings.ALLOW_PRIVATE_WEBHOOKS)
    except posting.Refused as refused:
        return str(refused)
    return ""


def send_webhook(
    address: str, body: bytes, *, message_id: str, secret: str, attempts: int, now: datetime
) -> tuple[str, datetime | None]:
    """Post JSON to an address on the open Internet, signed as alerts are, for the so-manieth time: why it did not
    arrive ("" where it did), and when to try again (None: no more)."""
    outcome = sending.send_signed(address, body, message_id=message_id, secret=secret, now=now)
    if outcome.is_sent:
        return "", None
    return outcome.error, timing.next_attempt(now, attempts=attempts, retry_after_s=outcome.retry_after_s)


def make_login_link(*, user_id: int, now: datetime) -> str:
    """A token for `/login/?token=…` that logs a person in once within 15 minutes."""
    return login.make_login_link(user_id=user_id, now=now)


def record(
    *,
    project_id: int,
    calls: Sequence[Call] = (),
    executions: Sequence[Execution] = (),
    source: str,
    now: datetime,
) -> Receipt:
    """Store a batch, each call counted once. Raises psycopg.Error; then nothing of it is stored."""
    return ingest(connection(), project_id=project_id, calls=calls, executions=executions, source=source, now=now)


def load_demo(*, now: datetime, days: int, agents: int) -> Receipt:
    """Fill the project `demo` with invented calls of the first `agents` of DEMO_AGENTS, and with what they are for.
    Raises NotADemo."""
    receipt = demo.load_demo(connection(), now=now, days=days, agents=agents)
    project = projects.project_of(demo.SLUG)
    budgets.grant_demo(project_id=project.pk)
    today = editing.today_of(project, now)
    plain = msgspec.json.encode(goals(today))
    sheet = objective_files.read(plain, file_name="demo.json")
    objective_import.keep(sheet, project=project, by=demo.SOURCE, today=today)
    return receipt


def remove_demo() -> int:
    """Delete the project `demo` and all that is in it; how many calls it held. Raises UnknownProject, NotADemo."""
    return removal.remove_demo(connection(), project_id=projects.project_of(demo.SLUG).pk)


def ensure_partitions(*, now: datetime) -> None:
    """Make the partitions of today and two weeks ahead."""
    partitions.ensure_ahead(connection(), now=now)


def fold_due(*, now: datetime) -> None:
    """Sum up what changed in projects whose last fold is long enough ago."""
    rollups.fold_due(connection(), now=now)


def check_runs(*, now: datetime) -> None:
    """Add up the runs that what was folded concerns, and judge them at once."""
    live.check_due(connection(), now=now)


def catch_up_runs(*, project_id: int, now: datetime, patience_s: float) -> bool:
    """Add up and judge, within so many seconds, the runs of a project that what was folded concerns; whether that was
    done."""
    return live.catch_up(connection(), project_id=project_id, now=now, patience_s=patience_s)


def observe_due(*, now: datetime, patience_s: float) -> int:
    """Make the reports of days, weeks and months that are over and have none; none is begun after `patience_s`. Another
    process of this worker does it alone. Returns how many were made."""
    with alone() as is_alone:
        return night.observe_due(connection(), now=now, patience_s=patience_s) if is_alone else 0


def alert(*, now: datetime) -> None:
    """Look at the alert rules that are due, and send the messages that are."""
    looking.look(now=now)
    delivering.deliver(now=now)


def forget_ended(*, now: datetime) -> None:
    """Delete what has been over for long: alerts and deliveries, forecasts whose outcome nobody will know, and budgets'
    spans."""
    looking.forget(now=now)
    forgetting.forget(connection(), now=now)
    reserving.forget(connection(), now=now)


def expire_calls(*, now: datetime, patience_s: float) -> None:
    """Take away what is older than what is kept, for about `patience_s`. Another run at the same time does it alone."""
    try:
        done = expiry.expire(connection(), now=now, patience_s=patience_s)
    except expiry.Busy:
        return
    except expiry.ClockAhead as error:
        _log.error("%s", error)
        return
    if done.partitions or done.calls:
        _log.info("expired: partitions %s, and %s calls of projects that keep less", done.partitions, done.calls)


def expire_reservations(*, now: datetime) -> None:
    """Charge budgets in full with what was reserved of them and not settled in time."""
    reserving.expire(connection(), now=now)


def expiry_state(*, now: datetime) -> ExpiryState:
    """What has expired and is still there."""
    plan = expiry.plan(connection(), now=now)
    return ExpiryState(settings.RETENTION_DAYS, tuple(plan.partitions), tuple(plan.left))


def freeze_closed_days(*, now: datetime, patience_s: float) -> None:
    """Freeze the partitions of days that have settled, for about `patience_s`."""
    freezing.freeze_settled(connection(), now=now, until=time.monotonic() + patience_s)


def ensure_price_versions(*, now: datetime) -> None:
    """Write down which price table is in use from now on, where it is another than before."""
    price_versions.ensure_price_versions(now=now)


def partition_horizon(*, now: datetime) -> date:
    """The last day up to which every day from today on has its partition; yesterday where today has none."""
    return partitions.horizon(connection(), now=now)


def job_trouble(*, now: datetime) -> Trouble:
    """What was to be done at night and is not: dead in the days that are caught up, or waiting for an hour."""
    return queue.trouble(connection(), dead_since=now - timedelta(days=schedule.HORIZON_DAYS), late_since=now - LATE)


def replica_trouble() -> str | None:
    """Why pages are not read from the replica; "" where they are, None where none is set."""
    return replica.trouble()


def disks() -> dict[Path, tuple[int, int]]:
    """The folders that the private PostgreSQL writes to, each with the bytes that are free on its disk and all there
    are; empty where there is another PostgreSQL."""
    return room.disks()


def run_endings(*, project_id: int, executions: Sequence[str]) -> dict[str, bool]:
    """Which of these executions are over and said so: True for well, False for badly."""
    found = endings(connection(), project_id=project_id, keys=executions)
    return {key: status.lower() in DONE for key, status in found.items() if status.lower() in DONE | FAILED}


def worker_last_seen() -> datetime | None:
    """When a worker last ran the heartbeat task; None where none did within a day, or the cache is away."""
    seen = cache.get(HEARTBEAT_KEY)
    return datetime.fromisoformat(seen) if seen else None
