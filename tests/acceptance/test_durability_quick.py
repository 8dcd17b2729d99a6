"""A short look at durability in every run: one kill of PostgreSQL, one of a web process, and answers that get lost."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import pytest

from telemetry.models import Project
from tests.conftest import database_url
from tests.faults.load import CONNECTION, Client, ForgetfulClient, Load, database_of, key_of, present
from tests.faults.site import descendants, running, within

BACK_S = 10.0  # an OpenTelemetry client gives up after about that long (reliability.md, 1)
LOSES_A_THIRD = 0.3


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_acknowledged_calls_survive_a_kill_of_postgresql_and_of_a_web_process() -> None:
    with running(TLOI_RATE_LIMIT="0") as site:
        with Load(*(Client(site.address, key_of(site)) for _ in range(4))) as load:
            web = site.child("web")
            for victim in (site.child("postgres"), max(descendants(web) - {web})):
                time.sleep(1)
                killed_at = time.monotonic()
                os.kill(victim, signal.SIGKILL)
                assert within(BACK_S, lambda since=killed_at: load.acknowledged_from > since and site.is_ready())  # type: ignore[misc]
            time.sleep(0.5)
        assert set(load.statuses) <= {200, 503, CONNECTION}, site.text()
        verdict = load.verdict(present(database_of(site)))
        assert verdict, verdict
        assert load.acknowledged > 500


@pytest.mark.parametrize("client", [Client, ForgetfulClient])
def test_an_answer_that_gets_lost_adds_nothing_unless_the_client_forgets_its_ids(
    web: str, key: str, project: Project, client: type[Client]
) -> None:
    seeds = [random.randrange(2**32) for _ in range(4)]
    with Load(*(client(web, key, deafness=LOSES_A_THIRD, seed=seed) for seed in seeds)) as load:
        assert within(20, lambda: load.acknowledged >= 1_500) is not None
    verdict = load.verdict(present(database_url(), project=project.slug))
    assert set(load.statuses) == {200}
    assert (not verdict.dup) is (client is Client), (verdict, seeds)
    assert not verdict.lost | verdict.phantom | verdict.torn, (verdict, seeds)
