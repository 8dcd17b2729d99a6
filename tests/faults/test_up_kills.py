"""`kill -9` of any process of `tloi up`: what died is back within ten seconds, and nothing is left over."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.faults.site import Site, descendants, running, within
from tloi_site.embedded import orphans

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

BACK_S = 10.0  # an OpenTelemetry client gives up after about that long (reliability.md, 1)


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    """One site for all kills, one after the other."""
    with running() as site:
        yield site


@pytest.mark.parametrize("name", ["web", "gateway", "worker", "beat", "postgres", "broker", "cache"])
def test_a_killed_process_is_back_within_ten_seconds(here: Site, name: str) -> None:
    before = here.child(name)
    family = descendants(before) if sys.platform == "linux" else {before}
    os.kill(before, signal.SIGKILL)
    back = within(BACK_S, lambda: here.child(name) not in (0, before) and here.is_ready())
    assert back is not None, here.text()
    assert within(BACK_S, lambda: not any(orphans.is_running(pid) for pid in family)) is not None
    assert f"{name} ended (signal 9); starting it again." in here.text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("name", "least"), [("web", 3), ("worker", 2)])
def test_killed_processes_of_web_or_worker_are_replaced_by_their_own_parent(here: Site, name: str, least: int) -> None:
    parent = here.child(name)
    assert within(BACK_S, lambda: len(descendants(parent)) >= least) is not None
    victims = set(descendants(parent)) - {parent}  # all, for how many a worker has depends on what there is to do
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    assert within(BACK_S, lambda: not any(map(orphans.is_running, victims))) is not None
    assert within(BACK_S, lambda: len(descendants(parent)) >= least and here.is_ready()) is not None
    assert here.child(name) == parent


def test_tasks_run_again_after_the_broker_was_killed(here: Site) -> None:
    os.kill(here.child("broker"), signal.SIGKILL)
    os.kill(here.child("cache"), signal.SIGKILL)  # it forgets the heartbeat, so only a new one is seen
    assert within(60, lambda: "ok    worker" in here.run("doctor").stdout) is not None, here.run("doctor").stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_supervisor_leaves_nothing_running_and_the_next_start_works() -> None:
    with running() as site:
        family = descendants(site.process.pid)
        assert len(family) > 10
        site.process.kill()
        site.process.wait()
        assert within(BACK_S, lambda: not any(orphans.is_running(pid) for pid in family)) is not None
        site.start_again()
        site.wait_until_ready()


def test_a_start_right_after_the_supervisor_was_killed_works() -> None:
    with running() as site:
        site.process.kill()
        site.process.wait()
        site.start_again()
        site.wait_until_ready()
        assert site.is_ready()
