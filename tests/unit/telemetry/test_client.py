"""The agents' SDK without a server: what it says of a run, what it costs, and that it never troubles the agent."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from telemetry.client import MAX_QUEUED, TokenTelemetry
from tests.agents import CLOSED, agent, ended, spooled


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def telemetry(spool: Path) -> Iterator[TokenTelemetry]:
    """One whose server is away, so that its spool shows what it would send."""
    client = TokenTelemetry(CLOSED, "tloi_key", spool_dir=str(spool))
    yield client
    client.close()


def said(client: TokenTelemetry, spool: Path) -> list[dict[str, Any]]:
    client.flush()
    return spooled(spool)


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


class Unreadable:
    """An agent's object that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("not now")

    __repr__ = __str__


def test_a_start_and_its_completion_bear_one_id_and_one_beginning(telemetry: TokenTelemetry, spool: Path) -> None:
    begun = telemetry.record_start("sync", "claude_code", "execute_task")
    time.sleep(0.05)
    assert telemetry.record_completion(task_id="sync", tokens_input=31, tokens_output=24, cache_read=7) == begun
    start, end = said(telemetry, spool)
    assert start == {
        "started_at": start["started_at"],
        "status": "started",
        "tool": "claude_code",
        "action": "execute_task",
        "task_id": "sync",
        "execution_id": begun,
    }
    assert datetime.fromisoformat(start["started_at"]).utcoffset() is not None
    assert 0.05 <= end.pop("execution_time") < 5
    assert end == {**start, "status": "done", "tokens_input": 31, "tokens_output": 24, "cache_read": 7}


def test_a_completion_without_a_start_began_its_execution_time_ago(telemetry: TokenTelemetry, spool: Path) -> None:
    telemetry.record_completion(task_id="sync", tokens_input=1, tokens_output=2, execution_time=3600.0)
    (end,) = said(telemetry, spool)
    ago = datetime.now(UTC) - datetime.fromisoformat(end["started_at"])
    assert 3600 <= ago.total_seconds() < 3610
    assert (end["execution_time"], end["status"]) == (3600.0, "done")


def test_nested_runs_of_one_task_end_from_the_inside(telemetry: TokenTelemetry) -> None:
    outer, inner = telemetry.record_start("sync"), telemetry.record_start("sync")
    ends = [telemetry.record_completion("sync") for _ in range(3)]
    assert ends[:2] == [inner, outer]
    assert ends[2] not in (inner, outer)


def test_a_run_is_ended_by_its_id_whatever_began_later(telemetry: TokenTelemetry) -> None:
    first, second = telemetry.record_start("sync"), telemetry.record_start("sync")
    assert telemetry.record_completion("sync", execution_id=first) == first
    assert telemetry.record_completion("sync") == second


def test_threads_that_run_one_task_at_once_end_their_own_runs(telemetry: TokenTelemetry, spool: Path) -> None:
    pairs: list[tuple[str, str]] = []
    together = threading.Barrier(8)

    def run() -> None:
        begun = telemetry.record_start("sync")
        together.wait(5)
        pairs.append((begun, telemetry.record_completion("sync", tokens_output=1)))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pairs)) == 8
    assert all(begun == end for begun, end in pairs)
    assert len({record["execution_id"] for record in said(telemetry, spool)}) == 8


def test_a_task_adds_up_the_usage_of_its_calls(telemetry: TokenTelemetry, spool: Path) -> None:
    with telemetry.task("sync", tool="claude_code", agent="builder") as task:
        task.usage(tokens_input=10, tokens_output=1, cache_read=None, model="a")
        task.usage(tokens_input=20, tokens_output=2, cache_read=5, model="b")
    start, end = said(telemetry, spool)
    assert start["execution_id"] == end["execution_id"] == task.execution_id
    assert (end["tokens_input"], end["tokens_output"], end["cache_read"], end["model"]) == (30, 3, 5, "b")
    assert (end["tool"], end["agent"], end["status"]) == ("claude_code", "builder", "done")


def test_an_exception_fails_the_run_and_passes_through(telemetry: TokenTelemetry, spool: Path) -> None:
    def work() -> None:
        with telemetry.task("sync") as task:
            task.usage(tokens_input=10)
            raise KeyError("no such list")

    with pytest.raises(KeyError, match="no such list"):
        work()
    _, end = said(telemetry, spool)
    assert (end["status"], end["errors"], end["tokens_input"]) == ("failed", ["KeyError: 'no such list'"], 10)


def test_each_call_of_a_decorated_function_is_a_run(telemetry: TokenTelemetry, spool: Path) -> None:
    @telemetry.task(tool="claude_code")
    def add(left: int, right: int) -> int:
        telemetry.usage(tokens_input=left, tokens_output=right)
        return left + right

    assert [add(1, 2), add(3, right=4)] == [3, 7]
    assert add.__name__ == "add"
    ends = [record for record in said(telemetry, spool) if record["status"] == "done"]
    assert [(end["tokens_input"], end["tokens_output"]) for end in ends] == [(1, 2), (3, 4)]
    assert {end["task_id"] for end in ends} == {add.__qualname__}
    assert len({end["execution_id"] for end in ends}) == 2


