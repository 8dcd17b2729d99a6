"""Forecasts: how right they were, whom they warned of, and each beside what became of its run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from telemetry.models import Project
from tests.forecasts import ended, forecast_of
from tests.made_runs import AT
from tests.page_reading import PageReader, invented_calls, rows_of_csv, shown_as, store, visitor

DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
HOSTILE = "<script>alert(1)</script>"
DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def browser(project: Project) -> Client:
    """An owner's browser, on a project that has a call."""
    store(project, invented_calls(1))
    return visitor(project)


def page(browser: Client, query: str = "") -> PageReader:
    return PageReader(browser.get(f"/forecasts/?{DAYS}{query}").content.decode())


def test_shares_are_those_of_runs_that_ended_in_the_range(browser: Client, project: Project) -> None:
    for tokens in (10_000, 30_000, 50_000, 95_000):
        ended(project, at=AT, tokens=tokens)
    forecast_of(project, "goes on", at=AT)
    ended(project, at=AT - 2 * DAY, tokens=1)
    cards = page(browser).cards
    assert (cards["forecasts"], cards["within_q90"]) == ("5", "75.0")
    levels = page(browser).tables["panel-levels"]
    assert [shown_as(cell) for cell in levels[1]] == ["Task type and agent", "5", "4", "50.0", "75.0", "75.0", "62.5"]


def test_the_loss_is_the_pinball_loss_of_both_bounds(browser: Client, project: Project) -> None:
    ended(project, at=AT, tokens=100_000, tokens_q90=90_000, tokens_naive=40_000)
    ended(project, at=AT, tokens=50_000, tokens_q90=90_000, tokens_naive=40_000)
    ours, naive = 0.9 * 10_000 + 0.1 * 40_000, 0.9 * 40_000 + 0.1 * 10_000
    assert page(browser).cards["loss"] == f"{100 * ours / naive:.1f}"


def test_alerts_stand_beside_the_rules_that_need_no_model(browser: Client, project: Project) -> None:
    over, under = {"tokens": 200_000}, {"tokens": 20_000}
    ended(project, at=AT, **over, warns=True, budget_naive=60_000)
    ended(project, at=AT, **over, warns=True, budget_naive=10_000, overrun_at=AT, overrun_used=40_000)
    ended(project, at=AT, **under, warns=True, budget_naive=10_000)
    ended(project, at=AT, **over, budget_naive=40_000)
    ended(project, at=AT, **under, budget_limit=None, exceeded=None)
    rules = page(browser).tables["panel-rules"][1:]
    assert [[shown_as(cell) for cell in row[1:]] for row in rules] == [
        ["3", "2", "1", "66.7", "66.7"],
        ["1", "1", "2", "100.0", "33.3"],
        ["2", "2", "1", "100.0", "66.7"],
        ["1", "1", "2", "100.0", "33.3"],
    ]
    cards = page(browser).cards
    assert (cards["exceeded"], cards["precision"], cards["recall"]) == ("75.0", "66.7", "66.7")


def test_a_session_that_has_spent_before_counts_against_the_naive_rule_too(browser: Client, project: Project) -> None:
    ended(project, at=AT, tokens=20_000, budget_period="session", budget_spent=45_000, exceeded=True)
    assert shown_as(page(browser).tables["panel-rules"][2][1]) == "1"


def test_the_curve_says_which_share_came_to_no_more_than_expected(browser: Client, project: Project) -> None:
    for number, share in enumerate((0.0, 0.05, 0.55, 1.0)):
        ended(project, at=AT + timedelta(seconds=number), tokens=1, outcome_share=share)
    answer = browser.get(f"/forecasts/?{DAYS}&format=csv&table=calibration")
    rows = {row[0]: row[1:] for row in rows_of_csv(answer.content)[1:]}
    assert (rows["5"], rows["50"], rows["55"], rows["95"]) == (
        ["50.0", "2"],
        ["50.0", "2"],
        ["75.0", "3"],
        ["75.0", "3"],
    )


