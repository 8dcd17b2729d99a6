"""Connect, Live and Invoice as people see them: what changes by itself, what stands still, and what is copied."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from telemetry.contracts import Call
from telemetry.models import Project
from tests.api_calls import call, send
from tests.browsing import Tab, log_in, new_tab
from tests.page_reading import invented_calls, rows_of_csv, store

pytestmark = pytest.mark.browser
PAGES = ("/connect/", "/live/", "/invoice/")
COSTS = "usage_date_utc,model,cost_usd\n2026-03-03,Claude Haiku 4.5,2.00\n2026-03-04,Claude Opus 4.5,4.00\n"
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def now_call(name: str, **fields: object) -> dict[str, object]:
    """A call of this moment."""
    return call(name, started_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **fields)


def test_a_card_turns_green_by_itself_when_the_first_call_arrives(tab: Tab, key: str) -> None:
    tab.open("/connect/")
    state = tab.page.locator("#state-curl .state")
    expect(state).to_have_text("nothing received yet")
    tab.page.evaluate("window.stays = 'the same document'")
    send(tab.address, key, now_call("first"))
    expect(state).to_have_text("receiving", timeout=10_000)
    expect(state).to_have_class("state receiving")
    expect(tab.page.locator("#state-curl")).to_contain_text("1 call in 24 h")
    expect(tab.page.locator("#state-codex .state")).to_have_text("nothing received yet")
    assert tab.page.evaluate("window.stays") == "the same document"


def test_a_selection_and_an_open_detail_outlive_the_news(tab: Tab, key: str) -> None:
    tab.open("/connect/")
    detail = tab.page.locator("#source-claude-code details.where")
    detail.locator("summary").click()
    tab.page.evaluate("getSelection().selectAllChildren(document.getElementById('snippet-claude-code-1'))")
    send(tab.address, key, now_call("first"))
    expect(tab.page.locator("#state-curl .state")).to_have_text("receiving", timeout=10_000)
    expect(detail).to_have_attribute("open", "")
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" in tab.page.evaluate("String(getSelection())")


def test_lines_are_copied_with_the_key_that_was_made(tab: Tab) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open("/connect/")
    tab.page.get_by_role("button", name="Make a key").click()
    tab.page.locator("[data-copies=snippet-claude-code-1]").click()
    expect(tab.page.locator("#announce")).to_have_text("Copied")
    copied = str(tab.page.evaluate("navigator.clipboard.readText()"))
    assert re.search(r'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer tloi_[a-z0-9]{8}_[\w-]{43}"', copied)
    assert copied == tab.page.locator("#snippet-claude-code-1").inner_text()


@pytest.mark.slow
def test_a_call_is_on_the_live_page_within_five_seconds(tab: Tab, key: str, project: Project) -> None:
    store(project, [Call(id="old", started_at=datetime.now(UTC) - timedelta(minutes=1), model="m", agent="old")])
    tab.open("/live/")
    tab.page.wait_for_timeout(9000)  # idle long enough for the pauses to have grown
    sent = time.monotonic()
    send(tab.address, key, now_call("new", agent="fresh"))
    expect(tab.page.locator("#live tbody tr").first).to_contain_text("fresh", timeout=5000)
    assert time.monotonic() - sent < 5
    expect(tab.page.locator("#live tr.new")).to_have_count(1)
    expect(tab.page.locator("#live tbody tr")).to_have_count(2)


def test_news_keep_the_place_that_was_scrolled_to(tab: Tab, key: str, project: Project) -> None:
    store(project, invented_calls(100, first=datetime.now(UTC) - timedelta(hours=60)))
    tab.open("/live/")
    tab.page.evaluate("scrollTo(0, 700)")
    send(tab.address, key, now_call("new", agent="fresh"))
    expect(tab.page.locator("#live tbody tr").first).to_contain_text("fresh", timeout=10_000)
    assert abs(tab.page.evaluate("scrollY") - 700) < 60


def test_a_paused_page_stands_still_and_goes_on(tab: Tab, key: str, project: Project) -> None:
    store(project, invented_calls(3))
    tab.open("/live/")
    tab.page.keyboard.press("p")
    expect(tab.page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")
    tab.page.wait_for_timeout(500)
    tab.requests.clear()
    send(tab.address, key, now_call("new", agent="fresh"))
    tab.page.wait_for_timeout(5000)
    assert tab.asked("/live/") == 0
    tab.page.get_by_role("button", name="Go on").click()
    expect(tab.page.locator("#live tbody tr").first).to_contain_text("fresh", timeout=2000)


@pytest.mark.parametrize("path", ["/live/", "/connect/"])
def test_a_tab_that_nobody_sees_asks_for_nothing_and_for_all_when_it_is_seen(tab: Tab, path: str) -> None:
    tab.open(path)
    tab.page.evaluate(HIDE, True)
    tab.page.wait_for_timeout(500)
    tab.requests.clear()
    tab.page.wait_for_timeout(5000)
    assert tab.requests == []
    with tab.page.expect_request(re.compile("seen="), timeout=1000):
        tab.page.evaluate(HIDE, False)


@pytest.mark.slow
def test_an_idle_page_asks_ever_more_seldom(tab: Tab) -> None:
    tab.open("/connect/")
    tab.requests.clear()
    tab.page.wait_for_timeout(15_000)
    assert 2 <= tab.asked("seen=") <= 4  # at 2, 5, 9.5 s and 16.25 s; every 2 s it would be 7


def test_a_page_that_was_left_asks_for_no_news(tab: Tab) -> None:
    tab.open("/live/")
    tab.page.locator("#rail").get_by_role("link", name="Invoice").click()
    expect(tab.page.locator("h1")).to_have_text("Invoice")
    tab.requests.clear()
    tab.page.wait_for_timeout(4500)
    assert [request.url for request in tab.requests if "/static/" not in request.url] == []
    tab.page.locator("#rail").get_by_role("link", name="Live").click()
    expect(tab.page.locator("h1")).to_have_text("Live")
    with tab.page.expect_request(re.compile("seen="), timeout=4000):
        pass


def test_news_are_not_announced_as_a_new_page(tab: Tab, key: str, project: Project) -> None:
    store(project, invented_calls(3))
    tab.open("/models/?range=all")
    tab.page.locator("#rail").get_by_role("link", name="Live").click()
    expect(tab.page.locator("#announce")).to_have_text(re.compile("^Live"))
    tab.page.evaluate("document.getElementById('announce').textContent = ''")
    send(tab.address, key, now_call("new", agent="fresh"))
    expect(tab.page.locator("#live tbody tr").first).to_contain_text("fresh", timeout=10_000)
    expect(tab.page.locator("#announce")).to_have_text("")


def test_a_session_that_ends_leads_to_the_login_and_back_to_the_page(tab: Tab) -> None:
    tab.open("/live/")
    tab.page.context.clear_cookies()
    expect(tab.page.locator("h1")).to_have_text("Log in", timeout=10_000)
    assert "next=/live/" in tab.page.url


def test_a_file_is_compared_and_downloaded(tab: Tab, tmp_path: Path) -> None:
    costs = tmp_path / "costs.csv"
    costs.write_text(COSTS)
    tab.open("/invoice/")
    tab.page.locator("input[type=file]").set_input_files(costs)
    tab.page.get_by_role("button", name="Compare").first.click()
    expect(tab.page.locator("#panel-models tfoot")).to_contain_text("$6.00")
    with tab.page.expect_download() as download:
        tab.page.locator("#panel-models").get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "models.csv")
    assert rows_of_csv((tmp_path / "models.csv").read_bytes())[-1][:2] == ["Total", "6"]
    tab.page.get_by_role("button", name="Remove this invoice").click()
    expect(tab.page.locator("h2").first).to_have_text("No invoice yet")


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_its_screen(tab: Tab, project: Project, path: str, width: int) -> None:
    store(project, invented_calls(20))
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.open(path)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_pages_say_the_same_without_javascript(chromium: Browser, web: str, project: Project) -> None:
    store(project, invented_calls(4))
    context = chromium.new_context(java_script_enabled=False)
    tab = new_tab(context, web)
    log_in(tab, project)
    tab.page.goto(f"{web}/live/")
    assert tab.page.locator("#live tbody tr").count() == 4
    expect(tab.page.locator("[data-pauses]")).to_be_hidden()
    tab.page.locator("#live").get_by_role("link", name="builder").first.click()
    expect(tab.page.get_by_role("link", name="agent: builder")).to_be_visible()
    tab.page.goto(f"{web}/connect/")
    expect(tab.page.locator("#source-gemini")).to_contain_text("otlpEndpoint")
    assert tab.complaints == []
    context.close()
