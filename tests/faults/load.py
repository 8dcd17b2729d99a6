"""Clients that send batches to a site while it is hurt, and note what they were told of each event."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import urlsplit

import psycopg

from tests.faults.checker import Note, Outcome, Verdict, check
from tests.faults.site import Site
from tloi_site.embedded import sharing

BATCH = 50
PAUSE_S = 0.1
CONNECTION = 0  # in place of a status: no answer came
PRESENT = """
SELECT attributes->>'event', count(*) FROM telemetry_call
WHERE project_id = (SELECT id FROM telemetry_project WHERE slug = %s) GROUP BY 1
"""


class Client(threading.Thread):
    """Sends batch after batch, each with the same ids until it is acknowledged. `deafness` is the share of answers that
    are lost on their way back."""

    def __init__(self, address: str, key: str, *, deafness: float = 0.0, seed: int = 0) -> None:
        super().__init__(daemon=True)
        self._host, self._key = urlsplit(address).netloc, key
        self._chance, self._deafness = random.Random(seed), deafness
        self._connection: http.client.HTTPConnection | None = None
        self.stopping = threading.Event()
        self.history: list[Note] = []
        self.batches: dict[str, list[str]] = {}
        self.statuses: Counter[int] = Counter()
        self.acknowledged_from = 0.0  # when the latest acknowledged request began (time.monotonic())
        self.failed_at = 0.0  # when the latest request failed

    def run(self) -> None:
        """Until `stopping` is set; the last batch is seen to its end."""
        while not self.stopping.is_set():
            name = uuid.uuid4().hex
            self.batches[name] = [f"{name}-{n}" for n in range(BATCH)]
            self.send(self.batches[name])
        self._hang_up()

    def send(self, events: list[str]) -> None:
        """Send a batch until it is acknowledged or refused for good."""
        while self.attempt(events) == "unknown" and not self._gives_up():
            time.sleep(PAUSE_S)

    def attempt(self, events: list[str]) -> Outcome:
        """Send a batch once, and note how it ended."""
        began = time.monotonic()
        self.note("invoke", events)
        status = self.post(self.body(events))
        self.statuses[status] += 1
        outcome: Outcome = "ok" if status == 200 else "unknown" if status in (CONNECTION, 503) else "fail"
        if outcome == "ok":
            self.acknowledged_from = began
            if self._chance.random() < self._deafness:
                outcome = "unknown"
        else:
            self.failed_at = time.monotonic()
        self.note(outcome, events)
        return outcome

    def note(self, outcome: Outcome, events: list[str]) -> None:
        """Write down what became of a batch."""
        self.history.extend((outcome, event) for event in events)

    def body(self, events: list[str]) -> bytes:
        """A batch on the wire: each event is a call, known by the event's name."""
        now = datetime.now(UTC).isoformat()
        calls = [
            {"id": self.id_of(event), "started_at": now, "model": "house-llama", "output": 7, "session_id": event[:2]}
            | {"execution_id": event[:3], "attributes": {"event": event}}
            for event in events
        ]
        return json.dumps(calls).encode()

    def id_of(self, event: str) -> str:
        """The id under which an event is sent, the same at every attempt."""
        return event

    def post(self, body: bytes) -> int:
        """The status of the answer, or CONNECTION."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            self._connection = self._connection or http.client.HTTPConnection(self._host, timeout=20)
            self._connection.request("POST", "/api/v1/calls/", body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return CONNECTION
        return answer.status

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _gives_up(self) -> bool:
        return self.stopping.is_set() and time.monotonic() - self.acknowledged_from > 30


class HastyClient(Client):
    """A wrong client: it takes a batch for acknowledged as soon as it has sent it, and never looks back."""

    def send(self, events: list[str]) -> None:
        """Send a batch once."""
        self.note("invoke", events)
        self.note("ok", events)
        self.attempt(events)


class ForgetfulClient(Client):
    """A wrong client: it gives an event a new id at every attempt."""

    def id_of(self, event: str) -> str:
        """Never the same twice."""
        return uuid.uuid4().hex


class Load:
    """Several clients at once; inside the block they send."""

    def __init__(self, *clients: Client) -> None:
        self.clients = clients

    def __enter__(self) -> Load:
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for client in self.clients:
            client.stopping.set()
        for client in self.clients:
            client.join(60)

    @property
    def statuses(self) -> Counter[int]:
        """How often each status was answered."""
        return sum((client.statuses for client in self.clients), Counter())

    @property
    def acknowledged_from(self) -> float:
        """When the latest acknowledged request began."""
        return max(client.acknowledged_from for client in self.clients)

    @property
    def failed_at(self) -> float:
        """When the latest request failed."""
        return max(client.failed_at for client in self.clients)

    @property
    def acknowledged(self) -> int:
        """How many events were acknowledged."""
        return len({event for client in self.clients for outcome, event in client.history if outcome == "ok"})

    def verdict(self, present: Mapping[str, int]) -> Verdict:
        """What the checker says of all clients together."""
        batches = {name: events for client in self.clients for name, events in client.batches.items()}
        return check((note for client in self.clients for note in client.history), present, batches=batches)


def key_of(site: Site) -> str:
    """The key that `tloi up` printed."""
    return site.found(r"(tloi_[a-z0-9]{8}_\S+)")


def database_of(site: Site) -> str:
    """The address of a running site's PostgreSQL."""
    owner = sharing.running(site.data_dir)
    assert owner is not None
    return owner.addresses["DATABASE_URL"]


def present(database_url: str, *, project: str = "default") -> dict[str, int]:
    """How often the database holds a call of each event."""
    with closing(psycopg.connect(database_url)) as connection:
        return dict(connection.execute(PRESENT, [project]).fetchall())
