"""E-mail: plain text, so that nothing in it is markup. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from telemetry.observer.alerts.message import Message, one_line

_MOST_OF_SUBJECT = 150


def mail(message: Message, *, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The whole e-mail. Its Message-ID is the message's own id, so that mail programs know a repeat."""
    name, address = parseaddr(sender)
    username, _, domain = address.rpartition("@")
    found = EmailMessage(policy=SMTP)
    found["Subject"] = one_line(f"[TLOI {message.project}] {message.headline}", _MOST_OF_SUBJECT)
    found["From"] = Address(name, username=username, domain=domain)
    found["To"] = ", ".join(recipients)
    found["Date"] = format_datetime(datetime.fromisoformat(message.created))
    found["Message-ID"] = f"<{message.id}@{domain}>"
    found["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note comes back
    lines = [message.headline, "", f"Project: {message.project_name}", f"Severity: {message.severity}"]
    lines += [f"{fact.name}: {fact.value}" for fact in message.facts]
    for link in message.links:
        lines += ["", f"{link.title}:", link.path]
    found.set_content("\n".join([*lines, ""]))
    return found
