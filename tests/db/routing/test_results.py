"""Results of functions: kept to the type, forgotten by tag, given while old, and made whatever the cache does."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from pytest_django import Settings

from routing.cache import lookups, valkey
from routing.cache.results import cache_with_ttl, forget
from routing.ladder import calibrating
from routing.ladder.logistic import Fit
from routing.ladder.quality import calibrated
from routing.ladder.signals import NAMES
from tests.traps import pairs
from tloi_site.embedded import valkey as servers
from tloi_site.embedded.supervisor import Supervisor

HOUR = 1.0
SECOND = 1 / 3600


class Counter:
    """A function that counts how often it was called, and is asked for what no other test asks."""

    def __init__(self, returns: Callable[[Any], Any] = lambda asked: asked, **rule: Any) -> None:
        self.calls, self.fails = 0, False
        self._mark = uuid.uuid4().hex

        def make(asked: Any, mark: str) -> Any:
            self.calls += 1
            if self.fails:
                raise RuntimeError("as told")
            return returns(asked)

        self._ask = cache_with_ttl(**{"hours": HOUR} | rule)(make)

    def __call__(self, asked: Any = None) -> Any:
        return self._ask(asked, self._mark)


def test_what_was_asked_before_is_not_made_again() -> None:
    ask = Counter()
    assert [ask([1, "a"]), ask([1, "a"]), ask([1, "b"])] == [[1, "a"], [1, "a"], [1, "b"]]
    assert ask.calls == 2


def test_a_thousand_pairs_that_look_alike_get_their_own_results() -> None:
    ask = Counter(returns=repr)
    wrong = [pair for pair in pairs() if (ask(pair[0]), ask(pair[1])) != (repr(pair[0]), repr(pair[1]))]
    assert wrong == []
    once = ask.calls
    for pair in pairs()[::10]:
        assert (ask(pair[0]), ask(pair[1])) == (repr(pair[0]), repr(pair[1]))
    assert ask.calls == once  # they were hits


def test_arguments_are_the_same_however_they_are_given() -> None:
    calls = []

    @cache_with_ttl(hours=HOUR)
    def make(first: int, second: int = 2, *, mark: str) -> int:
        calls.append(first)
        return first + second

    mark = uuid.uuid4().hex
    assert make(1, mark=mark) == make(1, 2, mark=mark) == make(second=2, first=1, mark=mark) == 3
    assert calls == [1]
    assert make(2, 1, mark=mark) == 3
    assert calls == [1, 2]


def test_a_result_comes_back_as_the_type_that_the_function_says() -> None:
    calls = []

    @cache_with_ttl(hours=HOUR)
    def make(mark: str) -> tuple[Fit, Decimal, datetime, dict[int, bytes]]:
        calls.append(mark)
        return Fit(0.5, (1.0,), (), ()), Decimal("1.50"), datetime(2026, 1, 1, tzinfo=UTC), {1: b"\0"}

    mark = uuid.uuid4().hex
    assert (
        make(mark)
        == make(mark)
        == (Fit(0.5, (1.0,), (), ()), Decimal("1.50"), datetime(2026, 1, 1, tzinfo=UTC), {1: b"\0"})
    )
    assert len(calls) == 1


@pytest.mark.parametrize(
    "value", [(1,), {1: 2}, b"a", {1}, float("nan"), float("inf"), object(), "\ud800", "x" * 2**21]
)
def test_what_does_not_come_back_as_it_was_is_not_kept(value: Any) -> None:
    ask = Counter(returns=lambda _: value)
    assert ask() is value
    assert ask() is value
    assert ask.calls == 2


def test_what_cannot_be_compared_is_asked_for_as_if_there_were_no_cache() -> None:
    ask = Counter(returns=lambda _: 1)
    assert [ask(object()), ask(object()), ask(Path("/")), ask(Path("/nowhere"))] == [1] * 4
    assert ask.calls == 4


def test_a_wrong_call_is_the_functions_own_error() -> None:
    @cache_with_ttl(hours=HOUR)
    def make(first: int) -> int:
        return first

    with pytest.raises(TypeError, match="first"):
        make()  # type: ignore[call-arg]


def test_a_path_stands_for_what_the_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    ask = Counter(returns=lambda path: path.read_text())
    file.write_text("1")
    assert [ask(file), ask(file)] == ["1", "1"]
    file.write_text("2")
    assert [ask(file), ask.calls] == ["2", 2]


def test_a_file_that_changed_while_it_was_read_is_kept_under_neither_content(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("1")

    def change_and_read(path: Path) -> str:
        path.write_text("2")
        return path.read_text()

    ask = Counter(returns=change_and_read)
    ask(file)
    file.write_text("1")
    ask(file)
    assert ask.calls == 2


def test_a_tag_is_forgotten_with_all_that_bears_it_and_nothing_else() -> None:
    tag = f"prices of {uuid.uuid4().hex}"
    tagged, other = Counter(tags=[tag, "of all"]), Counter(tags=[f"{tag} too"])
    for ask in (tagged, other):
        ask()
        ask()
    assert forget(tag)
    tagged()
    other()
    assert (tagged.calls, other.calls) == (2, 1)


def test_what_is_made_while_its_tag_is_forgotten_is_forgotten_too() -> None:
    tag = uuid.uuid4().hex
    ask = Counter(returns=lambda _: forget(tag), tags=[tag])
    ask()
    ask()
    assert ask.calls == 2


def test_tags_and_hours_may_follow_the_arguments() -> None:
    calls = []

    @cache_with_ttl(hours=lambda asked: 0 if asked["is_open"] else 1, tags=("day of {project_id}",))
    def make(project_id: str, is_open: bool) -> str:
        calls.append(is_open)
        return project_id

    project = uuid.uuid4().hex
    for is_open in (True, True, False, False):
        make(project, is_open)
    assert calls == [True, True, False]
    forget(f"day of {project}")
    make(project, False)
    assert calls == [True, True, False, False]


def test_another_version_forgets_what_older_code_made() -> None:
    def make(mark: str) -> str:
        calls.append(mark)
        return mark

    calls: list[str] = []
    mark = uuid.uuid4().hex
    for version in (1, 1, 2):
        cache_with_ttl(hours=HOUR, version=version)(make)(mark)
    assert len(calls) == 2


def test_what_has_passed_is_made_anew_and_given_while_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "SKIPPED_S", 0.15)
    ask = Counter(hours=SECOND / 5)
    ask("a")
    time.sleep(0.25)
    ask.fails = True
    assert ask("a") == "a"
    assert ask.calls == 2
    assert ask("a") == "a"
    assert ask.calls == 2  # nobody tries again at once
    time.sleep(0.25)
    with pytest.raises(RuntimeError):
        ask("a")  # neither for longer than its grace


def test_without_grace_nothing_old_is_given() -> None:
    ask = Counter(hours=SECOND / 5, grace_hours=0.0)
    ask("a")
    time.sleep(0.25)
    ask.fails = True
    with pytest.raises(RuntimeError):
        ask("a")


def test_an_error_is_raised_and_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Counter()
    ask.fails = True
    for _ in range(2):
        with pytest.raises(RuntimeError):
            ask("a")
    ask.fails = False
    assert [ask("a"), ask.calls] == ["a", 3]


def test_a_coroutine_is_made_once_for_many_and_once_more_where_it_was_cancelled() -> None:
    begun = []

    @cache_with_ttl(hours=HOUR)
    async def make(mark: str, takes_s: float = 0.2) -> str:
        begun.append(mark)
        await asyncio.sleep(takes_s)
        return mark

    async def many(mark: str) -> list[str]:
        return await asyncio.gather(*(make(mark) for _ in range(40)))

    async def cancelled(mark: str) -> str:
        first = asyncio.create_task(make(mark, 60.0))
        while not begun:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(make(mark, 60.0))
        await asyncio.sleep(0.1)
        assert len(begun) == 1
        first.cancel()
        while len(begun) < 2:  # at once, and not when the lease ends
            await asyncio.sleep(0.01)
        second.cancel()
        return str(await asyncio.gather(first, second, return_exceptions=True))

    mark = uuid.uuid4().hex
    assert asyncio.run(many(mark)) == [mark] * 40
    assert begun == [mark]
    begun.clear()
    began = time.monotonic()
    assert asyncio.run(cancelled(uuid.uuid4().hex)).count("CancelledError") == 2
    assert time.monotonic() - began < lookups.LEASE_S


def test_a_value_that_somebody_else_put_there_is_not_taken() -> None:
    ask = Counter(returns=lambda _: "mine")
    ask()
    client = redis.Redis.from_url(settings.CACHE_URL)
    for key in client.scan_iter("kept:*"):
        if client.type(key) == b"hash" and client.hget(key, "value") == b'"mine"':
            client.hset(key, "value", b"\x80\x04not json")
    assert [ask(), ask.calls] == ["mine", 2]


def test_a_fit_of_the_gate_to_the_same_outcomes_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[float((number * place) % 7) for place in range(len(NAMES))] for number in range(240)]
    truths = [number % 3 > 0 for number in range(240)]
    truths[0] = bool(uuid.uuid4().int % 2)
    fit = calibrating._calibrated(rows, truths)
    began = time.thread_time()
    assert calibrating._calibrated(rows, truths) == fit
    recalled_s = time.thread_time() - began
    began = time.thread_time()
    assert calibrated(rows, truths) == fit
    assert recalled_s < (time.thread_time() - began) / 3


class Own:
    """A Valkey of the test's own."""

    def __init__(self, address: str) -> None:
        with redis.Redis.from_url(address) as client:
            self.pid = int(client.info("server")["process_id"])

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


