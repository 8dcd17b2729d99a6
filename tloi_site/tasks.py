"""What beat wakes of the site's own; safe to run twice."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from celery import shared_task
from django.conf import settings

from tloi_site.backup import BackupError, database, folder

_log = logging.getLogger(__name__)
_LONGEST_S = 12 * 3600


# Acknowledged when it begins: one that outlasts the broker's patience would otherwise be run again beside itself.
@shared_task(name="tloi_site.back_up", acks_late=False, soft_time_limit=_LONGEST_S, time_limit=_LONGEST_S + 60)
def back_up() -> None:
    """Take today's backup where TLOI_BACKUP_DIR asks for one. One that fails is tried again at the next wake-up."""
    if not settings.BACKUP_DIR:
        return
    try:
        folder.back_up_if_due(
            database.configured(), settings.BACKUP_DIR, keep=settings.BACKUP_KEEP, now=datetime.now(UTC)
        )
    except BackupError as error:
        _log.error("No backup was taken: %s", error)
