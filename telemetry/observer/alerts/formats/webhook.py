"""The generic webhook: our own JSON, and a signature by which a receiver knows who sent it and when. Pure.

The signature is that of Stripe's webhooks in form: a moment and an HMAC over both, so that neither can be changed and
what is old can be refused. How to verify it: docs/alerts.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from telemetry.observer.alerts.message import Message

SIGNATURE = "X-TLOI-Signature"
TYPE = "application/json"


def body(message: Message) -> bytes:
    """The document as it is sent, and signed."""
    return json.dumps(message.as_document(), ensure_ascii=False, separators=(",", ":")).encode()


def signature(body: bytes, *, secret: str, at: int) -> str:
    """The value of SIGNATURE for a body that is sent at a Unix time."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
