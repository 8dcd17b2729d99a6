"""What beat wakes: each task is one call of a verb, safe to run twice."""

from __future__ import annotations

from datetime import UTC, datetime

from celery import shared_task

from skills.concierge import night

PATIENCE_S = 240.0


@shared_task(name="skills.concierge")
def concierge() -> None:
    """Look which skills are missing, and which nobody needs, where a day is over."""
    night.look_due(now=datetime.now(UTC), patience_s=PATIENCE_S)
    night.forget_removed()
