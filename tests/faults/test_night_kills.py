"""`kill -9` of the worker at twenty points of the night: one report a project and day, complete, within 60 s of return.

Figures are printed (`pytest -m faults -s`): how long each report took after its kill, and how many kills hit a job.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.faults.nights import (
    BACK_S,
    SOON_S,
    Database,
    Days,
    assert_complete,
    database,
    is_reported,
    jobs,
    undisturbed,
    worked,
)
from tests.faults.site import Site, descendants, running, within

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
KILLS = 20
LEAST_HIT = 8  # kills that must have met a job in the middle, or this shows nothing
SEED = 20261127


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    """One site for all kills."""
    with running() as site:
        yield site


@pytest.fixture(scope="module")
def like(here: Site) -> Days:
    """What every report must say."""
    return undisturbed(here)


def is_working(conn: Database, project: int) -> bool:
    """Whether a job of a project runs now."""
    return any(state == "running" for state, *_ in jobs(conn, project).values())


def night_of(conn: Database) -> float:
    """How long the night of the project took that nothing disturbed, the first one: all jobs of it, in seconds."""
    took = "SELECT max(finished_at) - min(started_at) FROM telemetry_job GROUP BY project_id"
    row = conn.execute(f"{took} ORDER BY min(started_at) LIMIT 1").fetchone()
    assert row is not None
    return float(row[0].total_seconds())


def kill(site: Site, *, is_parent: bool) -> None:
    """The worker's parent, or all of its processes and not the parent."""
    parent = site.child("worker")
    for pid in [parent] if is_parent else sorted(descendants(parent) - {parent}):
        os.kill(pid, signal.SIGKILL)


def test_a_worker_that_is_killed_at_twenty_points_makes_every_report_once(here: Site, like: Days) -> None:
    chance, hit, took = random.Random(SEED), 0, list[float]()
    with database(here) as conn:
        whole_s = night_of(conn)
        for place in range(KILLS):
            project = worked(conn)
            assert within(SOON_S, partial(is_working, conn, project)) is not None, jobs(conn, project)
            time.sleep(chance.uniform(0, 1.2) * whole_s)
            hit += is_working(conn, project)
            kill(here, is_parent=place % 2 == 0)
            passed = within(BACK_S, partial(is_reported, conn, project))
            assert passed is not None, (place, jobs(conn, project))
            took.append(passed)
            assert_complete(conn, project, like)
    print(f"\n{hit} of {KILLS} kills met a job; reports came after {min(took):.0f} to {max(took):.0f} s")  # noqa: T201
    assert hit >= LEAST_HIT


def test_a_queue_whose_leases_never_end_would_lose_the_night_of_a_killed_worker(here: Site, like: Days) -> None:
    with database(here) as conn:
        conn.execute(
            "CREATE FUNCTION hold_for_ever() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.lease_until_at = 'infinity'; RETURN NEW; END $$"
        )
        conn.execute(
            "CREATE TRIGGER hold_for_ever BEFORE UPDATE ON telemetry_job FOR EACH ROW"
            " WHEN (NEW.state = 'running') EXECUTE FUNCTION hold_for_ever()"
        )
        try:
            project = worked(conn)
            assert within(SOON_S, lambda: is_working(conn, project)) is not None
            kill(here, is_parent=False)
            assert within(BACK_S, lambda: is_reported(conn, project)) is None
        finally:
            conn.execute("DROP TRIGGER hold_for_ever ON telemetry_job")
        conn.execute("UPDATE telemetry_job SET lease_until_at = now() WHERE state = 'running'")
        assert within(BACK_S, lambda: is_reported(conn, project)) is not None
        assert_complete(conn, project, like)
