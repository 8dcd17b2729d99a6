"""The trends page in a real browser: its figures are drawn, its rows lead on, and it is no wider than the window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from telemetry.models import Project
from tests.browsing import Tab
from tests.page_reading import invented_calls, store
from tests.trending import DAY, judged, runs, usual_verdict, verdict

EVIL = "<script>alert(1)</script>" + "x" * 250
pytestmark = pytest.mark.browser


def test_a_row_leads_to_its_bands_and_nothing_is_wider_than_the_window(tab: Tab, project: Project) -> None:
    store(project, invented_calls(1, first=datetime(2026, 11, 10, 12, tzinfo=UTC)))
    for back in range(9, 0, -1):
        runs(project, DAY - timedelta(days=back), 3, agent=EVIL)
        usual_verdict(project, DAY - timedelta(days=back), name=EVIL)
    runs(project, DAY, 5, agent=EVIL)
    verdict(project, name=EVIL)
    judged(project, *(DAY - timedelta(days=back) for back in range(9, -1, -1)))
    tab.page.set_viewport_size({"width": 400, "height": 900})
    tab.open(f"/trends/?day={DAY}")
    expect(tab.page.locator("#panel-change [data-drawn]")).to_be_visible()
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 400
    tab.page.locator("#panel-unusual a.row").click()
    expect(tab.page.locator("#panel-intensity figcaption")).to_contain_text("usually 800 to 1,250 by thirty days")
    tab.settle()
    expect(tab.page.locator("#panel-intensity .legendtext", has_text="Usual, 7 days")).to_be_visible()
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 400
    tab.page.get_by_role("link", name="Day before").click()
    expect(tab.page.get_by_text("Nothing of this day is unusual.")).to_be_visible()
