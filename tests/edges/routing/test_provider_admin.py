"""Providers in the stock admin: a key goes in and comes out nowhere, and goes to no other host unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from routing.models import Alias, Provider, QuotaGroup, Tier
from telemetry import facade
from telemetry.database import connection
from telemetry.models import ApiKey, Project
from tests.ladders import restored
from tests.page_reading import person, visitor

PROVIDERS, TIERS, ALIASES = "/admin/routing/provider/", "/admin/routing/tier/", "/admin/routing/alias/"
CANARY = "sk-or-v1-canary-canary-canary-wxyz"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture(autouse=True)
def as_it_was(database: None) -> Iterator[None]:
    """The ladder is the instance's."""
    with restored():
        yield


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


def provider_fields(**said: Any) -> dict[str, Any]:
    fields = {"name": "moonshot", "family": "openai", "base_url": "https://api.moonshot.ai/v1", "key": CANARY, **said}
    return {name: value for name, value in fields.items() if value is not None}


def everything_stored() -> str:
    """Every row of every table, as text, but for those of calls."""
    rows: list[Any] = []
    tables = connection().execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND relname ~ '^(routing_|django_|auth_|telemetry_apikey)'"
    )
    for (table,) in tables.fetchall():
        rows += connection().execute(f'SELECT one::text FROM "{table}" AS one').fetchall()
    return "\n".join(str(row) for row in rows)


