"""On a real Citus cluster: what arrives while the tables are cut waits or is refused, and is counted once."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from telemetry.contracts import Call
from telemetry.ledger.ingest import ingest
from telemetry.ledger.sharding import SHARDED, local_rests
from tests import citus
from tests.own_database import connect, run_tloi

BATCH = 20
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COUNT = "SELECT count(*) FROM telemetry_call WHERE project_id = %s"
pytestmark = [pytest.mark.citus, pytest.mark.slow, pytest.mark.timeout(300)]


class Sender(threading.Thread):
    """Sends batches one after the other, each until it is acknowledged, as an agent does."""

    def __init__(self, url: str, project_id: int) -> None:
        super().__init__()
        self.project_id = project_id
        self.acknowledged = 0
        self.is_asked_to_stop = threading.Event()
        self._url = url

    def run(self) -> None:
        with connect(self._url) as conn:
            conn.prepare_threshold = 3  # as the settings have it: plans are older than the shards
            while not self.is_asked_to_stop.is_set():
                self._send(conn, self.acknowledged)
                self.acknowledged += BATCH

    def _send(self, conn: psycopg.Connection[tuple[object, ...]], first: int) -> None:
        calls = [
            Call(id=f"c{number}", started_at=NOW - timedelta(minutes=number % 2000), model="m", session_id="s")
            for number in range(first, first + BATCH)
        ]
        while True:
            try:
                ingest(conn, project_id=self.project_id, calls=calls, source="live", now=NOW)
            except psycopg.Error:
                assert not conn.broken
                time.sleep(0.1)
            else:
                return


def test_what_arrives_while_the_tables_are_cut_is_counted_once() -> None:
    (host, port), workers = citus.nodes(os.environ["CITUS_URL"])
    servers = [word for worker in workers for word in ("--worker", f"{worker[0]}:{worker[1]}")]
    with citus.database(os.environ["CITUS_URL"], "tloi_live") as url:
        assert run_tloi(url, "migrate", "--no-input").returncode == 0
        senders = [Sender(url, project_id) for project_id in (1, 2, 3)]
        for sender in senders:
            sender.start()
        time.sleep(2)
        before = [sender.acknowledged for sender in senders]
        done = run_tloi(url, "distribute", "--coordinator", f"{host}:{port}", *servers, "--shards", "4")
        time.sleep(2)
        for sender in senders:
            sender.is_asked_to_stop.set()
        for sender in senders:
            sender.join()
        assert done.returncode == 0, done.stderr
        assert all(count > 0 for count in before)
        assert all(sender.acknowledged > count for sender, count in zip(senders, before, strict=True))
        with connect(url) as conn:
            for sender in senders:
                assert conn.execute(COUNT, [sender.project_id]).fetchone() == (sender.acknowledged,)
            assert local_rests(conn, SHARDED) == []