def test_days_are_those_of_the_zone_of_the_page(browser: Client, project: Project) -> None:
    ended(project, at=AT.replace(hour=23, minute=30), tokens=1)
    for zone, day in (("UTC", "2025-10-24"), ("Asia/Kolkata", "2025-10-25")):
        answer = browser.get(f"/forecasts/?from=2025-10-24&to=2025-10-27&tz={zone}&format=csv&table=coverage")
        assert [row[0] for row in rows_of_csv(answer.content)[1:]] == [day]


@pytest.mark.parametrize(
    ("sort", "first"), [("", "newest"), ("&sort=likeliest", "likeliest"), ("&sort=furthest", "furthest")]
)
def test_the_list_is_ordered_as_one_asks(browser: Client, project: Project, sort: str, first: str) -> None:
    forecast_of(project, "newest", at=AT + timedelta(hours=2))
    forecast_of(project, "likeliest", at=AT, p_exceed=0.9)
    forecast_of(project, "furthest", at=AT, tokens=900_000, ended_at=AT)
    assert page(browser, sort).tables["panel-forecasts"][1][1] == first


@pytest.mark.parametrize("name", ["agent", "task_type", "tool", "level"])
def test_the_page_is_narrowed_by_what_forecasts_are_kept_by(browser: Client, project: Project, name: str) -> None:
    forecast_of(project, "one", at=AT, **{name: "this"})
    forecast_of(project, "other", at=AT, **{name: "that"})
    found = page(browser, f"&{name}=this")
    assert [row[1] for row in found.tables["panel-forecasts"][1:]] == ["one"]
    assert found.cards["forecasts"] == "1"


def test_a_long_list_is_turned_fifty_rows_at_a_time_and_had_whole_as_csv(browser: Client, project: Project) -> None:
    for number in range(51):
        forecast_of(project, f"run-{number}", at=AT + timedelta(seconds=number))
    assert len(page(browser).tables["panel-forecasts"]) == 51
    assert [row[1] for row in page(browser, "&page=2").tables["panel-forecasts"][1:]] == ["run-0"]
    answer = browser.get(f"/forecasts/?{DAYS}&format=csv&table=forecasts&rows=all")
    assert len(rows_of_csv(answer.content)) == 52


def test_words_of_agents_are_words(browser: Client, project: Project) -> None:
    forecast_of(project, f"=cmd()/{HOSTILE}", at=AT, agent=HOSTILE, task_id="x" * 4000, task_type="", level=HOSTILE)
    html = browser.get(f"/forecasts/?{DAYS}").content.decode()
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html
    answer = browser.get(f"/forecasts/?{DAYS}&format=csv&table=forecasts")
    assert rows_of_csv(answer.content)[1][1].startswith("'=cmd()")


def test_where_nothing_was_forecast_the_page_says_how_it_comes_about(browser: Client) -> None:
    html = browser.get(f"/forecasts/?{DAYS}").content.decode()
    assert "No forecast in this range" in html
    assert "record_start(…, ask=True)" in html
    assert "has the lines by which agents send their runs" in html
    assert "The newest call of this project is of" in browser.get("/forecasts/?range=7d").content.decode()
    assert "Nothing matches these filters" in browser.get(f"/forecasts/?{DAYS}&agent=nobody").content.decode()


def test_without_an_estimate_nothing_is_shown_as_one(browser: Client, project: Project) -> None:
    none = dict.fromkeys(("tokens_q50", "tokens_q90", "tokens_naive", "tokens_grid", "p_exceed", "budget_limit"))
    forecast_of(project, "cold", at=AT, level="", n=0, **none)
    found = page(browser)
    assert found.tables["panel-forecasts"][1][4:8] == ["–"] * 4
    assert "Budget" not in found.tables["panel-forecasts"][0]
    assert "panel-calibration" not in found.tables
