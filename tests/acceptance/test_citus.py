"""On a real Citus cluster: what was recorded is the same before and after `tloi distribute`, and goes on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from telemetry.ledger.sharding import LOCAL_OF_PROJECTS, SHARDED, Address
from tests import citus
from tests.api_calls import ask
from tests.conftest import SHARED_DATA
from tests.faults.load import key_of
from tests.faults.site import Site, running
from tests.otlp_replay import captured, replay

AGENTS = ("claude-code-2.1.329_http-protobuf-gzip-cumulative", "codex-0.169.0", "gemini-cli-0.61.0")
GROUPS = ("model", "provider", "agent", "day", "session", "execution", "task_type", "source")
NAME = "tloi_distributed"
LONG_AGO = "2025-12-01"
SUMS = ("telemetry_rollup_15m", "telemetry_rollup_1d", "telemetry_rollup_session_15m", "telemetry_rollup_session_1d")
PASSING = {"telemetry_dirty", "telemetry_rollup_1m", "telemetry_rollup_state"}  # beat changes them, whatever we do
pytestmark = [
    pytest.mark.citus,
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A whole site on an empty database of the cluster."""

    site: Site
    url: str

    def tloi(self, *words: str) -> str:
        """A command, which must do its work; what it printed."""
        done = self.site.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def books(self) -> tuple[Any, Any, dict[str, int], list[tuple[Any, ...]]]:
        """All that is compared, once everything is summed up."""
        self.tloi("rollup")
        return self.usage(), self.days(), self.rows(), self.sums()

    def rows(self) -> dict[str, int]:
        """How many rows each table holds that bears a project."""
        with psycopg.connect(self.url) as conn:
            count = "SELECT count(*) FROM {}"
            return {
                table: _one(conn, sql.SQL(count).format(sql.Identifier(table)))
                for table in (*SHARDED, *LOCAL_OF_PROJECTS)
                if table not in PASSING
            }

    def sums(self) -> list[tuple[Any, ...]]:
        """What each rollup adds up to."""
        figures = "count(*), sum(calls), sum(input_uncached), sum(output), sum(cost_nanousd), sum(executions)"
        with psycopg.connect(self.url) as conn:
            rows = [
                conn.execute(sql.SQL(f"SELECT {figures} FROM {{}}").format(sql.Identifier(table))).fetchone()
                for table in SUMS
            ]
        return [row for row in rows if row is not None]

    def usage(self) -> dict[str, Any]:
        """What the API says of everything, by each group."""
        key = key_of(self.site)
        return {by: self._usage(by, key) for by in GROUPS}

    def _usage(self, by: str, key: str) -> Any:
        answer = ask(self.site.address, "GET", f"/api/v1/usage/?by={by}&from={LONG_AGO}&tz=UTC", key=key)
        assert answer.status == 200, answer.content
        said = answer.json
        return {"total": said["total"], "rows": sorted(said["rows"], key=lambda row: str(row[by]))}

    def days(self) -> Any:
        """What `tloi daily` says of the demo."""
        return json.loads(self.tloi("daily", "--project", "demo", "--json"))

    def record(self) -> None:
        """Send again whatever there is to send: a demo, transcripts, and what three agents exported."""
        self.tloi("demo", "--days", "20", "--agents", "3")
        self.tloi("import", "claude-code", str(SHARED_DATA / "claude_code"))
        for agent in AGENTS:
            for request in captured(agent):
                assert replay(self.site.address, key_of(self.site), request).status == 200

    def send(self, number: int) -> dict[str, Any]:
        """Send one new call, one run with totals of its own, and one call of a time that cannot be believed."""
        moment, later = "2026-11-02T10:00:00Z", "2100-01-01T00:00:00Z"
        calls = [
            {"id": f"new-{number}", "started_at": moment, "model": "gpt-5", "output": 7, "session_id": "a session"}
        ]
        strange = [{"id": f"strange-{number}", "started_at": later, "model": "gpt-5", "output": 7}]
        runs = [{"execution_id": f"run-{number}", "started_at": moment, "tokens_input": 11, "tokens_output": 5}]
        said = {}
        for path, items in (("calls", [*calls, *strange]), ("executions", runs)):
            headers = {"Content-Type": "application/json"}
            body = json.dumps(items).encode()
            answer = ask(
                self.site.address, "POST", f"/api/v1/{path}/", key=key_of(self.site), body=body, headers=headers
            )
            assert answer.status == 200, answer.content
            said[path] = answer.json
        return said


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A site with data, not distributed yet."""
    with citus.database(os.environ["CITUS_URL"], NAME) as url, running(DATABASE_URL=url) as site:
        here = Cluster(site, url)
        here.record()
        here.send(1)
        yield here


def test_all_is_as_it_was_on_shards_and_counting_goes_on(cluster: Cluster) -> None:
    books = cluster.books()
    usage, days, *_ = books
    assert usage["model"]["total"]["calls"] > 900
    (host, port), workers = citus.nodes(os.environ["CITUS_URL"])
    servers = [word for worker in workers for word in ("--worker", f"{worker[0]}:{worker[1]}")]
    form = ("--coordinator", f"{host}:{port}", *servers)
    said = cluster.tloi("distribute", *form, "--shards", "8")
    assert said.count("now in shards") == len(SHARDED)
    assert cluster.books() == books
    for again in (cluster.tloi("distribute"), cluster.tloi("distribute", *form)):
        assert "now in shards" not in again
        assert again.count("in shards already") == len(SHARDED)
    assert cluster.books() == books
    cluster.record()
    cluster.send(1)
    assert (cluster.usage(), cluster.days()) == (usage, days)
    assert cluster.send(2) == {
        "calls": {"accepted": 1, "duplicates": 0, "quarantined": 1, "rejected": []},
        "executions": {"accepted": 1, "duplicates": 0, "quarantined": 0, "rejected": []},
    }
    assert cluster.send(2)["calls"]["accepted"] == 0
    now = cluster.usage()["model"]["total"]
    before = usage["model"]["total"]
    assert (now["calls"], now["output"]) == (before["calls"] + 2, before["output"] + 7 + 5)
    _sums_are_made_anew(cluster)
    _lies_on_the_workers(cluster)
    _waits_end(workers)
    _leaves_with_its_project(cluster)
    _expires(cluster)


def _sums_are_made_anew(cluster: Cluster) -> None:
    """Sums made anew from the calls on shards are the sums."""
    cluster.tloi("rollup")
    sums = cluster.sums()
    assert sums[0][1] > 0
    cluster.tloi("rollup", "--rebuild")
    assert cluster.sums() == sums


def _lies_on_the_workers(cluster: Cluster) -> None:
    """No table that was cut holds a row on the coordinator, and more than one server holds some of them."""
    with psycopg.connect(cluster.url) as conn:
        for table in SHARDED:
            rest = "SELECT coalesce(sum(pg_relation_size(relid)), 0) FROM pg_partition_tree(%s::regclass) WHERE isleaf"
            assert _one(conn, rest, table) == 0, table
        nodes = "SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = %s::regclass AND shard_size > 0"
        assert _one(conn, nodes, "telemetry_identity") > 1
        assert _one(conn, "SELECT count(*) FROM pg_dist_node WHERE shouldhaveshards AND groupid = 0") == 0


def _waits_end(workers: list[Address]) -> None:
    """No worker lets a statement wait for a lock without end."""
    for worker in workers:
        with psycopg.connect(citus.address(os.environ["CITUS_URL"], at=worker, name=NAME)) as conn:
            row = conn.execute("SHOW lock_timeout").fetchone()
            assert row == ("10s",)


def _leaves_with_its_project(cluster: Cluster) -> None:
    """Removing one project on shards leaves all of the others."""
    usage = cluster.usage()
    assert "The demo is gone" in cluster.tloi("demo", "--remove")
    assert cluster.usage() == usage
    with psycopg.connect(cluster.url) as conn:
        assert _one(conn, "SELECT count(DISTINCT project_id) FROM telemetry_identity") == 1


def _expires(cluster: Cluster) -> None:
    """Old partitions go from every server, and the sums of their calls stay."""
    sums = cluster.sums()
    cluster.site.environment["TLOI_RETENTION_DAYS"] = "100"
    said = cluster.tloi("retention", "--apply")
    assert ": dropped" in said
    assert "waits" not in said
    assert cluster.sums() == sums
    with psycopg.connect(cluster.url) as conn:
        parts = "SELECT count(*) FROM citus_shards WHERE table_name::text LIKE 'telemetry_expired%%'"
        assert _one(conn, parts) == 0
        old = "SELECT count(*) FROM telemetry_call WHERE started_at < now() - interval '135 days'"
        assert _one(conn, old) == 0


def _one(conn: psycopg.Connection[Any], query: Any, *arguments: object) -> int:
    row = conn.execute(query, arguments).fetchone()
    assert row is not None
    return int(row[0])