def test_a_key_goes_in_and_only_its_last_four_characters_come_out(
    admin: Client, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [admin.post(f"{PROVIDERS}add/", provider_fields(), follow=True).content.decode()]
    one = Provider.objects.get(name="moonshot")
    assert facade.unseal_key(one.sealed_key) == CANARY
    paths = ("", f"{one.pk}/change/", f"{one.pk}/history/", f"{one.pk}/delete/")
    pages += [admin.get(f"{PROVIDERS}{path}").content.decode() for path in paths]
    bad = admin.post(f"{PROVIDERS}add/", provider_fields(name="Bad Name", base_url="http://10.0.0.1/")).content.decode()
    assert "TLOI_ALLOW_PRIVATE_UPSTREAM" in bad
    assert not any("canary" in html for html in [*pages, bad])
    assert "…wxyz" in pages[1]
    stored = everything_stored()
    assert one.sealed_key in stored  # so it would have been found
    assert "canary" not in stored
    assert "canary" not in caplog.text


def test_who_changed_what_is_in_the_history(admin: Client) -> None:
    one = Provider.objects.get(name="openrouter")
    admin.post(
        f"{PROVIDERS}{one.pk}/change/",
        provider_fields(name="openrouter", base_url=one.base_url, key_variable=one.key_variable),
    )
    history = admin.get(f"{PROVIDERS}{one.pk}/history/").content.decode()
    assert "Changed" in history
    assert "Key" in history


def test_another_address_asks_for_the_key_again(admin: Client) -> None:
    admin.post(f"{PROVIDERS}add/", provider_fields())
    path = f"{PROVIDERS}{Provider.objects.get(name='moonshot').pk}/change/"
    elsewhere = provider_fields(base_url="https://api.openai.com/v1", key=None)
    assert "enter the key again" in admin.post(path, elsewhere).content.decode()
    assert Provider.objects.get(name="moonshot").base_url == "https://api.moonshot.ai/v1"
    assert admin.post(path, provider_fields(base_url="https://api.moonshot.ai/v2", key=None)).status_code == 302
    assert admin.post(path, elsewhere | {"key": "sk-other"}).status_code == 302
    assert facade.unseal_key(Provider.objects.get(name="moonshot").sealed_key) == "sk-other"


def test_the_key_of_a_variable_goes_to_another_address_only_when_that_is_meant(admin: Client) -> None:
    one = Provider.objects.get(name="openrouter")
    path = f"{PROVIDERS}{one.pk}/change/"
    said = provider_fields(name="openrouter", base_url="https://api.openai.com/v1", key=None)
    said |= {"key_variable": "OPENROUTER_API_KEY"}
    assert "tick that it gets the key" in admin.post(path, said).content.decode()
    assert admin.post(path, said | {"is_meant": "on"}).status_code == 302


def test_what_is_left_empty_is_kept_and_a_key_can_be_forgotten(admin: Client) -> None:
    admin.post(f"{PROVIDERS}add/", provider_fields())
    path = f"{PROVIDERS}{Provider.objects.get(name='moonshot').pk}/change/"
    admin.post(path, provider_fields(key=None))
    assert Provider.objects.get(name="moonshot").sealed_key
    admin.post(path, provider_fields(key=None, forgets_key="on"))
    assert Provider.objects.get(name="moonshot").sealed_key == ""


BAD_PROVIDERS: tuple[tuple[dict[str, str], str], ...] = (
    ({"base_url": "https://example.org/v1"}, "neither a host of TLOI_UPSTREAM_HOSTS"),
    ({"base_url": "http://169.254.169.254/v1"}, "TLOI_ALLOW_PRIVATE_UPSTREAM"),
    ({"base_url": "https://sk-1:x@openrouter.ai/v1"}, "no name or password"),
    ({"base_url": "https://api.anthropic.com/v1", "family": "anthropic"}, "ends before /v1"),
    ({"key": "sk-canary with a space"}, "A key has no spaces"),
    ({"key_variable": "TLOI_SECRET_KEY"}, "_API_KEY"),
    ({"key_variable": "DATABASE_URL"}, "_API_KEY"),
    ({"name": "Open Router"}, "Lower-case letters"),
    ({"name": "openrouter"}, "already exists"),
    ({"is_managed": "on"}, "Another provider is the one that TLOI starts"),
)


def test_a_provider_that_cannot_be_asked_is_refused_in_a_sentence(admin: Client) -> None:
    for said, says in BAD_PROVIDERS:
        html = unescape(admin.post(f"{PROVIDERS}add/", provider_fields(**said)).content.decode())
        assert says in html, said
        assert "canary" not in html
    assert not Provider.objects.filter(name="moonshot").exists()


def test_another_secret_key_asks_to_enter_it_again(admin: Client, project: Project, settings: Settings) -> None:
    admin.post(f"{PROVIDERS}add/", provider_fields())
    settings.SECRET_KEY = "another one, since the data folder moved"
    assert "enter it again" in visitor(project).get(PROVIDERS).content.decode()


def shares(**said: tuple[bool, str]) -> dict[str, Any]:
    """The list of tiers as it is posted: of each whether it is in use, and its share."""
    tiers = list(Tier.objects.order_by("position"))
    rows: dict[str, Any] = {"form-TOTAL_FORMS": len(tiers), "form-INITIAL_FORMS": len(tiers), "_save": "Save"}
    for number, tier in enumerate(tiers):
        is_enabled, share = said.get(tier.name.replace("-", "_"), (tier.is_enabled, str(tier.share_percent)))
        rows |= {f"form-{number}-id": tier.pk, f"form-{number}-share_percent": share}
        rows |= {f"form-{number}-is_enabled": "on"} if is_enabled else {}
    return rows


def test_shares_are_changed_together_and_make_a_hundred(admin: Client) -> None:
    wrong = unescape(admin.post(TIERS, shares(qwen3=(True, "70"))).content.decode())
    assert "make 90.00 %, and must make 100 %" in wrong
    idle = unescape(admin.post(TIERS, shares(qwen3=(False, "80"))).content.decode())
    assert "qwen3: a tier that is not in use has a share of 0." in idle
    assert [str(tier.share_percent) for tier in Tier.objects.all()] == ["80.00", "15.00", "4.00", "1.00"]
    assert admin.post(TIERS, shares(qwen3=(True, "70"), trinity=(True, "25"))).status_code == 302
    assert [str(tier.share_percent) for tier in Tier.objects.all()] == ["70.00", "25.00", "4.00", "1.00"]


def tier_fields(**said: Any) -> dict[str, Any]:
    provider = Provider.objects.get(name="openrouter").pk
    fields = {"position": 5, "name": "glm", "provider": provider, "model": "z-ai/glm-5", "context_window": 128_000}
    limits = {"queue": 0, "connect_s": 5, "first_token_s": 10, "silence_s": 20, "total_s": 600, "whole_s": 120}
    return fields | limits | said


def test_a_new_tier_begins_without_a_share_and_is_deleted_only_without_one(admin: Client) -> None:
    page = unescape(admin.post(f"{TIERS}add/", tier_fields(share_percent="50"), follow=True).content.decode())
    assert "give it a share" in page
    glm, kimi = Tier.objects.get(name="glm"), Tier.objects.get(name="kimi")
    assert (glm.is_enabled, glm.share_percent) == (False, Decimal(0))
    assert admin.post(f"{TIERS}{kimi.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.post(f"{TIERS}{glm.pk}/delete/", {"post": "yes"}).status_code == 302


BAD_TIERS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"position": 1}, "Position already exists"),
    ({"position": 0}, "greater than or equal to 1"),
    ({"is_free": "on", "input_usd": "1"}, "A free tier has no price"),
    ({"input_usd": "1"}, "Say both prices"),
    ({"input_usd": "0.0005", "output_usd": "1"}, "no more than 3 decimal places"),
    ({"max_output": 200_000}, "a part of the context window"),
    ({"queue": 3}, "Nothing waits"),
    ({"name": "tier:5"}, "mean something else"),
    ({"first_token_s": 0}, "greater than or equal to 0.05"),
    ({"name": "kimi"}, "already exists"),
)


