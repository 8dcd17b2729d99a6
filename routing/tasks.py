"""What beat wakes: each task is one call of a verb, safe to run twice."""

from __future__ import annotations

from datetime import UTC, datetime

from celery import shared_task

from routing.ladder import calibrating


@shared_task(name="routing.calibrate")
def calibrate() -> None:
    """Learn from answers of which it became known whether they were good, and forget what is too old."""
    calibrating.calibrate_due(now=datetime.now(UTC))
    calibrating.forget(now=datetime.now(UTC))
