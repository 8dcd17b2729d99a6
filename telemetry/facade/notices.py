"""What people are told: alerts, and webhooks of other apps."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from telemetry.observer.alerts import delivering, looking, posting, sending, timing


def alert(*, now: datetime) -> None:
    """Look at the alert rules that are due, and send the messages that are."""
    looking.look(now=now)
    delivering.deliver(now=now)


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
