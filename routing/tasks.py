"""What beat wakes: each task is one call of a verb, safe to run twice."""

from __future__ import annotations

from datetime import UTC, datetime

from celery import shared_task

from routing.errands import shelf, telling
from routing.ladder import audits, calibrating
from routing.originals import sweeping
from telemetry import facade


@shared_task(name="routing.errands")
def errands() -> None:
    """Do the tasks and audits that are due, and tell who wants to know. One of a worker's processes at most does it."""
    shelf.give_up()
    if shelf.is_any_due() or audits.is_any_due(now=datetime.now(UTC)):
        with facade.alone() as mine:
            if mine:
                from routing.errands import answering  # noqa: PLC0415 (the gateway is loaded where there is work for it)

                answering.answer_due()
    telling.call_back(now=datetime.now(UTC))


@shared_task(name="routing.calibrate")
def calibrate() -> None:
    """Learn from answers of which it became known whether they were good, and forget what is too old."""
    calibrating.calibrate_due(now=datetime.now(UTC))
    calibrating.forget(now=datetime.now(UTC))
    shelf.forget(now=datetime.now(UTC))


@shared_task(name="routing.sweep")
def sweep() -> None:
    """Delete what was left out of prompts, and conversations, that nobody needed for long enough."""
    sweeping.sweep(now=datetime.now(UTC))
