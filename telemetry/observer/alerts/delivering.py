"""Messages that wait are sent: taken by one worker at a time, tried again further and further apart, then given up.

An attempt is counted, and the next one put off, before it begins. So a worker that is killed while it sends costs an
attempt; its message is sent again, with the same id, by which a receiver knows a repeat.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from telemetry.models import AlertChannel, AlertDelivery
from telemetry.observer.alerts import queueing, sending, timing
from telemetry.observer.alerts.message import from_document
from telemetry.observer.alerts.sending import Outcome

PATIENCE_S = 5.0  # for beginning to send; one message takes its ten seconds at most
_LAST_LEASE = timedelta(minutes=2)
_STALE = timedelta(days=1)


def deliver(*, now: datetime, patience_s: float = PATIENCE_S) -> int:
    """Send what is due, for about `patience_s`; how many messages were tried."""
    began, tried = time.monotonic(), 0
    _give_up(now)
    while time.monotonic() - began < patience_s and (delivery := _take(now)) is not None:
        note(delivery, sending.send(delivery.channel, from_document(delivery.message), now=now), now=now)
        tried += 1
    return tried


def send_test(channel: AlertChannel, *, now: datetime) -> Outcome:
    """Send a test message at once, once, and write down what came of it."""
    message = queueing.of_test(channel, now=now)
    delivery = queueing.waiting(channel, message, alert=None, now=now)
    delivery.attempts = timing.MOST_ATTEMPTS
    delivery.next_at = now + _LAST_LEASE
    delivery.save()
    outcome = sending.send(channel, message, now=now)
    note(delivery, outcome, now=now)
    return outcome


def note(delivery: AlertDelivery, outcome: Outcome, *, now: datetime) -> None:
    """Write down an attempt, and where it was the first to arrive or the last to fail, how the channel is."""
    again = timing.next_attempt(now, attempts=delivery.attempts, retry_after_s=outcome.retry_after_s)
    delivery.status_code, delivery.latency_ms, delivery.error = outcome.status_code, outcome.latency_ms, outcome.error
    if outcome.is_sent:
        delivery.state, delivery.finished_at = AlertDelivery.State.SENT, now
    elif again is None:
        delivery.state, delivery.finished_at = AlertDelivery.State.FAILED, now
    else:
        delivery.next_at = again
    with transaction.atomic():
        delivery.save(update_fields=["state", "status_code", "latency_ms", "error", "next_at", "finished_at"])
        channel = AlertChannel.objects.filter(pk=delivery.channel_id)
        if outcome.is_sent:
            channel.exclude(failing_since_at=None, last_error="").update(failing_since_at=None, last_error="")
        elif again is None:
            channel.filter(failing_since_at=None).update(failing_since_at=now)
            channel.update(last_error=outcome.error)


def _take(now: datetime) -> AlertDelivery | None:
    """A message that is due, of channels that work first; while it is sent it is not due."""
    with transaction.atomic():
        due = AlertDelivery.objects.filter(
            state=AlertDelivery.State.WAITING,
            next_at__lte=now,
            attempts__lt=timing.MOST_ATTEMPTS,
            channel__is_enabled=True,
        )
        due = due.select_related("channel__project").select_for_update(skip_locked=True, of=("self",))
        found = due.order_by(F("channel__failing_since_at").asc(nulls_first=True), "next_at", "pk").first()
        if found is not None:
            found.attempts += 1
            found.next_at = timing.next_attempt(now, attempts=found.attempts) or now + _LAST_LEASE
            found.save(update_fields=["attempts", "next_at"])
        return found


def _give_up(now: datetime) -> None:
    """What a worker was killed over in its last attempt has failed; what waited for a channel that is off is over."""
    waiting = AlertDelivery.objects.filter(state=AlertDelivery.State.WAITING)
    waiting.filter(next_at__lt=now - _STALE, channel__is_enabled=False).update(
        state=AlertDelivery.State.FAILED, error="The channel was off.", finished_at=now
    )
    for delivery in waiting.filter(attempts__gte=timing.MOST_ATTEMPTS, next_at__lte=now).order_by("pk")[:100]:
        error = delivery.error or "The attempt was interrupted."
        note(delivery, Outcome(is_sent=False, status_code=delivery.status_code, error=error), now=now)
