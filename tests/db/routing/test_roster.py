"""What the gateway reads of the ladder: the plan's four tiers, a change within two seconds, and no key by accident."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from routing import models, roster
from routing.contracts import Tier
from telemetry import facade
from tests.ladders import restored

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CANARY = "sk-canary-0123456789abcdef"


@pytest.fixture(autouse=True)
def as_it_was(database: None) -> Iterator[None]:
    """The ladder is the instance's: each test leaves it as it found it."""
    with restored():
        yield


def tier(name: str) -> Tier:
    roster.forget()
    return next(one for one in roster.current(now=NOW).tiers if one.name == name)


def test_an_instance_begins_with_the_four_tiers_of_the_plan() -> None:
    tiers = roster.current(now=NOW).tiers
    assert [(one.position, one.name, one.share, one.is_free) for one in tiers] == [
        (1, "qwen3", 0.80, True),
        (2, "trinity", 0.15, True),
        (3, "qwen3-coder", 0.04, True),
        (4, "kimi", 0.01, False),
    ]
    assert [one.provider.name for one in tiers] == ["local", "openrouter", "openrouter", "openrouter"]
    assert (tiers[0].concurrency, tiers[0].provider.is_local, tiers[0].trouble) == (1, True, "")
    assert [one.quota.group if one.quota else "" for one in tiers] == ["", "openrouter-free", "openrouter-free", ""]
    assert (tiers[0].input_nanousd, tiers[3].input_nanousd) == (0, None)  # kimi costs what the price book says


def test_a_change_is_seen_when_two_seconds_are_over_and_costs_one_small_question_until_then() -> None:
    before = roster.current(now=NOW)
    models.Tier.objects.filter(name="kimi").update(model="moonshotai/kimi-k3")
    assert roster.current(now=NOW + timedelta(seconds=2)) is before
    after = roster.current(now=NOW + timedelta(seconds=2.1))
    assert after.tiers[3].model == "moonshotai/kimi-k3"
    assert after.version != before.version
    with CaptureQueriesContext(connection) as asked:
        assert roster.current(now=NOW + timedelta(seconds=5)).tiers is after.tiers
    assert len(asked) == 1


def test_threads_that_come_at_once_read_it_once() -> None:
    found: list[roster.Roster] = []

    def read() -> None:
        found.append(roster.current(now=NOW))
        connection.close()

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len({id(one) for one in found}) == 1


def test_without_the_database_what_was_read_holds_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = roster.current(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (number,) = cursor.fetchone()
        with pytest.raises(Exception, match=r"terminat|closed"):
            cursor.execute("SELECT pg_terminate_backend(%s)", [number])
    after = roster.current(now=NOW + timedelta(seconds=3))
    assert after.tiers == before.tiers
    assert roster.current(now=NOW + timedelta(seconds=6)).tiers == before.tiers  # and the connection is a new one


def test_a_key_comes_from_its_variable_then_from_its_seal_and_a_tier_without_one_says_so(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    assert tier("kimi").trouble == roster.NO_KEY
    models.Provider.objects.filter(name="openrouter").update(sealed_key=facade.seal_key(CANARY))
    assert (tier("kimi").provider.secret, tier("kimi").trouble) == (CANARY, "")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-of-the-environment")
    assert tier("kimi").provider.secret == "sk-of-the-environment"
    monkeypatch.delenv("OPENROUTER_API_KEY")
    settings.SECRET_KEY = "another one"
    assert "another TLOI_SECRET_KEY" in tier("kimi").trouble


def test_no_repr_shows_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", CANARY)
    assert tier("kimi").provider.secret == CANARY
    assert "canary" not in f"{roster.current(now=NOW)!r} {tier('kimi')!r} {tier('kimi').provider}"


def test_an_alias_of_a_key_comes_before_one_for_every_key() -> None:
    kimi = models.Tier.objects.get(name="kimi")
    models.Alias.objects.create(name="gpt-4o-mini")
    models.Alias.objects.create(key_id=7, name="gpt-4o-mini", tier=kimi)
    found = roster.current(now=NOW)
    assert found.target(7, "gpt-4o-mini") == "tier:4"
    assert found.target(8, "gpt-4o-mini") == "auto"
    assert found.target(8, "gpt-5") is None


def test_a_tier_that_is_not_in_use_is_not_in_the_roster_and_a_vanished_model_is_named() -> None:
    models.Tier.objects.filter(name="trinity").update(is_enabled=False)
    models.Tier.objects.filter(name="qwen3").update(vanished_at=NOW)
    assert tier("qwen3").trouble == roster.GONE
    assert "trinity" not in [one.name for one in roster.current(now=NOW).tiers]


def test_the_model_that_a_setting_names_is_that_of_the_tier_which_tloi_starts(settings: Settings) -> None:
    assert (tier("qwen3").model, tier("qwen3").provider.base_url) == ("default_model", "http://127.0.0.1:8080/v1")
    settings.LOCAL_MODEL, settings.LOCAL_MODEL_URL = "mlx-community/Qwen3-8B-4bit", "http://127.0.0.1:9090/v1"
    assert tier("qwen3").model == "mlx-community/Qwen3-8B-4bit"
    assert tier("qwen3").provider.base_url == "http://127.0.0.1:9090/v1"
