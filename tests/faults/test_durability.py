"""`kill -9` of every process of `tloi up` in turn, under load: every acknowledged call is there exactly once.

The method and the bars are those of reliability.md, §1 and figures 1, 9 and 21.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.faults.load import CONNECTION, Client, Load, database_of, key_of, present
from tests.faults.site import Site, descendants, running, within

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc"),
]

CLIENTS = 8
ROUNDS = 3
WEB_KILLS = 12
WEB_START_S = 3.0  # more often, and no web process is left to serve
BACK_S = 10.0  # an OpenTelemetry client gives up after about that long (reliability.md, 1)
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Kill:
    """What was killed; after how many seconds the last request failed and the site was whole again."""

    name: str
    failing_s: float
    back_s: float

    def __str__(self) -> str:
        return f"{self.name:20} requests failed for {self.failing_s:4.1f} s, whole again after {self.back_s:4.1f} s"


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    """One site for all kills. Its rate limit is high but on, so that the death of the cache is felt."""
    with running(TLOI_RATE_LIMIT="10000000") as site:
        yield site


def of(name: str) -> Callable[[Site, random.Random], int]:
    """The main process of a service."""
    return lambda site, _: site.child(name)


def child_of(name: str) -> Callable[[Site, random.Random], int]:
    """One of the processes that a service has started; a new service has none at first."""

    def pick(site: Site, chance: random.Random) -> int:
        found: list[int] = []

        def has_some() -> bool:
            parent = site.child(name)  # another one, where it has just been started anew
            found[:] = sorted(descendants(parent) - {parent})
            return bool(found)

        assert within(BACK_S, has_some) is not None, site.text()
        return chance.choice(found)

    return pick


def backend(site: Site, chance: random.Random) -> int:
    """A process of PostgreSQL that serves a client; its death makes PostgreSQL start all of them anew."""
    with closing(psycopg.connect(database_of(site))) as connection:
        return int(chance.choice(connection.execute(BACKENDS).fetchall())[0])


VICTIMS: dict[str, Callable[[Site, random.Random], int]] = {
    "web": of("web"),
    "a web process": child_of("web"),
    "worker": of("worker"),
    "a worker process": child_of("worker"),
    "postgres": of("postgres"),
    "a postgres backend": backend,
    "broker": of("broker"),
    "cache": of("cache"),
}


def kill(site: Site, load: Load, name: str, chance: random.Random) -> Kill:
    """Kill a process, and wait until requests that begin after that are acknowledged, and all services are there."""
    victim = VICTIMS[name](site, chance)
    killed_at = time.monotonic()
    os.kill(victim, signal.SIGKILL)

    def is_whole() -> bool:
        alive = all(site.child(service) not in (0, victim) for service in ("web", "worker", "postgres", "broker"))
        return alive and load.acknowledged_from > killed_at and site.is_ready()

    back_s = within(3 * BACK_S, is_whole)
    assert back_s is not None, f"{name}: {site.text()}"
    time.sleep(chance.uniform(0.2, 1.5))
    return Kill(name, max(0.0, load.failed_at - killed_at), back_s)


def usage(site: Site) -> dict[str, int]:
    """What the API says that the default project used in these two days."""
    days = [(datetime.now(UTC) - timedelta(days=back)).date() for back in (1, 0)]
    address = f"{site.address}/api/v1/usage/?from={days[0]}&to={days[1]}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key_of(site)}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        total: dict[str, int] = json.loads(answer.read())["total"]
        return total


def report_on(load: Load, kills: list[Kill], found: dict[str, int], seed: int) -> str:
    """What is printed, and said where a test fails."""
    sums = f"{load.acknowledged} events acknowledged, {dict(load.statuses)}, {load.verdict(found)}"
    report = "\n".join([f"seed {seed}: {sums}", *map(str, kills)])
    sys.stdout.write(f"\n{report}\n")
    return report


def test_every_acknowledged_call_is_there_once_after_kills_of_every_process(here: Site) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    order = [name for _ in range(ROUNDS) for name in chance.sample(sorted(VICTIMS), len(VICTIMS))]
    with Load(*(Client(here.address, key_of(here), seed=seed + n, deafness=0.02) for n in range(CLIENTS))) as load:
        time.sleep(1)
        kills = [kill(here, load, name, chance) for name in order]
    found = present(database_of(here))
    report = report_on(load, kills, found, seed)
    assert load.verdict(found), report
    assert set(load.statuses) <= {200, 503, CONNECTION}, report
    assert max(kill.back_s for kill in kills) <= BACK_S, report
    assert max(kill.failing_s for kill in kills) <= BACK_S, report
    total = usage(here)
    assert (total["calls"], total["output"]) == (len(found), 7 * len(found)), report
    assert load.acknowledged > 10_000, report
    assert "Traceback" not in (here.data_dir / "web.log").read_text(errors="replace"), report


def test_no_batch_is_lost_or_torn_when_web_processes_die_one_after_the_other(here: Site) -> None:
    seed, before = random.randrange(2**32), present(database_of(here))
    chance = random.Random(seed)
    with Load(*(Client(here.address, key_of(here)) for _ in range(CLIENTS))) as load:
        kills = []
        for _ in range(WEB_KILLS):
            time.sleep(chance.uniform(0, WEB_START_S))
            kills.append(kill(here, load, "a web process", chance))
    found = {event: times for event, times in present(database_of(here)).items() if event not in before}
    report = report_on(load, kills, found, seed)
    assert load.verdict(found), report
    assert set(load.statuses) <= {200, 503, CONNECTION}, report
    assert load.statuses[CONNECTION] > 0, report
    assert max(kill.back_s for kill in kills) <= BACK_S, report
