"""Wake-ups for Celery's workers, put into the broker's queue by a few bytes of its own protocol.

A process that only sends names needs neither Celery nor a client of Redis, which are four fifths of its memory and
nine tenths of its processor time. Sources: Celery's message protocol 2 as kombu's Redis transport writes it; RESP.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

QUEUE = "celery"
PATIENCE_S = 5.0
_BODY = base64.b64encode(
    json.dumps([[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]).encode()
).decode()


class Refused(OSError):
    """The broker answers, but does not do what it is asked; its words."""


class Sender(Protocol):
    """What wakes workers."""

    def wake(self, task: str, *, expires_s: float, now: datetime) -> None:
        """Ask for a task that takes no arguments, for so many seconds. Raises OSError."""


def sender(url: str) -> Sender:
    """What wakes the workers behind the broker `url`: without Celery where that speaks plain TCP."""
    parts = urlsplit(url)
    plain = parts.scheme == "redis" and parts.hostname and not parts.query and _database(parts).isdigit()
    return Direct(parts) if plain else ThroughCelery(url)


def message(task: str, *, task_id: str, expires_s: float, now: datetime) -> dict[str, Any]:
    """A task without arguments, as a worker's queue holds it."""
    return {
        "body": _BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": task_id,
            "shadow": None,
            "eta": None,
            "expires": (now + timedelta(seconds=expires_s)).isoformat(),
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": task_id,
            "parent_id": None,
            "argsrepr": "()",
            "kwargsrepr": "{}",
            "origin": f"beat{os.getpid()}@{socket.gethostname()}",
            "ignore_result": True,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        },
        "properties": {
            "correlation_id": task_id,
            "reply_to": str(uuid.UUID(int=0)),  # nobody waits for a result
            "delivery_mode": 2,
            "expiration": str(int(expires_s * 1000)),
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }


class Direct:
    """One connection, made when it is needed, and anew after a trouble."""

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        self._connection: socket.socket | None = None

    def wake(self, task: str, *, expires_s: float, now: datetime) -> None:
        """Ask for a task. Raises OSError."""
        plain = json.dumps(message(task, task_id=str(uuid.uuid4()), expires_s=expires_s, now=now))
        try:
            if self._connection is None:
                self._connection = self._connect()
            _ask(self._connection, "LPUSH", QUEUE, plain)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Until the next wake-up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self) -> socket.socket:
        parts = self._parts
        connection = socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=PATIENCE_S)
        try:
            if parts.password:
                _ask(connection, "AUTH", *filter(None, map(unquote, (parts.username or "", parts.password))))
            _ask(connection, "SELECT", _database(parts))
        except OSError:
            connection.close()
            raise
        return connection


class ThroughCelery:
    """For brokers by TLS, through sentinels, or of another kind."""

    def __init__(self, url: str) -> None:
        from celery import Celery  # noqa: PLC0415 (twenty megabytes that most do not need)

        self._app = Celery("tloi", broker=url, fixups=(), set_as_current=False)
        self._app.conf.update(
            timezone="UTC",
            task_serializer="json",
            task_publish_retry=False,
            broker_connection_timeout=PATIENCE_S,
            broker_transport_options={
                "socket_connect_timeout": PATIENCE_S,
                "socket_timeout": PATIENCE_S,
                "max_retries": 0,
                "retry_on_timeout": False,
            },
        )

    def wake(self, task: str, *, expires_s: float, now: datetime) -> None:
        """Ask for a task. Raises OSError."""
        from kombu.exceptions import OperationalError  # noqa: PLC0415 (as above)

        try:
            self._app.send_task(task, expires=now + timedelta(seconds=expires_s), ignore_result=True)
        except OperationalError as error:
            raise Refused(str(error)) from error


def _database(parts: SplitResult) -> str:
    return parts.path.strip("/") or "0"


def _ask(connection: socket.socket, *words: str) -> None:
    """Send a command and read its one line. Raises OSError."""
    connection.sendall(b"*%d\r\n" % len(words) + b"".join(_bulk(words)))
    said = b""
    while not said.endswith(b"\r\n"):
        piece = connection.recv(1024)
        if not piece:
            raise ConnectionResetError("the broker closed the connection")
        said += piece
    if said.startswith(b"-"):
        raise Refused(said[1:].decode(errors="replace").strip())


def _bulk(words: Iterable[str]) -> Iterable[bytes]:
    for word in words:
        plain = word.encode()
        yield b"$%d\r\n%s\r\n" % (len(plain), plain)
