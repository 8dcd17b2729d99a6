"""Addresses: what they say wins and is remembered, what they get wrong is said, and nothing becomes a 500."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from telemetry.models import Project
from tests.page_reading import invented_calls, store, visitor

pytestmark = pytest.mark.usefixtures("static_files")
CURRENT = 'aria-current="true">'


@pytest.fixture
def browser(project: Project) -> Client:
    """An owner's browser, on a project with a few old calls."""
    store(project, invented_calls(20))
    return visitor(project)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/?range=5d", "is not a range"),
        ("/models/?range=", ""),
        ("/?tz=Mars/Base", "not an IANA time zone"),
        ("/?from=2026-02-30", "is not a date"),
        ("/?from=2025-11-02&to=2025-11-01", "before it begins"),
        ("/?from=2020-01-01&to=8999-01-01", "more than 1500 pieces"),
        ("/?model=%00", "no call can bear"),
        ("/?project=%00", "no call can bear"),
        ("/?metric=beauty", "metrics are tokens, cost"),
        ("/?format=pdf", "other format of a page is csv"),
        ("/?format=csv", "Say which table: models-over-time, agents, task-types, sessions"),
        ("/models/?format=csv&table=agents", "Say which table"),
    ],
)
def test_an_address_that_cannot_be_shown_is_answered_by_one_sentence(browser: Client, address: str, says: str) -> None:
    response = browser.get(address)
    assert response.status_code == (400 if says else 200)
    assert says in response.content.decode()


def test_a_csv_of_nothing_is_not_found(project: Project) -> None:
    store(project, [call for call in invented_calls(9) if call.model == "gpt-5"])
    response = visitor(project).get("/models/?range=all&format=csv&table=unpriced")
    assert response.status_code == 404


@pytest.mark.parametrize("address", ["/", "/models/", "/?format=csv&table=agents"])
@pytest.mark.parametrize("calls", [0, 5])
def test_a_page_may_be_looked_at_by_head_and_never_by_post(project: Project, address: str, calls: int) -> None:
    store(project, invented_calls(calls))
    browser = visitor(project)
    assert browser.head(address).status_code == 200
    assert browser.post(address).status_code == 405


def test_the_last_range_is_remembered_and_the_address_wins(browser: Client) -> None:
    assert f'title="The last 30 days, today included" data-key="t" {CURRENT}30d' in browser.get("/").content.decode()
    browser.get("/?range=90d")
    assert f'title="The last 90 days, today included" {CURRENT}90d' in browser.get("/models/").content.decode()
    assert f'title="Today" data-key="d" {CURRENT}Today' in browser.get("/?range=today").content.decode()


def test_a_range_of_dates_is_remembered_too(browser: Client) -> None:
    browser.get("/?from=2025-10-24&to=2025-10-25")
    assert "24 – 25 Oct 2025" in browser.get("/models/").content.decode()


def test_a_range_that_is_refused_is_not_remembered(browser: Client) -> None:
    browser.get("/?range=5y")
    assert browser.get("/").status_code == 200


def test_a_default_range_never_appears_in_a_link_by_itself(browser: Client) -> None:
    html = browser.get("/").content.decode()
    assert '<a id="to-models" href="/models/">' in html
    html = browser.get("/?range=90d&agent=builder").content.decode()
    assert '<a id="to-models" href="/models/?range=90d&amp;agent=builder">' in html


def test_a_range_without_calls_leads_to_the_nearest_that_has_some(project: Project) -> None:
    store(project, invented_calls(3, first=datetime.now(UTC) - timedelta(days=40)))
    html = visitor(project).get("/?range=7d").content.decode()
    assert "Nothing in this range" in html
    assert '<a class="button" href="/?range=90d">' in html
    assert "data-figure" not in html


def test_filters_that_leave_nothing_are_taken_away_by_one_click(browser: Client) -> None:
    html = browser.get("/?range=all&agent=nobody").content.decode()
    assert "matches every filter" in html
    assert '<a href="/?range=all">' in html


def test_a_page_without_charts_asks_for_no_plotly(project: Project, browser: Client) -> None:
    assert 'rel="preload"' in browser.get("/?range=all").content.decode()
    assert 'rel="preload"' not in browser.get("/?from=2020-01-01&to=2020-01-02").content.decode()


def test_a_page_is_kept_by_nobody_else(browser: Client) -> None:
    response = browser.get("/")
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in response.headers["Vary"]
