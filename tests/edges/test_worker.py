"""A worker has one process while tasks are short, and a second one while one takes long."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.worker import state

from tloi_site import worker
from tloi_site.worker import LEAST, MOST, OnDemand


class Pool:
    """Celery's pool, as far as its size goes."""

    def __init__(self) -> None:
        self.num_processes = LEAST

    def grow(self, count: int) -> None:
        """One more."""
        self.num_processes += count

    def shrink(self, count: int) -> None:
        """One less."""
        self.num_processes -= count

    def maintain_pool(self) -> None:
        """Fork, and see who has ended."""


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def scaler(pool: Pool) -> OnDemand:
    return OnDemand(pool, MOST, LEAST)


def look(scaler: OnDemand, monkeypatch: pytest.MonkeyPatch, *tasks: str) -> None:
    """A look, while these tasks run or wait."""
    monkeypatch.setattr(state, "reserved_requests", [SimpleNamespace(id=task) for task in tasks])
    scaler.maybe_scale()


def test_a_second_process_comes_when_a_task_lasts_and_another_waits(
    scaler: OnDemand, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(scaler, monkeypatch, "long")
    assert pool.num_processes == LEAST
    look(scaler, monkeypatch, "long", "next")
    assert pool.num_processes == MOST
    look(scaler, monkeypatch, "long", "next")
    assert pool.num_processes == MOST


def test_none_comes_for_short_tasks_nor_for_a_long_one_alone(
    scaler: OnDemand, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tasks in (("a", "b"), ("c", "d"), ("long",), ("long",), ("long",), ()):
        look(scaler, monkeypatch, *tasks)
    monkeypatch.setattr(state, "reserved_requests", [SimpleNamespace(id="e"), SimpleNamespace(id="f")])
    scaler.maybe_scale(SimpleNamespace(id="e"))
    scaler.maybe_scale(SimpleNamespace(id="f"))  # at each task that comes nobody looks
    assert pool.num_processes == LEAST


def test_the_second_process_ends_when_it_was_not_needed_for_a_while(
    scaler: OnDemand, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(scaler, monkeypatch, "long")
    look(scaler, monkeypatch, "long", "next")
    look(scaler, monkeypatch)
    assert pool.num_processes == MOST
    monkeypatch.setattr(worker, "QUIET_S", -1)
    look(scaler, monkeypatch, "short", "shorter")
    assert pool.num_processes == LEAST
    look(scaler, monkeypatch)
    assert pool.num_processes == LEAST
