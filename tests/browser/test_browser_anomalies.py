"""Anomalies are opened and judged in a real browser, with and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from telemetry.models import Project
from tests.anomalies import AT, anomaly, state_of
from tests.browsing import Tab, log_in, new_tab
from tests.page_reading import invented_calls, store

PAGE = "/anomalies/?from=2025-11-06&to=2025-11-06"
pytestmark = pytest.mark.browser


def filled(project: Project) -> None:
    """Two anomalies of a project that has calls."""
    store(project, invented_calls(6, first=AT))
    anomaly(project.pk, "a", task_id="the-high-one")
    anomaly(project.pk, "b", "expensive_task", task_id="the-other")


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_row_opens_its_evidence_and_is_judged(
    chromium: Browser, web: str, project: Project, with_scripts: bool
) -> None:
    filled(project)
    context = chromium.new_context(java_script_enabled=with_scripts)
    tab = new_tab(context, web)
    log_in(tab, project, role="editor")
    tab.page.goto(f"{web}{PAGE}")
    row = tab.page.locator(".finding", has_text="the-high-one")
    expect(row.locator(".evidence")).to_be_hidden()
    row.locator("summary").click()
    expect(row.locator(".evidence")).to_contain_text("52,000 = 77,000")
    row.get_by_label("Note").fill("meant to")
    row.get_by_role("button", name="Not waste").click()
    expect(tab.page.locator("#said")).to_contain_text("1 anomaly marked as not waste.")
    expect(row.locator("summary .verdict")).to_have_text("Not waste")
    expect(tab.page.locator("#card-anomalies")).to_contain_text("1 more judged not waste")
    expect(tab.page.locator("#findings-head")).to_contain_text("Not waste 1")
    assert tab.complaints == []
    context.close()


def test_several_are_chosen_by_one_box_and_judged_at_once(tab: Tab, project: Project) -> None:
    filled(project)
    tab.open(PAGE)
    tab.page.locator("[data-checks]").check()
    tab.page.get_by_role("button", name="Resolved").first.click()
    expect(tab.page.locator("#said")).to_contain_text("2 anomalies marked as resolved.")
    expect(tab.page.locator("summary .verdict.resolved")).to_have_count(2)


def test_a_row_that_no_longer_matches_leaves_the_list(tab: Tab, project: Project) -> None:
    filled(project)
    tab.open(f"{PAGE}&state=new")
    row = tab.page.locator(".finding", has_text="the-other")
    row.locator("summary").click()
    row.get_by_role("button", name="Acknowledged").click()
    expect(row).to_have_count(0)
    expect(tab.page.locator(".finding")).to_have_count(1)


@pytest.mark.parametrize("width", [400, 1440])
def test_the_page_is_no_wider_than_the_window(tab: Tab, project: Project, width: int) -> None:
    filled(project)
    anomaly(project.pk, "x" * 190, "duplicate_work", task_id="y" * 190, agent="z" * 190, model="m" * 190)
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.open(PAGE)
    tab.page.locator("summary", has_text="yyyy").click()
    assert tab.page.evaluate("document.documentElement.scrollWidth") == width


def test_a_row_is_judged_by_keys_alone(tab: Tab, project: Project) -> None:
    filled(project)
    one = anomaly(project.pk, "c", task_id="third")
    tab.open(PAGE)
    row = tab.page.locator(".finding", has_text="third")
    row.locator("summary").click()
    row.get_by_role("button", name="Acknowledged").press("Enter")
    expect(row.locator("summary .verdict")).to_have_text("Acknowledged")
    assert state_of(one)[0] == "acknowledged"
