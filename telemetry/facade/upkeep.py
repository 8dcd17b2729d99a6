"""What a worker does again and again, and how that goes."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import cache

from telemetry import replica
from telemetry.access import room
from telemetry.database import connection
from telemetry.jobs import queue, schedule
from telemetry.jobs.alone import alone
from telemetry.jobs.queue import Trouble
from telemetry.ledger import freezing, partitions, price_versions, retention
from telemetry.limits import curbs, reserving
from telemetry.observer import guests, live, night
from telemetry.observer.alerts import looking
from telemetry.observer.guests import Look
from telemetry.outlook import forgetting
from telemetry.series import expiry, rollups

HEARTBEAT_KEY = "worker-last-seen"
LATE = timedelta(hours=1)  # after which a job that could be done should have been
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExpiryState:
    """How many days of calls are kept (None: all), the partitions that are older than that, and those that are being
    dropped."""

    days: int | None
    overdue: tuple[str, ...]
    left: tuple[str, ...]


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


def work_nightly(*, kind: str, look: Look, now: datetime, patience_s: float) -> int:
    """Do other apps' work of a kind after each day of a project, once; none is begun after `patience_s`. `look` is told
    the project and when its day ended, and returns what keeps the result. Returns how many were done."""
    with alone() as is_alone:
        if not is_alone:
            return 0
        return guests.serve(connection(), kind=kind, look=look, now=now, patience_s=patience_s)


def nightly_until(*, project_id: int, kind: str) -> date | None:
    """The newest day of a project after which other apps' work of a kind was done; None: after none."""
    return guests.last_day(project_id=project_id, kind=kind)


def forget_ended(*, now: datetime) -> None:
    """Delete what has been over for long: alerts and deliveries, forecasts whose outcome nobody will know, budgets'
    spans, and whom these refused."""
    looking.forget(now=now)
    forgetting.forget(connection(), now=now)
    reserving.forget(connection(), now=now)
    curbs.forget(connection(), now=now)


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


def days_kept(project_id: int) -> int | None:
    """For how many days the calls of a project are kept; None: for ever."""
    own, _ = retention.project_retention(connection(), project_id=project_id)
    return retention.days_kept(own)


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


def worker_last_seen() -> datetime | None:
    """When a worker last ran the heartbeat task; None where none did within a day, or the cache is away."""
    seen = cache.get(HEARTBEAT_KEY)
    return datetime.fromisoformat(seen) if seen else None
