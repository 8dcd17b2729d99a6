"""On a real Citus cluster: an update of TLOI migrates tables that lie in shards, and cuts those that are new."""

from __future__ import annotations

import os

import pytest

from telemetry.ledger import sharding
from tests import citus
from tests.own_database import connect, run_tloi

CUT_AT = "0011_retention"  # how far the tables were when the first of them could be cut
THERE = "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind IN ('r', 'p')"
pytestmark = [pytest.mark.citus, pytest.mark.slow, pytest.mark.timeout(300)]


def test_tables_in_shards_are_migrated_and_new_ones_are_cut() -> None:
    coordinator, workers = citus.nodes(os.environ["CITUS_URL"])
    with citus.database(os.environ["CITUS_URL"], "tloi_migrating") as url:
        done = run_tloi(url, "migrate", "telemetry", CUT_AT)
        assert done.returncode == 0, done.stderr
        with connect(url) as conn:
            sharding.form_cluster(conn, coordinator=coordinator, workers=workers)
            there = [str(name) for (name,) in conn.execute(THERE, [list(sharding.SHARDED)]).fetchall()]
            assert sharding.CALLS in there
            sharding.shard_first(conn, sharding.CALLS, shards=4)
            for table in there:
                if table != sharding.CALLS:
                    sharding.shard_beside(conn, table, beside=sharding.CALLS)
            conn.execute("INSERT INTO telemetry_dirty (project_id, minutes) VALUES (1, ARRAY[now()])")
        done = run_tloi(url, "migrate", "--no-input")
        assert done.returncode == 0, done.stderr
        done = run_tloi(url, "distribute")
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("in shards already") == len(there)
        assert done.stdout.count("now in shards") == len(sharding.SHARDED) - len(there)
        with connect(url) as conn:
            assert conn.execute("SELECT count(*) FROM telemetry_dirty").fetchone() == (1,)
