"""What is said of an errand, by the API and to its callback: once it is over, until that has arrived."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from json import dumps, loads
from typing import Any

from django.db import transaction

from routing.models import Errand
from telemetry import facade

_LAST_LEASE = timedelta(minutes=2)
_BEAT_S = 20.0


def told(errand: Errand) -> dict[str, Any]:
    """An errand as its asker sees it."""
    return {
        "id": str(errand.pk),
        "type": errand.caller.get("task_type", ""),
        "state": errand.state,
        "attempts": errand.attempts,
        "created_at": errand.created_at.isoformat(),
        "finished_at": errand.finished_at.isoformat() if errand.finished_at else None,
        "answer": errand.answer,
        "error": errand.error,
        "callback_status": errand.callback_status,
    }


def call_back(*, now: datetime, patience_s: float = _BEAT_S) -> int:
    """Tell callbacks what is due, for some seconds; how many were tried. An attempt is counted, and the next one put
    off, before it begins, so that a killed worker costs one. Raises django.db.Error."""
    began, tried = time.monotonic(), 0
    while time.monotonic() - began < patience_s and (errand := _take(now)) is not None:
        _tell(errand, now)
        tried += 1
    return tried


def _take(now: datetime) -> Errand | None:
    with transaction.atomic():
        due = Errand.objects.filter(call_back_at__lte=now).select_for_update(skip_locked=True)
        errand = due.order_by("call_back_at", "pk").first()
        if errand is not None:
            errand.called_back += 1
            errand.call_back_at = now + _LAST_LEASE
            errand.save(update_fields=["called_back", "call_back_at"])
    return errand


def _tell(errand: Errand, now: datetime) -> None:
    try:
        address, secret = loads(facade.unseal_key(errand.callback))
    except facade.Lost as lost:
        errand.callback_status, errand.call_back_at = str(lost)[:200], None
    else:
        body = dumps(told(errand)).encode()
        why, again_at = facade.send_webhook(
            address, body, message_id=str(errand.pk), secret=secret, attempts=errand.called_back, now=now
        )
        errand.callback_status, errand.call_back_at = why[:200] or "arrived", again_at
    errand.save(update_fields=["callback_status", "call_back_at"])