def test_a_decorated_coroutine_runs_until_it_is_awaited(telemetry: TokenTelemetry, spool: Path) -> None:
    @telemetry.task("sync")
    async def fetch(tokens: int) -> int:
        await asyncio.sleep(0.02)
        telemetry.usage(tokens_output=tokens)
        if tokens == 3:
            raise ValueError("three")
        return tokens

    async def all_at_once() -> tuple[int | BaseException, ...]:
        return await asyncio.gather(fetch(1), fetch(2), fetch(3), return_exceptions=True)

    with ThreadPoolExecutor(1) as apart:  # a browser that was driven before leaves its loop running in this thread
        one, two, three = apart.submit(lambda: asyncio.run(all_at_once())).result()
    assert (one, two, repr(three)) == (1, 2, "ValueError('three')")
    ends = [record for record in said(telemetry, spool) if record["status"] != "started"]
    assert sorted((end["tokens_output"], end["status"]) for end in ends) == [(1, "done"), (2, "done"), (3, "failed")]
    assert min(end["execution_time"] for end in ends) >= 0.02


def test_what_the_server_would_refuse_is_cut_to_its_measure(telemetry: TokenTelemetry, spool: Path) -> None:
    telemetry.record_completion(7, objective="o" * 500, errors=["e\0" * 9000] * 30, skills="git", lone="\ud800")  # type: ignore[arg-type]
    (end,) = said(telemetry, spool)
    assert (end["task_id"], end["objective"], end["skills"], end["lone"]) == ("7", "o" * 200, ["git"], "?")
    assert end["errors"] == ["e" * 4000] * 10


def test_a_list_that_the_agent_goes_on_using_is_told_as_it_was(telemetry: TokenTelemetry, spool: Path) -> None:
    errors = ["first"]
    with telemetry._disk:
        telemetry.record_completion("sync", errors=errors)
        errors.clear()
    (end,) = said(telemetry, spool)
    assert (end["errors"], end["status"]) == (["first"], "failed")


@pytest.mark.parametrize(
    "fields",
    [
        {"tokens_input": float("nan")},
        {"execution_time": "long"},
        {"execution_time": 1e300},
        {"model": Unreadable()},
        {"errors": Unreadable()},
        {"plan": ENDLESS},
    ],
    ids=lambda fields: str(next(iter(fields))),
)
def test_what_cannot_be_told_is_lost_alone_and_said(
    telemetry: TokenTelemetry, spool: Path, caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    telemetry.record_completion("bad", **fields)
    telemetry.record_completion("good")
    assert [record["task_id"] for record in said(telemetry, spool)] == ["good"]
    assert telemetry.lost == 1
    assert "telemetry is lost" in caplog.text


def test_usage_that_makes_no_sense_leaves_the_task_alone(telemetry: TokenTelemetry, spool: Path) -> None:
    with telemetry.task("sync") as task:
        task.usage(tokens_input="many")  # type: ignore[arg-type]
        telemetry.usage(tokens_output=1)
    telemetry.usage(tokens_output=100)
    assert said(telemetry, spool)[-1]["tokens_output"] == 1
    assert len(spooled(spool)) == 2


def test_a_record_costs_microseconds(telemetry: TokenTelemetry) -> None:
    costs = []
    for _ in range(500):
        begin = time.perf_counter()
        telemetry.record_start("sync", "claude_code", "execute_task", model="m", agent="a", session_id="s")
        telemetry.record_completion(task_id="sync", tokens_input=1, tokens_output=1, execution_time=1.0)
        costs.append(time.perf_counter() - begin)
    assert sorted(costs)[250] < 500e-6


def test_a_disk_that_stalls_does_not_hold_the_agent_and_memory_is_bounded(telemetry: TokenTelemetry) -> None:
    stalled, goes_on = threading.Event(), threading.Event()

    def stall() -> None:
        with telemetry._disk:  # as the thread holds it while it writes
            stalled.set()
            goes_on.wait(10)

    thread = threading.Thread(target=stall)
    thread.start()
    stalled.wait(10)
    begin = time.perf_counter()
    for _ in range(MAX_QUEUED // 2 + 50):
        telemetry.record_start("sync")
        telemetry.record_completion("sync")
    took = time.perf_counter() - begin
    goes_on.set()
    thread.join()
    assert took < 3
    assert 95 <= telemetry.lost <= 100


def test_without_an_address_or_a_key_records_wait_and_it_is_said_once(
    spool: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TLOI_URL", raising=False)
    monkeypatch.delenv("TLOI_API_KEY", raising=False)
    client = TokenTelemetry(spool_dir=str(spool))
    for _ in range(3):
        client.record_completion("sync")
    assert client.close() is False
    assert len(spooled(spool)) == 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_the_file_alone_is_enough(tmp_path: Path) -> None:
    program = "TokenTelemetry().record_start('sync'); print(sorted(n for n in sys.modules if n[:6] == 'django'))"
    assert ended(agent(tmp_path, program, TLOI_URL=CLOSED, TLOI_API_KEY="tloi_key")) == "[]\n"
    assert [record["task_id"] for record in spooled(tmp_path / "spool")] == ["sync"]
