"""The trends page: a day beside those before, what is unusual, where its cost comes from, and what agents named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.test import Client

from telemetry.models import Project
from tests.page_reading import PageReader, invented_calls, rows_of_csv, store, visitor
from tests.trending import DAY, judged, runs, usual_verdict, verdict

ADDRESS = f"/trends/?day={DAY}"
EVIL = "<script>alert(1)</script> =cmd() " + "x" * 200
BEFORE = [DAY - timedelta(days=back) for back in range(10, 0, -1)]
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def trending(project: Project) -> Project:
    """Ten days of ten runs of one agent and a few of another, and a day on which the first one's take three times as
    much; a call begins each project's days."""
    store(project, invented_calls(1, first=datetime(2026, 11, 10, 12, tzinfo=UTC)))
    for day in BEFORE:
        runs(project, day, 10)
        runs(project, day, 2, agent=EVIL, task_type="=cmd()")
        usual_verdict(project, day)
    runs(project, DAY, 20, tokens=3_000, cost=30_000_000)
    runs(project, DAY, 2, agent=EVIL, task_type="=cmd()")
    verdict(project)
    verdict(project, dimension="project", name="", is_alert=False, root_dimension="agent", root_name="builder")
    usual_verdict(project, what="volume", value=20.0, baseline=15.0, low_30=9.0, high_30=24.0)
    usual_verdict(project, name=EVIL)
    judged(project, *BEFORE, DAY)
    return project


def html(browser: Client, address: str = ADDRESS, status: int = 200) -> str:
    response = browser.get(address)
    assert response.status_code == status
    return response.content.decode()


def test_what_is_unusual_stands_first_and_leads_to_its_series(trending: Project) -> None:
    page = html(visitor(trending))
    rows = PageReader(page).tables["panel-unusual"]
    assert [row[0] for row in rows[1:]] == ["Agent builder", "All runs"]
    assert rows[2][-1] == "explained by agent builder"
    assert f"/trends/?day={DAY}&amp;agent=builder" in page
    narrowed = html(visitor(trending), f"{ADDRESS}&agent=builder")
    assert 'data-figure="figure-intensity"' in narrowed
    assert "3,000 tokens a run, usually 800 to 1,250 by thirty days and 820 to 1,300 by seven" in narrowed


def test_a_filter_leaves_what_is_said_of_other_series_out(trending: Project) -> None:
    verdict(trending, day=BEFORE[-2], dimension="task_type", name="sync")
    browser = visitor(trending)
    whole = PageReader(html(browser))
    assert whole.cards["unusual"] == "2"
    assert "panel-before" in whole.tables
    narrowed = html(browser, f"{ADDRESS}&agent=builder&by=task_type")
    page = PageReader(narrowed)
    assert page.cards["unusual"] == "1"
    assert "of 2 comparisons" in narrowed
    assert [row[0] for row in page.tables["panel-unusual"][1:]] == ["Agent builder"]
    assert [row[0] for row in page.tables["panel-series"][1:]] == ["builder"]
    assert "panel-before" not in page.tables
    calm = html(browser, f"{ADDRESS}&agent={quote(EVIL)}")
    assert PageReader(calm).cards["unusual"] == "0"
    assert "Nothing of this day is unusual." in calm


def test_the_difference_adds_up_to_the_nano_dollar_by_whichever_part(trending: Project) -> None:
    browser = visitor(trending)
    for by in ("agent", "task_type", "model"):
        _, *rows, total = rows_of_csv(browser.get(f"{ADDRESS}&by={by}&format=csv&table=changes").content)
        figures = [[Decimal(cell) for cell in row[1:]] for row in (*rows, total)]
        for before, after, difference, *parts in figures:
            assert difference == after - before == sum(parts)
        assert [sum(column) for column in zip(*figures[:-1], strict=True)] == figures[-1]
        assert figures[-1][:2] == [Decimal("0.12"), Decimal("0.62")]
    steps = rows_of_csv(browser.get(f"{ADDRESS}&format=csv&table=change").content)
    assert [row[0] for row in steps[1:]] == ["Usual day", "Volume", "Mix", "Tokens a run", "Price", "This day"]


def test_a_day_is_compared_with_seven_days_or_with_as_many_as_there_are(trending: Project) -> None:
    browser = visitor(trending)
    assert "on a day of the 10 days before" in html(browser)
    assert "on a day of the 7 days before" in html(browser, f"{ADDRESS}&against=7")


def test_the_series_of_a_dimension_are_listed_with_what_is_usual(trending: Project) -> None:
    rows = PageReader(html(visitor(trending))).tables["panel-series"]
    assert {row[0]: row[1] for row in rows[1:]} == {"builder": "unusual", EVIL: "usual"}
    assert "panel-series" not in PageReader(html(visitor(trending), f"{ADDRESS}&by=model")).tables


def test_names_that_are_markup_or_formulas_are_only_names(trending: Project) -> None:
    browser = visitor(trending)
    page = html(browser, f"{ADDRESS}&by=task_type")
    assert "<script>alert(1)" not in html(browser) + page
    sent = browser.get(f"{ADDRESS}&by=task_type&format=csv&table=changes").content.decode()
    assert "'=cmd()" in sent


def test_a_calm_day_and_one_that_nobody_judged_say_so(trending: Project) -> None:
    browser, calm = visitor(trending), f"/trends/?day={BEFORE[-1]}"
    assert "Nothing of this day is unusual.</p>" in html(browser, calm)
    usual_verdict(trending, BEFORE[-1], name="at the edge", value=1_300.0)
    assert "1 of its comparisons lies outside what is usual, as one in twenty does by chance." in html(browser, calm)
    never = html(browser, f"/trends/?day={DAY + timedelta(days=1)}")
    assert "No series of this day was compared" in never
    assert "Unusual in the 30 days before" in never


def test_a_day_on_which_nothing_has_run_yet_is_compared_with_nothing(project: Project) -> None:
    today = datetime.now(UTC).date()
    store(project, invented_calls(1, first=datetime.now(UTC) - timedelta(days=20)))
    for back in range(1, 15):
        runs(project, today - timedelta(days=back), 4)
    page = html(visitor(project), f"/trends/?day={today}")
    assert "Nothing has run on this day so far." in page
    assert "Where the difference comes from" not in page
    runs(project, today, 1)
    page = html(visitor(project), f"/trends/?day={today}")
    assert "Nothing has run on this day so far." not in page
    assert "Where the difference comes from" in page


def test_several_filters_narrow_the_difference_and_leave_the_bands_out(trending: Project) -> None:
    page = html(visitor(trending), f"{ADDRESS}&agent=builder&model=claude-opus-4-5&host=h")
    assert "What is usual is known of one agent, task type or model at a time." in page
    assert "Days are not kept by host" in page
    assert 'data-figure="figure-intensity"' not in page
    assert PageReader(page).cards["cost"] == "0.6"


@pytest.mark.parametrize(
    "words", ["day=2999-01-01", "day=x", "against=8", "by=host", "format=xml", "format=csv&table=sums"]
)
def test_an_address_that_cannot_be_shown_says_why(trending: Project, words: str) -> None:
    assert "Traceback" not in html(visitor(trending), f"/trends/?{words}", status=400)


def test_a_project_without_calls_is_told_how_to_begin(project: Project) -> None:
    assert 'id="panel-' not in html(visitor(project), "/trends/")
