"""What beat wakes: each task is one call of a verb, safe to run twice."""

from __future__ import annotations

from datetime import UTC, datetime

from celery import shared_task
from django.core.cache import cache

from telemetry import facade


@shared_task(name="telemetry.heartbeat")
def heartbeat() -> None:
    """Show that a worker runs tasks; `tloi doctor` and the pages read it."""
    cache.set(facade.HEARTBEAT_KEY, datetime.now(UTC).isoformat(), timeout=24 * 3600)


@shared_task(name="telemetry.fold")
def fold() -> None:
    """Sum up again what changed."""
    facade.fold_due(now=datetime.now(UTC))


@shared_task(name="telemetry.ensure_partitions")
def ensure_partitions() -> None:
    """Keep two weeks of partitions ahead."""
    facade.ensure_partitions(now=datetime.now(UTC))


@shared_task(name="telemetry.ensure_price_versions")
def ensure_price_versions() -> None:
    """Note a price table that was installed while the site ran."""
    facade.ensure_price_versions(now=datetime.now(UTC))
