"""Who calls the gateway: known for less than a second, and for longer only while nobody could revoke a key."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime

import psycopg
import pytest
from django.test import override_settings

from routing.gateway import holders
from routing.gateway.holders import FRESH_S, Keys, KeysAway, Rates
from routing.gateway.threads import Threads
from telemetry import facade
from telemetry.models import Project


def test_a_revoked_key_is_refused_within_a_second_though_it_is_in_use(project: Project, key: str) -> None:
    async def run() -> float:
        threads = Threads("lookups", 1)
        keys = Keys(threads)
        assert (await keys.holder(key)).project_id == project.pk
        assert await threads.run(lambda: facade.revoke_key(key[5:13], now=datetime.now(UTC)))
        began = time.monotonic()
        with contextlib.suppress(facade.BadKey):
            while time.monotonic() < began + 5:
                await keys.holder(key)
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    assert asyncio.run(run()) < 1.0


def test_a_key_in_use_is_asked_for_beside_the_requests(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    authenticate = facade.authenticate

    def slow(plain: str, *, now: datetime) -> facade.KeyHolder:
        asked.append(time.monotonic())
        time.sleep(0.1)
        return authenticate(plain, now=now)

    monkeypatch.setattr(facade, "authenticate", slow)

    async def run() -> None:
        keys = Keys(Threads("lookups", 1))
        await asyncio.gather(*(keys.holder(key) for _ in range(50)))
        assert len(asked) == 1
        end = time.monotonic() + 2 * FRESH_S
        while time.monotonic() < end:
            began = time.monotonic()
            await keys.holder(key)
            assert time.monotonic() - began < 0.09
            await asyncio.sleep(0.02)

    asyncio.run(run())
    assert 2 <= len(asked) <= 6


def test_while_the_database_is_away_known_keys_work_and_others_wait(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(plain: str, *, now: datetime) -> object:
        raise psycopg.OperationalError("no connection")

    async def run() -> None:
        keys = Keys(Threads("lookups", 1))
        holder = await keys.holder(key)
        monkeypatch.setattr(facade, "authenticate", away)
        await asyncio.sleep(FRESH_S + 0.1)
        assert await keys.holder(key) == holder
        with pytest.raises(KeysAway):
            await keys.holder(key[:-1] + "x")
        monkeypatch.setattr(holders, "TRUSTED_S", 0.0)
        await asyncio.sleep(FRESH_S + 0.1)
        with pytest.raises(KeysAway):
            await keys.holder(key)

    asyncio.run(run())


@pytest.mark.parametrize("limit", [5, 900])
def test_at_a_limit_no_more_pass_than_it_says_whichever_process_counts(limit: int, database: None) -> None:
    key_id = time.time_ns() % 10**9

    async def passed(rates: Rates) -> int:
        count = 0
        for _ in range(limit):
            try:
                await rates.admit(key_id)
            except facade.TooManyRequests:
                break
            count += 1
        return count

    async def run() -> int:
        while datetime.now(UTC).second > 50:  # all of it in one minute
            await asyncio.sleep(0.5)
        threads = Threads("lookups", 2)
        return sum(await asyncio.gather(passed(Rates(threads)), passed(Rates(threads))))

    with override_settings(RATE_LIMIT_PER_MINUTE=limit):
        assert limit - limit // 100 <= asyncio.run(run()) <= limit
