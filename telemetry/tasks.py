"""What beat wakes: each task is one call of a verb, safe to run twice."""

from __future__ import annotations

from datetime import UTC, datetime

from celery import shared_task
from django.core.cache import cache

from telemetry import facade

PATIENCE_S = 240.0  # twice it is well within the time that a task may take


@shared_task(name="telemetry.heartbeat")
def heartbeat() -> None:
    """Show that a worker runs tasks; `tloi doctor` and the pages read it."""
    cache.set(facade.HEARTBEAT_KEY, datetime.now(UTC).isoformat(), timeout=24 * 3600)


@shared_task(name="telemetry.fold")
def fold() -> None:
    """Sum up again what changed, and judge the runs that changed with it."""
    facade.fold_due(now=datetime.now(UTC))
    facade.check_runs(now=datetime.now(UTC))


@shared_task(name="telemetry.observe")
def observe() -> None:
    """Report what is over."""
    facade.observe_due(now=datetime.now(UTC), patience_s=PATIENCE_S)


@shared_task(name="telemetry.ensure_partitions")
def ensure_partitions() -> None:
    """Keep two weeks of partitions ahead."""
    facade.ensure_partitions(now=datetime.now(UTC))


@shared_task(name="telemetry.tidy_partitions")
def tidy_partitions() -> None:
    """Take away what is older than what is kept, and freeze days that have settled; what there is no time for, the next
    hour does. One task, so that it never keeps more than one of the worker's two processes."""
    facade.expire_calls(now=datetime.now(UTC), patience_s=PATIENCE_S)
    facade.freeze_closed_days(now=datetime.now(UTC), patience_s=PATIENCE_S)
    facade.forget_ended(now=datetime.now(UTC))


@shared_task(name="telemetry.expire_reservations")
def expire_reservations() -> None:
    """Charge what nobody settled."""
    facade.expire_reservations(now=datetime.now(UTC))


@shared_task(name="telemetry.alert")
def alert() -> None:
    """Tell people what their rules ask for."""
    facade.alert(now=datetime.now(UTC))


@shared_task(name="telemetry.ensure_price_versions")
def ensure_price_versions() -> None:
    """Note a price table that was installed while the site ran."""
    facade.ensure_price_versions(now=datetime.now(UTC))
