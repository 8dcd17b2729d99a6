"""Whether models are still there is asked of their providers, and what nobody knows changes nothing."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
import pytest
from django.conf import settings
from django.db import connections

from routing import models, roster
from routing.contracts import Provider, Tier, TierState
from routing.providers import resolving
from routing.providers.addresses import Allowed
from routing.providers.admission import Admission
from routing.providers.http import Upstream
from routing.providers.looking import Looking
from telemetry import facade
from tests.ladders import ladder
from tests.misbehaving import Misbehaving, provider

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
Result = TypeVar("Result")


@pytest.fixture
def one() -> Iterator[Misbehaving]:
    """A provider of the test's own."""
    with provider() as box:
        yield box


def asked(box: Misbehaving, model: str, *, number: int = 1, is_local: bool = False, secret: str = "sk-1") -> Tier:
    where = Provider(id=box.port, name="p", family="openai", base_url=box.openai, secret=secret, is_local=is_local)
    return Tier(id=number, position=number, name="t", provider=where, model=model, context_window=4096)


def run(box: Misbehaving, work: Callable[[Upstream], Awaitable[Result]]) -> Result:
    async def inside() -> Result:
        upstream = Upstream(Allowed.of((), {box.place, "127.0.0.1:1"}))
        try:
            return await work(upstream)
        finally:
            await upstream.close()

    return asyncio.run(inside())


def test_a_model_that_is_not_in_its_providers_list_is_missing(one: Misbehaving) -> None:
    one.models = ["model-a", "qwen/qwen3-coder:free"]
    tiers = [asked(one, "qwen/qwen3-coder:free"), asked(one, "model-b", number=2)]
    assert run(one, lambda upstream: resolving.missing(upstream, tiers)) == {1: False, 2: True}


def test_another_name_of_a_model_is_asked_for_by_itself(one: Misbehaving) -> None:
    one.models, one.known = ["claude-sonnet-5-20261001"], ["claude-sonnet-5"]
    where = Provider(id=1, name="p", family="anthropic", base_url=one.anthropic, secret="sk-1")
    tiers = [msgspec.structs.replace(asked(one, "claude-sonnet-5"), provider=where)]
    assert run(one, lambda upstream: resolving.missing(upstream, tiers)) == {1: False}


def test_nothing_is_known_of_who_does_not_answer_has_no_list_or_is_our_own(one: Misbehaving) -> None:
    one.models = []
    nobody = msgspec.structs.replace(
        asked(one, "m"), id=2, provider=Provider(id=2, name="p", family="openai", base_url="http://127.0.0.1:1/v1")
    )
    tiers = [asked(one, "m"), nobody, asked(one, "m", number=3, is_local=True), asked(one, "m", number=4, secret="")]
    assert run(one, lambda upstream: resolving.missing(upstream, tiers)) == {}


def test_what_was_found_is_written_once_and_taken_back_when_the_model_is_there_again(
    one: Misbehaving, database: None
) -> None:
    with ladder(one.openai, one.openai) as (first, second):
        resolving.note({first.pk: True, second.pk: False}, now=NOW)
        resolving.note({first.pk: True}, now=NOW + timedelta(hours=1))
        first.refresh_from_db()
        assert (first.vanished_at, first.looked_at) == (NOW, NOW + timedelta(hours=1))
        roster.forget()
        assert [tier.trouble for tier in roster.current(now=NOW).tiers] == [roster.GONE, ""]
        resolving.note({first.pk: False}, now=NOW + timedelta(hours=2))
        assert models.Tier.objects.filter(vanished_at=None).count() == 2


@pytest.mark.parametrize(
    ("key", "used"),
    [
        ({"free_model_daily_requests": {"limit": 50, "used": 12, "remaining": 38}}, 12),
        ({"limit": None}, None),
        ({"free_model_daily_requests": {"used": "many"}}, None),
        ({}, None),
    ],
)
def test_openrouter_says_how_many_free_calls_it_counted(
    one: Misbehaving, key: dict[str, object], used: int | None
) -> None:
    one.key = key
    where = asked(one, "m").provider
    assert run(one, lambda upstream: resolving.free_calls_used(upstream, where)) == used


def test_a_look_writes_down_what_is_gone_and_tells_quotas_what_was_counted(one: Misbehaving, database: None) -> None:
    one.models, one.key = ["model-1"], {"free_model_daily_requests": {"limit": 50, "used": 47, "remaining": 3}}
    with ladder(one.openai, one.openai) as (first, second):
        group = models.QuotaGroup.objects.create(name=uuid.uuid4().hex, a_day=50)
        models.Tier.objects.update(quota=group)
        models.Provider.objects.update(is_local=False, sealed_key=facade.seal_key("sk-1"))
        roster.forget()

        async def work(upstream: Upstream) -> Mapping[int, TierState]:
            admission = Admission(settings.BROKER_URL)
            try:
                await Looking(upstream, admission, asyncio.to_thread).look()
                found = (await asyncio.to_thread(roster.current, now=datetime.now(UTC))).tiers
                return await admission.states(found, now=datetime.now(UTC))
            finally:
                await asyncio.to_thread(connections.close_all)
                await admission.close()

        states = run(one, work)
        second.refresh_from_db()
        first.refresh_from_db()
        assert second.vanished_at is not None
        assert (first.vanished_at, first.looked_at is None) == (None, False)
        assert states[first.pk].left_today == 3
