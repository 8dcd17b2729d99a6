"""The Models page lists what has no price and prices it: for those who may, with what is wrong beside each field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from telemetry.dashboards import price_form
from telemetry.ledger import overrides
from telemetry.models import PriceOverride, Project
from tests.ledger_reading import rows
from tests.page_reading import PageReader, invented_calls, person, store, visitor

DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
PRICE = f"/models/price/?{DAYS}"
FIELDS = {"model": '["local", "house-llama"]', "input_usd": "0.5", "output_usd": "2"}
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture(autouse=True)
def calls(project: Project) -> None:
    """A few days of calls; 63 of house-llama have no price."""
    overrides.forget()
    store(project, invented_calls())


@pytest.fixture
def browser(project: Project) -> Client:
    """An editor's browser."""
    return visitor(project, role="editor")


def test_a_price_prices_the_calls_that_are_there_and_says_what_they_cost(browser: Client, project: Project) -> None:
    response = browser.post(PRICE, FIELDS | {"cache_read_usd": "0.05", "note": "my meter"}, follow=True)
    assert response.redirect_chain == [(f"/models/?{DAYS}#main", 302)]
    one = PriceOverride.objects.get(project=project)
    assert (one.provider, one.model, one.input_usd, one.note) == ("local", "house-llama", Decimal("0.5"), "my meter")
    ours = [call for call in invented_calls() if call.model == "house-llama"]
    expected = sum(
        (call.input_uncached + call.cache_write_5m) * 500 + call.cache_read * 50 + call.output * 2000 for call in ours
    )
    stored = [row for row in rows(project.pk) if row["model"] == "house-llama"]
    assert sum(row["cost_computed_nanousd"] for row in stored) == expected
    assert {row["price_version"] for row in stored} == {f"override {one.pk}"}
    html = response.content.decode()
    assert "house-llama has a price: 63 calls cost $0.02 by it." in html
    assert "panel-unpriced" not in html
    assert "unpriced" not in PageReader(html).tables["panel-models"][-1]


def test_who_made_a_price_is_kept(browser: Client, project: Project) -> None:
    browser.post(PRICE, FIELDS)
    override = PriceOverride.objects.get(project=project)
    entry = LogEntry.objects.get(content_type__model="priceoverride", object_id=str(override.pk))
    assert entry.user == person(project, role="editor")


def test_from_a_day_on_only_later_calls_are_priced(browser: Client, project: Project) -> None:
    browser.post(PRICE, FIELDS | {"valid_from": "2025-10-26"})
    priced = {row["started_at"].date() for row in rows(project.pk) if row["price_version"].startswith("override")}
    assert priced == {date(2025, 10, 26), date(2025, 10, 27)}


def test_a_range_too_long_for_one_request_names_the_command_for_the_rest(
    browser: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_form, "PATIENCE_S", -1.0)
    html = unescape(browser.post(PRICE, FIELDS, follow=True).content.decode())
    assert f"tloi reprice --project {project.slug} --from 2025-10-24 --to " in html
    assert "--model 'house-llama'" in html


@pytest.mark.parametrize(
    ("fields", "at", "says"),
    [
        ({"input_usd": ""}, "input_usd", "Say what a million tokens cost; 0 is a price too."),
        ({"input_usd": "cheap"}, "input_usd", "Enter a number."),
        ({"output_usd": "-1"}, "output_usd", "Ensure this value is greater than or equal to 0."),
        ({"output_usd": "NaN"}, "output_usd", "Enter a number."),
        ({"output_usd": "1e9999"}, "output_usd", "Ensure that there are no more than 12 digits in total."),
        ({"cache_read_usd": "0.12345678"}, "cache_read_usd", "Ensure that there are no more than 6 decimal places."),
        ({"is_free": "on"}, "input_usd", "A free model has no price: leave this empty, or untick free."),
        ({"valid_from": "31.10.2025"}, "valid_from", "Enter a valid date."),
        ({"model": ""}, "model", "Choose a model of the list."),
        ({"model": "house-llama"}, "model", "Choose a model of the list."),
        ({"model": '["", ""]'}, "model", "Choose a model of the list."),
        ({"model": '["", "a\\u0000"]'}, "model", "Choose a model of the list."),
        ({"model": f'["", "{"a" * 201}"]'}, "model", "Choose a model of the list."),
    ],
)
def test_what_is_wrong_stands_once_beside_its_field(
    browser: Client, project: Project, fields: dict[str, str], at: str, says: str
) -> None:
    response = browser.post(PRICE, FIELDS | fields)
    html = unescape(response.content.decode())
    assert response.status_code == 422
    assert html.count('class="error"') == 1 + ("is_free" in fields)
    assert f'<div id="id_{at}_error"><small class="error">{says}</small></div>' in html
    assert '<details class="price" open>' in html
    assert not PriceOverride.objects.filter(project=project).exists()


def test_a_model_that_has_a_price_already_is_refused_in_a_sentence(browser: Client, project: Project) -> None:
    PriceOverride.objects.create(
        project=project, provider="local", model="house-llama", is_free=True, valid_from=date(2026, 1, 1)
    )
    response = browser.post(PRICE, FIELDS)
    assert response.status_code == 422
    assert "prices house-llama from 2026-01-01 to further notice. End it first" in response.content.decode()


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("editor", True), ("viewer", False)])
def test_who_may_price_sees_the_form_and_who_only_looks_does_not(project: Project, role: str, may: bool) -> None:
    browser = visitor(project, role=role)
    html = browser.get(f"/models/?{DAYS}").content.decode()
    assert ("/models/price/" in html) is may
    assert ("An owner or editor of this project sets prices here." in html) is not may
    assert browser.post(PRICE, FIELDS).status_code == (302 if may else 403)
    assert PriceOverride.objects.filter(project=project).exists() is may


def test_a_price_needs_the_pages_token(project: Project) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person(project), backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post(PRICE, FIELDS).status_code == 403
    assert not PriceOverride.objects.filter(project=project).exists()


def test_where_every_call_has_a_price_there_is_no_form(browser: Client) -> None:
    html = browser.get(f"/models/?{DAYS}&model=gpt-5").content.decode()
    assert "/models/price/" not in html
    assert "sets prices here" not in html


def test_a_price_is_for_this_project_only(browser: Client, project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-other")
    store(other, invented_calls(6))
    browser.post(PRICE, FIELDS)
    assert {row["price_version"] for row in rows(other.pk) if row["model"] == "house-llama"} == {""}