def test_a_tier_that_cannot_be_meant_is_refused_in_a_sentence(admin: Client) -> None:
    for said, says in BAD_TIERS:
        assert says in unescape(admin.post(f"{TIERS}add/", tier_fields(**said)).content.decode()), said
    assert not Tier.objects.filter(name="glm").exists()


def test_a_vanished_model_is_shown_until_another_is_named(admin: Client) -> None:
    kimi = Tier.objects.get(name="kimi")
    Provider.objects.update(sealed_key=facade.seal_key(CANARY))
    Tier.objects.filter(pk=kimi.pk).update(vanished_at="2026-11-28T12:00:00Z")
    assert "no longer offers the model (looked for at 2026-11-28 12:00 UTC)" in admin.get(TIERS).content.decode()
    fields = tier_fields(position=4, name="kimi", model="moonshotai/kimi-k3", context_window=262_144)
    assert admin.post(f"{TIERS}{kimi.pk}/change/", fields).status_code == 302
    assert "no longer offers" not in admin.get(TIERS).content.decode()


def test_an_alias_is_for_a_key_that_is_chosen_or_for_every_key(admin: Client, project: Project, key: str) -> None:
    mine, kimi = ApiKey.objects.get(project=project), Tier.objects.get(name="kimi")
    form = admin.get(f"{ALIASES}add/").content.decode()
    assert f"{project.slug}: test ({mine.prefix})" in form
    assert key not in form
    assert admin.post(f"{ALIASES}add/", {"key_id": mine.pk, "name": "gpt-4o", "tier": kimi.pk}).status_code == 302
    assert admin.post(f"{ALIASES}add/", {"key_id": "", "name": "gpt-4o", "tier": ""}).status_code == 302
    assert set(Alias.objects.values_list("key_id", "tier__name")) == {(mine.pk, "kimi"), (None, None)}
    twice = unescape(admin.post(f"{ALIASES}add/", {"key_id": "", "name": "gpt-4o", "tier": ""}).content.decode())
    assert re.search(r"already exists|is violated", twice)
    assert "mean something already" in admin.post(f"{ALIASES}add/", {"name": "tier:2"}).content.decode()
    listed = admin.get(ALIASES).content.decode()
    assert "every key" in listed
    assert "the ladder" in listed


def test_a_quota_group_that_tiers_count_in_is_not_deleted(admin: Client) -> None:
    group = QuotaGroup.objects.get(name="openrouter-free")
    admin.post(f"/admin/routing/quotagroup/{group.pk}/delete/", {"post": "yes"})
    assert QuotaGroup.objects.filter(pk=group.pk).exists()
