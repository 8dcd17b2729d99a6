"""Results that several processes want: made once, made anew once, and made by another where who made them died."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator

import pytest

from tests.askers import Asker, askers, made


@pytest.fixture(scope="module")
def crew() -> Iterator[list[Asker]]:
    with askers(4) as processes:
        yield processes


def all_ask(crew: list[Asker], name: str, **task: object) -> list[str]:
    """What came to all of them, each result once; and never another than that of the name."""
    for asker in crew:
        asker.begin(name, **task)
    ended = [asker.ended() for asker in crew]
    assert {result for told in ended for result in told["results"]} == {f"made for {name}"}
    return [name]


def fresh() -> str:
    return uuid.uuid4().hex


def test_two_hundred_who_miss_at_once_in_four_processes_have_it_made_once(crew: list[Asker]) -> None:
    name = fresh()
    all_ask(crew, name, threads=50, takes_s=0.5)
    assert made(name) == 1


def test_without_a_lease_many_make_it(crew: list[Asker]) -> None:
    name = fresh()
    all_ask(crew, name, threads=50, takes_s=0.5, how="naive")
    assert made(name) > 20


def test_a_hot_result_is_made_anew_by_one(crew: list[Asker]) -> None:
    kept, naive = fresh(), fresh()
    asked = {"threads": 3, "seconds": 2.2, "ttl_s": 1.0, "takes_s": 0.05}
    all_ask(crew, kept, **asked)
    all_ask(crew, naive, **asked, how="naive")
    assert 2 <= made(kept) <= 5  # two or three times a second goes by, once to begin with, and one more for chance
    assert made(naive) >= 2 * made(kept)


@pytest.mark.slow
def test_a_hot_result_is_made_at_most_a_fifth_more_often_than_it_passes(crew: list[Asker]) -> None:
    name = fresh()
    began = time.monotonic()
    all_ask(crew, name, threads=12, seconds=20.0, ttl_s=2.0, takes_s=0.06)
    assert made(name) <= 1.2 * (time.monotonic() - began) / 2.0


def test_who_waits_takes_over_within_the_lease_of_one_that_was_killed() -> None:
    name = fresh()
    with askers(2) as (first, second):
        first.begin(name, takes_s=60.0, lease_s=1.0)
        while not made(name):
            time.sleep(0.01)
        second.begin(name, lease_s=1.0)
        time.sleep(0.5)
        assert made(name) == 1  # it waits
        os.kill(first.process.pid, signal.SIGKILL)
        killed = time.monotonic()
        assert second.ended()["results"] == [f"made for {name}"]
        assert time.monotonic() - killed < 1.0 + 1.5  # the lease, a pause between two looks, and a busy machine
    assert made(name) == 2


@pytest.mark.parametrize(("how", "times"), [("kept", 1), ("unrenewed", 2)])
def test_a_lease_is_renewed_while_a_result_takes_longer_than_it(crew: list[Asker], how: str, times: int) -> None:
    name = fresh()
    crew[0].begin(name, takes_s=2.2, lease_s=0.6, how=how)
    while not made(name):
        time.sleep(0.01)
    crew[1].begin(name, lease_s=0.6)
    assert crew[0].ended()["results"] == crew[1].ended()["results"] == [f"made for {name}"]
    assert made(name) == times