@pytest.fixture
def own(data_dir: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Own]:
    monkeypatch.setattr(valkey, "RETRY_AFTER_S", 0.3)
    supervisor = Supervisor(data_dir / "run", print)
    service, settings.CACHE_URL = servers.cache(data_dir)
    supervisor.start(service)
    server = Own(settings.CACHE_URL)
    try:
        yield server
    finally:
        server.go_on()
        supervisor.stop()


def test_a_valkey_that_is_slow_and_then_gone_makes_it_slower_and_never_wrong(
    own: Own, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    ask = Counter()
    assert [ask("a"), ask("a"), ask.calls] == ["a", "a", 1]
    own.stop()
    began = time.monotonic()
    assert [ask("a"), ask("b"), asyncio.run(_later(ask)), ask.calls] == ["a", "b", "c", 4]
    assert time.monotonic() - began < 4 * valkey.TIMEOUT_S + 2.0
    assert not forget("anything")
    own.go_on()
    _until(lambda: _was_recalled(ask, "a"))
    os.kill(own.pid, signal.SIGKILL)
    before = ask.calls
    assert [ask("a"), ask("a")] == ["a", "a"]
    assert ask.calls == before + 2
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    assert [ask("a"), ask.calls] == ["a", before + 3]


async def _later(ask: Counter) -> Any:
    return await asyncio.to_thread(ask, "c")


def _was_recalled(ask: Counter, asked: str) -> bool:
    before = ask.calls
    assert ask(asked) == asked
    return ask.calls == before


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_question_that_cannot_be_asked_ends_nobody_else_s() -> None:
    async def asked(*keys: Any) -> Any:
        return await valkey.valkey().ask_from_loop(lookups.Ask("return ARGV[1]", *keys))

    async def run() -> list[Any]:
        await asyncio.gather(*(asked((), None) for _ in range(3)))
        return [await asked((), ("heard",)) for _ in range(2)]

    assert asyncio.run(run()) == [b"heard", b"heard"]
