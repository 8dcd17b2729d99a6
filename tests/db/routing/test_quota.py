"""Calls that an account may make: never more than the limits over all processes, and a provider is believed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
import redis
from django.conf import settings

from routing.contracts import Provider, Quota, Tier
from routing.providers import admission
from routing.providers.admission import Admission
from routing.providers.failed import Failed
from routing.providers.quota import Left
from tloi_site.embedded.ports import free_port

Result = TypeVar("Result")
ROUTER = Provider(id=1, name="openrouter", family="openai", base_url="https://openrouter.ai/api/v1")


def tier(a_minute: int | None = 20, a_day: int | None = 50, *, group: str = "", concurrency: int | None = None) -> Tier:
    """A tier of a group that no other test knows, or of the one named."""
    quota = Quota(group or uuid.uuid4().hex, a_minute, a_day)
    number = uuid.uuid4().int % 10**12
    fields = {"position": 2, "name": "t", "provider": ROUTER, "model": "m", "context_window": 4096}
    return Tier(id=number, quota=quota, concurrency=concurrency, **fields)  # type: ignore[arg-type]


def among(count: int, work: Callable[[list[Admission]], Awaitable[Result]], url: str = "") -> Result:
    async def inside() -> Result:
        parts = [Admission(url or settings.BROKER_URL) for _ in range(count)]
        try:
            return await work(parts)
        finally:
            for part in parts:
                await part.close()

    return asyncio.run(inside())


def now() -> datetime:
    return datetime.now(UTC)


async def admitted(part: Admission, asked: Tier) -> float | None:
    """None where a call may be made, else the seconds until one may."""
    try:
        await part.take(asked)
    except Failed as failed:
        found = failed.fault
        return found.retry_after_s if found.kind == "quota" else -1
    return None


def test_exactly_the_minutes_limit_of_a_hundred_at_once_over_three_processes_pass() -> None:
    asked = tier(20, 1_000)

    async def work(parts: list[Admission]) -> list[float | None]:
        return await asyncio.gather(*(admitted(parts[number % 3], asked) for number in range(100)))

    found = among(3, work)
    assert found.count(None) == 20
    assert all(0 < one <= 60 for one in found if one is not None)


def test_tiers_of_one_account_share_a_day_and_others_do_not() -> None:
    one, other = tier(None, 5), tier(None, 5)
    beside = tier(None, 5, group=one.quota.group if one.quota else "")

    async def work(parts: list[Admission]) -> tuple[int, int]:
        mixed = [await admitted(parts[0], asked) for asked in (one, beside) * 5]
        alone = [await admitted(parts[0], other) for _ in range(5)]
        return mixed.count(None), alone.count(None)

    assert among(1, work) == (5, 5)


def test_a_day_that_is_used_up_says_when_the_next_begins() -> None:
    asked = tier(None, 1)

    async def work(parts: list[Admission]) -> float | None:
        await admitted(parts[0], asked)
        return await admitted(parts[0], asked)

    until_midnight = 86_400 - now().timestamp() % 86_400
    found = among(1, work)
    assert found is not None
    assert abs(found - until_midnight) % 86_400 < 30 or abs(abs(found - until_midnight) - 86_400) < 30


def test_a_minute_slides() -> None:
    asked = tier(1, None)
    group = asked.quota.group if asked.quota else ""
    client: Any = redis.Redis.from_url(settings.BROKER_URL)

    async def work(parts: list[Admission]) -> tuple[float | None, float | None]:
        await admitted(parts[0], asked)
        refused = await admitted(parts[0], asked)
        key = f"{{tloi:quota:{group}}}:minute"
        (name, at), *_ = client.zrange(key, 0, 0, withscores=True)
        client.zadd(key, {name: at - 60_000})  # as if it were a minute ago
        return refused, await admitted(parts[0], asked)

    refused, again = among(1, work)
    client.close()
    assert refused is not None
    assert 55 < refused <= 60
    assert again is None


def test_a_call_that_never_reached_the_provider_is_given_back_once() -> None:
    asked = tier(2, 2)

    async def work(parts: list[Admission]) -> Left:
        lease = await parts[0].take(asked)
        await parts[0].take(asked)
        await parts[0].give(lease, was_made=False)
        await parts[0].give(lease, was_made=False)
        return await parts[0].left(asked, now=now())

    assert among(1, work) == Left(1, 1)


def test_a_provider_that_asks_to_wait_is_left_alone_by_every_process() -> None:
    asked = tier(20, 50)

    async def work(parts: list[Admission]) -> tuple[float | None, Left]:
        await parts[0].quotas.hold(asked, 30)
        await parts[0].quotas.hold(asked, 10)  # the longer one holds
        return await admitted(parts[1], asked), await parts[1].left(asked, now=now())

    seconds, left = among(2, work)
    assert seconds is not None
    assert 25 < seconds <= 30
    assert 25 < left.held_s <= 30


def test_how_tiers_stand_is_asked_four_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    assert admission.FRESH_S == 0.25
    monkeypatch.setattr(admission, "FRESH_S", 60)  # however busy the machine is
    asked, plain = tier(20, 50, concurrency=2), tier(None, None)

    async def work(parts: list[Admission]) -> tuple[Any, Any, Any]:
        first = await parts[0].states([asked, plain], now=now())
        await parts[1].take(asked)
        again = await parts[0].states([asked, plain], now=now())
        monkeypatch.setattr(admission, "FRESH_S", 0)
        return first[asked.id], again[asked.id], (await parts[0].states([asked], now=now()))[asked.id]

    first, again, later = among(2, work)
    assert first == again
    assert (first.running, first.left_this_minute, first.left_today) == (0, 20, 50)
    assert (later.running, later.left_this_minute, later.left_today) == (1, 19, 49)


def test_what_the_provider_counted_is_believed_where_it_is_more() -> None:
    asked = tier(None, 50)
    group = asked.quota.group if asked.quota else ""

    async def work(parts: list[Admission]) -> Left:
        await parts[0].quotas.learn(group, used=48, now=now())
        await parts[0].quotas.learn(group, used=3, now=now())
        return await parts[1].left(asked, now=now())

    assert among(2, work) == Left(None, 2)


def test_a_quota_that_is_used_up_gives_the_slot_back() -> None:
    asked = tier(0, None, concurrency=1)

    async def work(parts: list[Admission]) -> int:
        for _ in range(2):
            with pytest.raises(Failed, match="used up"):
                await parts[0].take(asked)
        return (await parts[0].load(asked)).running

    assert among(1, work) == 0


def test_without_valkey_each_process_counts_by_itself() -> None:
    asked = tier(3, 5)

    async def work(parts: list[Admission]) -> tuple[int, Left]:
        found = [await admitted(part, asked) for part in parts for _ in range(5)]
        return found.count(None), await parts[0].left(asked, now=now())

    assert among(2, work, url=f"redis://127.0.0.1:{free_port()}/0") == (6, Left(0, 2))
