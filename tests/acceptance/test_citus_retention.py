"""On a real Citus cluster: expired days go from all shards, and their sums stay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.ledger import dropping, freezing, retention, sharding
from telemetry.series import expiry
from tests import citus
from tests.expiring import DAYS, NOW, call, day, days_left, folded, identities, kept_hash, new_project, send, sums
from tests.own_database import connect, run_tloi
from tests.stalls import reading, watched

pytestmark = [pytest.mark.citus, pytest.mark.slow, pytest.mark.timeout(300)]
Ledger = Connection[Any]


@pytest.fixture
def cluster_url(settings: Settings) -> Iterator[str]:
    """A distributed ledger without data."""
    settings.RETENTION_DAYS = None
    retention.forget()
    with citus.database(os.environ["CITUS_URL"], "tloi_expiring") as url:
        done = run_tloi(url, "migrate", "--no-input")
        assert done.returncode == 0, done.stderr
        (host, port), workers = citus.nodes(os.environ["CITUS_URL"])
        with connect(url) as conn:
            sharding.form_cluster(conn, coordinator=(host, port), workers=workers)
            assert list(sharding.distribute(conn, shards=4))
        yield url


def test_expired_days_go_and_their_sums_stay(cluster_url: str, settings: Settings) -> None:
    with connect(cluster_url) as own:
        project, less = new_project(own), new_project(own, "less")
        for one in (project, less):
            send(own, one, [call(day(back, second), f"{back}.{second}") for back in range(35) for second in range(3)])
        folded(own)
        own.execute("UPDATE telemetry_project SET retention_days = 10 WHERE id = %s", [less])
        settings.RETENTION_DAYS = DAYS
        retention.forget()
        before = kept_hash(own, retention.gone_before(10, now=NOW)), sums(own, project), sums(own, less)
        with watched(cluster_url, new_project(own, "busy")) as stalls, reading(cluster_url, 2):
            done = expiry.expire(own, now=NOW)
        assert stalls.failures == []
        assert stalls.longest_lock_s < 0.5
        assert len(done.partitions) == 35 - DAYS - 1
        assert done.calls == 20 * 3
        assert (days_left(own, project)[0], days_left(own, less)[0]) == (DAYS, 10)
        assert identities(own, less) == 11 * 3
        after = kept_hash(own, retention.gone_before(10, now=NOW)), sums(own, project), sums(own, less)
        assert after == before
        assert dropping.detached_partitions(own) == []
        assert freezing.partitions_to_freeze(own) == []
