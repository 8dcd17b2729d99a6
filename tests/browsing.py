"""A Chromium and a tab in it that writes down everything a page must not do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Response,
    sync_playwright,
)

from telemetry.access.login import make_login_link
from telemetry.models import Project
from tests.page_reading import person

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine; without one the test is skipped, or fails where TLOI_REQUIRE_BROWSER=1."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None and os.environ.get("TLOI_REQUIRE_BROWSER") == "1":
        pytest.fail("TLOI_REQUIRE_BROWSER=1, but no Chromium is installed; `make test-deps` installs one.")
    if path is None:
        pytest.skip("no Chromium is installed; `make test-deps` installs one")
    # Playwright runs its event loop in this thread, and Django would refuse its database there.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Tab:
    """A tab on the site at `address`, with what its console said, which hosts it asked, and what came over the wire."""

    address: str
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page and wait until its charts are drawn."""
        self.page.goto(f"{self.address}{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until every chart of the page is drawn."""
        self.page.wait_for_load_state("networkidle")
        for plot in self.page.locator("[data-figure]").all():
            plot.and_(self.page.locator("[data-drawn]")).wait_for()

    def listen(self) -> None:
        """Note what happens from now on."""
        for event, note in self._notes().items():
            self.page.on(event, note)  # type: ignore[call-overload]

    def leave(self) -> None:
        """Note no more."""
        for event, note in self._notes().items():
            self.page.remove_listener(event, note)

    def _notes(self) -> dict[str, Callable[[Any], None]]:
        """Playwright takes no built-in method for a listener."""
        return {
            "console": self._note_console,
            "pageerror": self._note_error,
            "request": self._note_request,
            "response": self._note_response,
        }

    def _note_console(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def _note_error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def _note_response(self, response: Response) -> None:
        self.responses.append(response)

    def asked(self, part: str) -> int:
        """How many requests had `part` in their address."""
        return sum(part in request.url for request in self.requests)

    def foreign_hosts(self) -> set[str]:
        """The hosts that were asked and are not the site's."""
        hosts = {urlsplit(request.url).netloc for request in self.requests if request.url.startswith("http")}
        return hosts - {urlsplit(self.address).netloc}


def new_tab(context: BrowserContext, address: str) -> Tab:
    """A tab that listens from its first request on."""
    tab = Tab(address, context.new_page())
    tab.listen()
    return tab


def log_in(tab: Tab, project: Project, role: str = "owner") -> None:
    """Come in by a one-time link."""
    token = make_login_link(user_id=person(project, role=role).pk, now=datetime.now(UTC))
    tab.page.goto(f"{tab.address}/login/?token={token}")


@pytest.fixture(scope="session")
def _page(chromium: Browser) -> Iterator[Page]:
    """The page that tests have one after the other: a new one would read Plotly again, which takes two seconds."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def tab(_page: Page, web: str, project: Project) -> Iterator[Tab]:
    """A tab in which an owner of `project` is logged in, and nothing is left of the test before; a page that complained
    fails the test."""
    _page.set_viewport_size({"width": 1400, "height": 900})
    tab = Tab(web, _page)
    tab.listen()
    log_in(tab, project)
    tab.requests.clear()
    tab.responses.clear()
    yield tab
    tab.leave()
    _page.goto(f"{web}/healthz")  # of the same site, so that its process stays, which has read Plotly
    _page.emulate_media(media="null", color_scheme="null")
    _page.context.clear_cookies()
    _page.context.clear_permissions()
    assert tab.complaints == []
    assert tab.foreign_hosts() == set()
