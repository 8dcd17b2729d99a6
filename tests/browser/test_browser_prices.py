"""A model is priced in a real browser, with and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from telemetry.models import Project
from tests.browsing import log_in, new_tab
from tests.page_reading import invented_calls, store

DAYS = "from=2025-10-24&to=2025-10-27"
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_wrong_price_is_explained_and_a_right_one_prices_the_calls(
    chromium: Browser, web: str, project: Project, with_scripts: bool
) -> None:
    store(project, invented_calls())
    context = chromium.new_context(java_script_enabled=with_scripts)
    tab = new_tab(context, web)
    log_in(tab, project, role="editor")
    tab.page.goto(f"{web}/models/?{DAYS}")
    tab.page.get_by_text("Set a price").click()
    tab.page.get_by_label("Input", exact=True).fill("0.5")
    tab.page.get_by_role("button", name="Set the price").click()
    field = tab.page.get_by_label("Output", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(tab.page.locator("#id_output_usd_error")).to_have_text("Say what a million tokens cost; 0 is a price too.")
    expect(tab.page.get_by_label("Input", exact=True)).to_have_value("0.5")
    field.fill("2")
    tab.page.get_by_role("button", name="Set the price").click()
    expect(tab.page.get_by_role("status").first).to_contain_text("house-llama has a price: 63 calls cost")
    expect(tab.page.locator("#panel-unpriced")).to_have_count(0)
    assert [said for said in tab.complaints if "422" not in said] == []
    context.close()
