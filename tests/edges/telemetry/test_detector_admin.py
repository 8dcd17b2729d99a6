"""Rules of detectors in the stock admin: what the numbers mean is shown, an empty one is the default."""

from __future__ import annotations

from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from telemetry.models import DetectorRule, Project
from telemetry.observer.rules import DETECTORS, rules_of
from tests.page_reading import person, visitor

ADD = "/admin/telemetry/detectorrule/add/"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


def test_the_form_shows_every_default_and_what_it_means(admin: Client) -> None:
    html = unescape(admin.get(ADD).content.decode())
    for detector in DETECTORS:
        assert detector.MEANINGS.threshold in html
        assert f"Threshold {detector.DEFAULTS.threshold:,f}" in html


def test_a_rule_is_written_and_says_from_when_on_it_holds(admin: Client, project: Project) -> None:
    form = {"project": str(project.pk), "detector": "expensive_task", "is_enabled": "on", "threshold": "25000"}
    page = admin.post(ADD, form, follow=True)
    assert "It holds for what is judged from now on" in unescape(page.content.decode())
    limits = rules_of(project_id=project.pk).limits["expensive_task"]
    assert (limits.threshold, limits.allowance, limits.floor_tokens) == (Decimal(25_000), Decimal(25_000), 0)


def test_a_negative_number_and_a_second_rule_of_one_detector_are_refused(admin: Client, project: Project) -> None:
    form = {"project": str(project.pk), "detector": "context_bloat", "is_enabled": "on"}
    refused = unescape(admin.post(ADD, form | {"threshold": "-1"}).content.decode())
    assert "greater than or equal to 0" in refused
    admin.post(ADD, form)
    again = unescape(admin.post(ADD, form).content.decode())
    assert "already exists" in again
    assert DetectorRule.objects.filter(project=project).count() == 1


def test_the_project_s_page_shows_the_numbers_in_force(admin: Client, project: Project) -> None:
    DetectorRule.objects.create(project=project, detector="inefficient_task", threshold=Decimal("2.5"))
    html = unescape(admin.get(f"/admin/telemetry/project/{project.pk}/change/").content.decode())
    assert "Threshold 2.5: seconds that a run took, below which it is flagged" in html
    assert "Floor 5,000: tokens above which it is flagged" in html
