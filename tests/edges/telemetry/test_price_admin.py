"""Prices in the stock admin: written, refused and kept with their history."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from telemetry.ledger.pricing import PRICE_VERSION
from telemetry.models import PriceOverride, Project
from tests.page_reading import person, visitor

ADD = "/admin/telemetry/priceoverride/add/"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


def fields(project: Project, **said: str) -> dict[str, str]:
    return {"project": str(project.pk), "model": "house-*", "input_usd": "0.5", "output_usd": "2", **said}


def test_a_price_is_written_and_says_how_to_price_what_is_there(admin: Client, project: Project) -> None:
    page = admin.post(ADD, fields(project, valid_from="2026-11-01"), follow=True)
    one = PriceOverride.objects.get(project=project)
    command = f"tloi reprice --from 2026-11-01 --to DATE --project {project.slug} --model 'house-*'"
    assert command in unescape(page.content.decode())
    assert LogEntry.objects.filter(object_id=str(one.pk)).count() == 1


def test_a_change_stands_in_its_history(admin: Client, project: Project) -> None:
    admin.post(ADD, fields(project))
    one = PriceOverride.objects.get(project=project)
    admin.post(f"/admin/telemetry/priceoverride/{one.pk}/change/", fields(project, output_usd="3"))
    html = admin.get(f"/admin/telemetry/priceoverride/{one.pk}/history/").content.decode()
    assert "Changed Output, $ per million tokens." in html


def test_overlapping_days_are_refused_in_a_sentence(admin: Client, project: Project) -> None:
    admin.post(ADD, fields(project))
    html = unescape(admin.post(ADD, fields(project, valid_from="2026-11-01")).content.decode())
    assert re.search(r"Override \d+ prices house-\* from ever to further notice\. End it first", html)
    assert PriceOverride.objects.filter(project=project).count() == 1


def test_a_free_model_with_a_price_is_refused_at_the_price(admin: Client, project: Project) -> None:
    html = admin.post(ADD, fields(project, is_free="on")).content.decode()
    assert html.count("A free model has no price") == 2


def test_price_tables_are_looked_at_and_not_changed(admin: Client) -> None:
    address = "/admin/telemetry/priceversion/"
    assert PRICE_VERSION in admin.get(address).content.decode()
    assert admin.get(f"{address}add/").status_code == 403


def test_a_project_goes_with_its_prices(admin: Client, project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-other")
    PriceOverride.objects.create(project=other, model="x", is_free=True)
    admin.post(f"/admin/telemetry/project/{other.pk}/delete/", {"post": "yes"})
    assert not PriceOverride.objects.filter(model="x", project_id=other.pk).exists()
