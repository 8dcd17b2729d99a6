"""Reports in a real browser: a calendar that fits, a report that is printed without what stands around it."""

from __future__ import annotations

import pytest

from telemetry.models import Project
from tests.browsing import Tab
from tests.page_reading import invented_calls, store
from tests.reports import Ledger, make_report

pytestmark = pytest.mark.browser
HOSTILE = f"<script>alert(1)</script> =cmd() \u202e{'x' * 150}"


@pytest.fixture
def reported(project: Project) -> None:
    """A day with a report, in which a name is hostile and long."""
    store(project, invented_calls(3))
    ledger = Ledger(project.pk)
    ledger.run("run-1", agent=HOSTILE)
    ledger.anomaly("run-1", severity="high", task_id=HOSTILE, tokens_wasted=100)
    make_report(project, "2025-11-06")


def overflow(tab: Tab) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


@pytest.mark.usefixtures("reported")
def test_a_day_of_the_calendar_leads_to_its_report_and_back(tab: Tab) -> None:
    tab.open("/reports/?month=2025-11")
    tab.page.get_by_role("link", name="6 November 2025: 1 high").click()
    tab.page.get_by_role("heading", name="Daily report: 6 November 2025").wait_for()
    tab.page.get_by_role("link", name="Calendar").click()
    tab.page.get_by_role("heading", name="November 2025").wait_for()


@pytest.mark.usefixtures("reported")
@pytest.mark.parametrize("address", ["/reports/?month=2025-11", "/reports/daily/2025-11-06/"])
def test_a_narrow_window_is_not_scrolled_sideways(tab: Tab, address: str) -> None:
    tab.page.set_viewport_size({"width": 400, "height": 900})
    tab.open(address)
    assert overflow(tab) == 0


@pytest.mark.usefixtures("reported")
def test_paper_shows_the_report_alone_and_in_light_colours(tab: Tab) -> None:
    tab.page.emulate_media(color_scheme="dark")
    tab.open("/reports/daily/2025-11-06/")
    around = [tab.page.locator(place) for place in (".rail", ".topbar", ".report-ways")]
    assert all(place.is_visible() for place in around)
    tab.page.emulate_media(media="print", color_scheme="dark")
    assert not any(place.is_visible() for place in around)
    assert tab.page.get_by_role("heading", name="Daily report: 6 November 2025").is_visible()
    ink = tab.page.evaluate("getComputedStyle(document.querySelector('#report-title')).color")
    assert ink == "rgb(22, 32, 42)"
