"""What tests of alerts share: a receiver of webhooks, a mail server, and a project with something to tell."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from telemetry.access import sealing
from telemetry.models import AlertChannel, AlertDelivery, AlertRule, Anomaly, Project
from telemetry.observer.alerts import delivering, looking
from tloi_site.embedded.ports import free_port

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
SECRET = "whsec-abcdefghijklmnopqrstuvwxyz-0123"


@dataclass
class Post:
    """A request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """A real HTTP server. It answers `status` with `headers`; before that it waits, or says a byte at a time."""

    port: int
    posts: list[Post] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: bytes = b"ok"
    drip_s: float = 0.0

    @property
    def place(self) -> str:
        """As TLOI_ALLOW_PRIVATE_WEBHOOKS lists it."""
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """Where a webhook is to be sent; the end is a secret."""
        return f"http://{self.place}/services/T000/B000/canary-secret-1234"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            box.posts.append(Post(self.path, dict(self.headers.items()), self.rfile.read(length)))
            if box.drip_s:
                for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
                    self.wfile.write(bytes([letter]))
                    time.sleep(box.drip_s)
            self.send_response(box.status)
            for name, value in {**box.headers, "Content-Length": str(len(box.text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(box.text)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Who hangs up does no harm."""

    with Server(("127.0.0.1", 0), Handler) as server:
        box = Receiver(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield box
        server.shutdown()


@dataclass
class MailServer:
    """A real SMTP server; `refuses` is what it answers to every message, where it is not empty."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuses: str = ""

    async def taken(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a message, or refuse it."""
        if self.refuses:
            return self.refuses
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.recipients.append(envelope.rcpt_tos)
        return "250 taken"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server on this machine."""
    box = MailServer(free_port())
    handler = type("Handler", (), {"handle_DATA": staticmethod(box.taken)})
    controller = Controller(handler(), hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def channel(project: Project, kind: str = "webhook", *, address: str = "", **said: Any) -> AlertChannel:
    """A channel as the admin would save it."""
    sealed = {"sealed_address": sealing.seal(address), "sealed_secret": sealing.seal(SECRET)}
    return AlertChannel.objects.create(project=project, name=f"ops {kind}", kind=kind, **sealed, **said)


def rule(project: Project, kind: str = "anomaly", *, at: datetime = NOON, **said: Any) -> AlertRule:
    """A rule that is due from a moment on."""
    made = AlertRule.objects.create(project=project, kind=kind, **said)
    AlertRule.objects.filter(pk=made.pk).update(look_at=at)
    return made


def anomaly(project: Project, name: str = "run-1", *, at: datetime = NOON, **said: Any) -> None:
    """An anomaly as the observer writes one that it found just then."""
    fields = {
        "detector": "context_bloat",
        "severity": "high",
        "task_id": "fix-login",
        "tokens": 60_000,
        "tokens_wasted": 40_000,
        "evidence": {"ratio": 91.4, "input": 57_660, "output": 631, "threshold": 15},
        "started_at": at - timedelta(minutes=5),
        "found_at": at,
    } | said
    Anomaly.objects.create(project_id=project.pk, execution_id=name, **fields)


def look(project: Project, *, at: datetime) -> None:
    """Look at a project's rules, whenever they would be due."""
    only(project, at=at)
    AlertRule.objects.filter(project=project).update(look_at=at)
    looking.look(now=at, patience_s=30)


def only(*projects: Project, at: datetime) -> None:
    """Rules of other tests are not due."""
    AlertRule.objects.exclude(project__in=projects).filter(look_at__lte=at).update(look_at=at + timedelta(days=1))


def told(project: Project) -> list[tuple[str, str]]:
    """What was said so far, oldest first: the event and its headline."""
    rows = AlertDelivery.objects.filter(project=project).order_by("pk")
    return [(row.event, row.message["headline"]) for row in rows]


def deliver(*, at: datetime) -> None:
    """Send all that is due, of whichever project."""
    delivering.deliver(now=at, patience_s=30)
