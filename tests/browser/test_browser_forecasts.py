"""Forecasts in a real browser: both charts are drawn, and a narrow window is not scrolled sideways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telemetry.models import Project
from tests.browsing import Tab
from tests.forecasts import ended, forecast_of
from tests.page_reading import invented_calls, store

pytestmark = pytest.mark.browser
HOSTILE = f"<script>alert(1)</script> =cmd() \u202e{'x' * 150}"


@pytest.mark.parametrize("width", [400, 1440])
def test_the_page_is_drawn_and_fits(tab: Tab, project: Project, width: int) -> None:
    now = datetime.now(UTC)
    store(project, invented_calls(3))
    for number in range(40):
        at = now - timedelta(hours=6 * number + 1)
        ended(project, at=at, tokens=3_000 * number, agent=HOSTILE if number % 9 == 0 else "builder", warns=number > 33)
    forecast_of(project, HOSTILE, at=now, task_id=HOSTILE)
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.open("/forecasts/?range=30d")
    assert tab.page.locator("[data-drawn]").count() == 2
    assert tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    tab.page.get_by_role("link", name="Likeliest to exceed").click()
    tab.page.wait_for_url("**sort=likeliest**")
