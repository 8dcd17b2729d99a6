"""The first minutes: coming in, a project without calls, and the moment when the first call arrives."""

from __future__ import annotations

import json
import re
import shlex
import urllib.request
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, expect

from telemetry.models import Project
from tests.browsing import Tab, new_tab

pytestmark = pytest.mark.browser


def run_curl(words: str) -> dict[str, object]:
    """Do what a `curl` command line says, without curl."""
    parts = shlex.split(words.replace("\\\n", " "))
    pairs = list(pairwise(parts))
    address = next(value for option, value in pairs if option == "POST")
    headers = dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    body = next(value for option, value in pairs if option == "-d").encode()
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=10) as answer:
        receipt: dict[str, object] = json.load(answer)
        return receipt


def test_a_start_page_makes_a_key_whose_command_works_and_then_shows_the_call(tab: Tab) -> None:
    tab.open("/")
    expect(tab.page.locator("h2").first).to_contain_text("No calls yet")
    assert tab.asked("plotly") == 0
    tab.page.get_by_role("button", name="Make a key").click()
    command = tab.page.locator("#snippet-curl").inner_text()
    assert re.search(r"Bearer tloi_[a-z0-9]{8}_", command)
    tab.page.goto(f"{tab.address}/")
    assert run_curl(command)["accepted"] == 1
    expect(tab.page.locator("#card-calls data")).to_have_text("1", timeout=15_000)
    tab.settle()


def test_a_command_is_copied_and_said_to_be(tab: Tab) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open("/")
    tab.page.locator("[data-copies=snippet-make]").click()
    expect(tab.page.locator("#announce")).to_have_text("Copied")
    assert tab.page.evaluate("navigator.clipboard.readText()") == "make import"


@pytest.mark.parametrize("path", ["/", "/login/", "/?range=nonsense"])
def test_plain_pages_fit_a_small_screen(tab: Tab, path: str) -> None:
    tab.page.set_viewport_size({"width": 360, "height": 740})
    tab.open(path)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
    tab.complaints[:] = [said for said in tab.complaints if "400" not in said]


def test_a_stranger_is_asked_to_log_in_and_a_used_link_explains_itself(
    chromium: Browser, web: str, project: Project
) -> None:
    context = chromium.new_context()
    tab = new_tab(context, web)
    tab.open("/models/")
    expect(tab.page.locator("h1")).to_have_text("Log in")
    tab.open("/login/?token=never-made")
    expect(tab.page.locator("main")).to_contain_text("used already or is older than 15 minutes")
    assert [said for said in tab.complaints if "403" not in said] == []
    context.close()


def test_a_tab_whose_session_ended_goes_to_the_login_whole(tab: Tab) -> None:
    tab.open("/")
    tab.page.context.clear_cookies()
    tab.page.locator("#rail").get_by_role("link", name="Models").click()
    expect(tab.page.locator("h1")).to_have_text("Log in")
    assert tab.page.locator("#rail").count() == 0
    assert "next=/models/" in tab.page.url


def test_logging_out_ends_the_visit(tab: Tab) -> None:
    tab.open("/")
    tab.page.locator(".user summary").click()
    tab.page.get_by_role("button", name="Log out").click()
    expect(tab.page.locator("h1")).to_have_text("Log in")


def test_a_short_page_cannot_be_scrolled(tab: Tab) -> None:
    tab.open("/")
    assert tab.page.evaluate("document.documentElement.scrollHeight - innerHeight") == 0
