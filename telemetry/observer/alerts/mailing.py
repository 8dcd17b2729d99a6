"""One e-mail through the server that TLOI_SMTP_URL names."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence

from django.conf import settings

from telemetry.observer.alerts.formats.mail import mail
from telemetry.observer.alerts.message import Message

TIMEOUT_S = 5.0
NO_SERVER = "TLOI_SMTP_URL and TLOI_MAIL_FROM must both be set for e-mail: see docs/alerts.md."


def send(message: Message, *, recipients: Sequence[str]) -> None:
    """Hand a message to the mail server. Raises ValueError where none is set, OSError and smtplib.SMTPException."""
    server = settings.MAIL_SERVER
    if server is None or not settings.MAIL_FROM:
        raise ValueError(NO_SERVER)
    letter = mail(message, sender=settings.MAIL_FROM, recipients=recipients)
    with _connected(server["host"], server["port"], server["encryption"]) as smtp:
        if server["user"]:
            smtp.login(server["user"], server["password"])
        refused = smtp.send_message(letter)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


def _connected(host: str, port: int, encryption: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if encryption == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    smtp = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    if encryption == "starttls":
        try:
            smtp.starttls(context=context)
        except BaseException:
            smtp.close()
            raise
    return smtp
