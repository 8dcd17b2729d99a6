"""Negative controls: with a protection taken away, the same kills and the same checker must go red."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.faults.load import Client, ForgetfulClient, HastyClient, Load, database_of, key_of, present
from tests.faults.site import Site, running, within

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(200),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc"),
]

BACK_S = 30.0
ACKNOWLEDGED_BEFORE_IT_IS_ON_DISK = (
    "ALTER SYSTEM SET synchronous_commit = off",
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
    "SELECT pg_reload_conf()",
)


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    """One site for all of them; its database loses its protection last."""
    with running(TLOI_RATE_LIMIT="0") as site:
        yield site


def under_kills(site: Site, kind: type[Client], *, kills: int, deafness: float = 0.0) -> Load:
    """What clients noted while PostgreSQL was killed under them."""
    with Load(
        *(kind(site.address, key_of(site), deafness=deafness, seed=random.randrange(2**32)) for _ in range(4))
    ) as load:
        for _ in range(kills):
            time.sleep(1.5)
            killed_at, before = time.monotonic(), site.child("postgres")
            os.kill(before, signal.SIGKILL)
            back = within(BACK_S, lambda since=killed_at: load.acknowledged_from > since and site.is_ready())  # type: ignore[misc]
            assert back is not None, site.text()
    return load


def test_a_client_that_does_not_wait_for_the_answer_loses_events(here: Site) -> None:
    verdict = under_kills(here, HastyClient, kills=1).verdict(present(database_of(here)))
    assert verdict.lost
    assert not verdict.dup


def test_a_client_that_forgets_its_ids_duplicates_events(here: Site) -> None:
    verdict = under_kills(here, ForgetfulClient, kills=1, deafness=0.2).verdict(present(database_of(here)))
    assert verdict.dup
    assert not verdict.lost


def test_a_database_that_acknowledges_before_it_is_on_disk_loses_events(here: Site) -> None:
    before = present(database_of(here))
    with closing(psycopg.connect(database_of(here), autocommit=True)) as connection:
        for line in ACKNOWLEDGED_BEFORE_IT_IS_ON_DISK:
            connection.execute(line)
    load = under_kills(here, Client, kills=1)
    found = present(database_of(here))
    verdict = load.verdict({event: times for event, times in found.items() if event not in before})
    sys.stdout.write(f"\n{load.acknowledged} events acknowledged, {verdict}\n")
    assert verdict.lost
