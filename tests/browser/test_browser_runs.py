"""Executions and Sessions as people see them: lists that lead to their pages, curves with twins, small screens."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from telemetry.contracts import Call
from telemetry.models import Project
from tests.browsing import Tab
from tests.made_runs import AT, anomaly_of, run_of
from tests.page_reading import store

pytestmark = pytest.mark.browser
DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
HOSTILE = "../\u202e<script>document.title='x'</script>%2F"
PATHS = (f"/executions/?{DAYS}", f"/sessions/?{DAYS}", f"/executions/run-1/?{DAYS}", f"/sessions/s-1/?{DAYS}")


@pytest.fixture(autouse=True)
def runs(project: Project) -> None:
    """A run of a session with a sub-agent, and one whose every word is hostile."""
    calls = [
        Call(
            id=f"call-{n}",
            started_at=AT + timedelta(seconds=20 * n),
            model="claude-opus-4-5",
            input_uncached=1000 * (n + 1),
            output=40,
            cost_usd=Decimal("0.01") * (n + 1),
            agent="builder",
            session_id="s-1",
            subagent_id="helper" if n % 4 == 3 else "",
            execution_id="run-1",
        )
        for n in range(12)
    ]
    store(project, calls)
    anomaly_of(run_of(project, "run-1", calls, session_id="s-1", task_id="sync", task_key="sync", errors=1))
    words = dict.fromkeys(("task_id", "task_key", "agent", "model", "status", "session_id", "objective"), HOSTILE * 4)
    fields: dict[str, str] = words
    run_of(project, HOSTILE, calls[:1], **dict(fields))


@pytest.mark.parametrize("path", PATHS[2:])
def test_curves_are_drawn_and_have_their_twins(tab: Tab, path: str) -> None:
    tab.open(path)
    for name in ("context", "spending"):
        panel = tab.page.locator(f"#panel-{name}")
        expect(panel.locator(".plot[data-drawn] .scatterlayer .trace")).to_have_count(2 if name == "context" else 1)
        panel.get_by_text("Show as a table").click()
        expect(panel.locator("tbody tr")).to_have_count(12)
    assert tab.page.get_by_text("Share chart").count() == 0


@pytest.mark.parametrize("width", [360, 400, 768, 1024])
def test_no_page_is_wider_than_its_screen(tab: Tab, width: int) -> None:
    tab.page.set_viewport_size({"width": width, "height": 800})
    for path in PATHS:
        tab.open(path)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_row_leads_to_its_run_and_that_to_its_session_and_back_to_the_range(tab: Tab) -> None:
    tab.open(f"/executions/?{DAYS}")
    tab.page.locator("tbody tr").filter(has_text="run-1").locator("td").nth(6).click()
    expect(tab.page).to_have_url(re.compile(r"/executions/run-1/\?"))
    expect(tab.page.locator("h1")).to_have_text("sync")
    tab.page.get_by_role("link", name="s-1").click()
    expect(tab.page.locator("h1")).to_have_text("Session")
    expect(tab.page.locator("#rail [aria-current]")).to_have_text("Sessions")
    tab.page.locator("#rail").get_by_role("link", name="Executions").click()
    expect(tab.page.locator("tbody tr")).to_have_count(2)
    assert tab.page.url.endswith(f"/executions/?{DAYS}")


def test_hostile_words_are_inert_and_their_links_lead_to_the_run(tab: Tab) -> None:
    tab.open(f"/executions/?{DAYS}")
    tab.page.locator("tbody tr").filter(has_not_text="run-1").locator("th a").click()
    expect(tab.page.locator("#key")).to_have_text(HOSTILE)
    assert "/executions/" in tab.page.url
    assert tab.page.title() != "x"
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 1400
