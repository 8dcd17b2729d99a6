"""One attempt to send one message through one channel, and what came of it. It raises nothing."""

from __future__ import annotations

import http.client
import smtplib
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from telemetry.models import AlertChannel
from telemetry.observer.alerts import channels, mailing, posting
from telemetry.observer.alerts.formats import discord, slack, teams, webhook
from telemetry.observer.alerts.message import Message, one_line

_FORMATS = {
    AlertChannel.Kind.WEBHOOK: webhook.body,
    AlertChannel.Kind.SLACK: slack.body,
    AlertChannel.Kind.DISCORD: discord.body,
    AlertChannel.Kind.TEAMS: teams.body,
}
_FAILURES = (OSError, http.client.HTTPException, smtplib.SMTPException, ValueError, UnicodeError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a message arrived; what the receiver answered, after how long, and what went wrong."""

    is_sent: bool
    status_code: int | None = None
    latency_ms: int | None = None
    error: str = ""
    retry_after_s: float | None = None


def send(channel: AlertChannel, message: Message, *, now: datetime) -> Outcome:
    """Send a message now. No address and no secret of the channel stands in the outcome."""
    began = time.monotonic()
    try:
        if channel.kind == AlertChannel.Kind.EMAIL:
            mailing.send(message, recipients=channel.to)
            return Outcome(is_sent=True, latency_ms=_ms(began))
        answer = _post(channel, message, now)
    except _FAILURES as error:
        return Outcome(is_sent=False, latency_ms=_ms(began), error=_reason(error), status_code=_code(error))
    return _outcome(answer, began)


def send_signed(address: str, body: bytes, *, message_id: str, secret: str, now: datetime) -> Outcome:
    """Send JSON to an address of a person's now, signed as a webhook of an alert is. Neither stands in the outcome."""
    began = time.monotonic()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": message_id,
        webhook.SIGNATURE: webhook.signature(body, secret=secret, at=int(now.timestamp())),
    }
    try:
        answer = posting.post(address, body, headers, allowed=settings.ALLOW_PRIVATE_WEBHOOKS)
    except _FAILURES as error:
        return Outcome(is_sent=False, latency_ms=_ms(began), error=_reason(error))
    return _outcome(answer, began)


def _outcome(answer: posting.Answer, began: float) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(is_sent=True, status_code=answer.status, latency_ms=_ms(began))
    said = "a redirect, which is not followed" if 300 <= answer.status < 400 else one_line(answer.text) or "no reason"
    return Outcome(
        is_sent=False,
        status_code=answer.status,
        latency_ms=_ms(began),
        error=f"{answer.status}: {said}",
        retry_after_s=answer.retry_after_s,
    )


def _post(channel: AlertChannel, message: Message, now: datetime) -> posting.Answer:
    target = channels.target(channel)
    body = _FORMATS[AlertChannel.Kind(channel.kind)](message)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if channel.kind == AlertChannel.Kind.WEBHOOK:
        headers["Idempotency-Key"] = message.id
        if target.secret:
            headers[webhook.SIGNATURE] = webhook.signature(body, secret=target.secret, at=int(now.timestamp()))
    return posting.post(target.address, body, headers, allowed=settings.ALLOW_PRIVATE_WEBHOOKS)


def _reason(error: BaseException) -> str:
    """One sentence for the log. Only our own sentences are taken whole: what libraries say may hold an address."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return one_line(f"{error.smtp_code}: {text}")
    if isinstance(error, smtplib.SMTPException):
        return f"The mail server took it for nobody, or not at all ({type(error).__name__})."
    if isinstance(error, TimeoutError):
        return "No answer in time."
    if isinstance(error, OSError):
        return one_line(error.strerror or type(error).__name__)
    if isinstance(error, http.client.HTTPException | UnicodeError):
        return f"What answered speaks no HTTP ({type(error).__name__})."
    return one_line(str(error))


def _code(error: BaseException) -> int | None:
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
