"""The anomalies page: what it shows of a range, what it says where there is nothing, and its CSV."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from telemetry.access.projects import ensure_project
from telemetry.dashboards import wasted
from telemetry.models import AllowedWaste, DetectorRule, Project
from telemetry.observer import wording
from telemetry.series import queries
from telemetry.series.window import by_days
from tests.anomalies import AT, GONE, anomaly, run
from tests.ledger_reading import added_up
from tests.page_reading import PageReader, invented_calls, rows_of_csv, store, visitor

DAY = "from=2025-11-06&to=2025-11-06"
PAGE = f"/anomalies/?{DAY}"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def browser(project: Project) -> Client:
    """An owner's browser, on a project with calls of the day."""
    store(project, invented_calls(12, first=AT))
    return visitor(project)


def html(browser: Client, address: str = PAGE) -> str:
    response = browser.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_figures_count_each_task_once_and_call_the_sum_overlapping(browser: Client, project: Project) -> None:
    anomaly(project.pk, "a", tokens=60_000, tokens_wasted=38_142)
    anomaly(project.pk, "a", "expensive_task", tokens=60_000, tokens_wasted=50_000)
    anomaly(project.pk, "b", "expensive_task", tokens=9_000, tokens_wasted=12_000)
    anomaly(project.pk, "c", state="not_waste")
    page = html(browser)
    assert PageReader(page).cards == {
        "anomalies": "3",
        "severity": "1/2",
        "wasted": "59000",
        "overlapping": "100142",
    }
    total = queries.usage_total(
        added_up(project.pk), project_id=project.pk, window=by_days(AT.date(), AT.date(), zone="UTC")
    )
    part = wasted.part(59_000, wasted.measured(total, measure="weighted"), measure="weighted")
    assert f"{part}, each task once" in page
    assert "overlapping: a task with two counts twice" in page
    assert "in 2 runs, 1 more judged not waste" in page


def test_a_row_opens_the_numbers_the_rule_the_advice_and_the_ways_on(browser: Client, project: Project) -> None:
    anomaly(project.pk, "outline/finalization", task_id="outline", session_id="s 1")
    page = html(browser)
    for words in ("30.8:1", "77,000", "52,000 = 77,000 \N{MINUS SIGN} 10 × 2,500 of 79,500 tokens", "weighed by price"):
        assert words in page
    assert f'href="{reverse("execution", args=["outline/finalization"])}?' in page
    assert f'href="{reverse("session", args=["s 1"])}?' in page
    assert wording.suggestion("context_bloat") in page
    assert '<span class="severity high"><svg' in page
    assert "</svg>High</span>" in page


def test_a_task_name_that_is_markup_or_turns_letters_around_is_only_a_name(browser: Client, project: Project) -> None:
    evil = "<script>alert(1)</script>"
    anomaly(
        project.pk,
        evil,
        task_id=evil,
        task_type=evil,
        agent=evil,
        model=evil,
        session_id=evil,
        note=evil,
        state="resolved",
        state_by=evil,
        evidence={"status": evil, "errors": 2, evil: evil},
        detector="false_completion",
    )
    anomaly(project.pk, "x" * 200, task_id="y" * 200, agent="z" * 200)
    page = html(browser)
    assert evil not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 8


def test_lists_are_narrowed_counted_and_ordered_by_the_address(browser: Client, project: Project) -> None:
    anomaly(project.pk, "high", task_id="the-high-one", tokens_wasted=5)
    anomaly(project.pk, "dear", "expensive_task", task_id="the-dear-one", started_at=AT + timedelta(hours=1))
    page = html(browser)
    assert page.index("the-high-one") < page.index("the-dear-one")
    assert "1\N{EN DASH}2 of 2" in page
    newest = html(browser, f"{PAGE}&sort=newest")
    assert newest.index("the-dear-one") < newest.index("the-high-one")
    only = html(browser, f"{PAGE}&severity=medium&sort=newest")
    assert "the-high-one" not in only
    assert "1\N{EN DASH}1 of 1" in only
    assert 'High <span class="faint">1</span>' in only
    assert f'<a href="{PAGE}&sort=newest&severity=high">High'.replace("&", "&amp;") in only


def test_a_long_list_has_pages_and_a_page_behind_the_last_is_the_last(browser: Client, project: Project) -> None:
    for number in range(53):
        anomaly(project.pk, f"run-{number}", tokens_wasted=1000 - number, task_id=f"task-{number:03d}")
    first, second = html(browser), html(browser, f"{PAGE}&page=2")
    assert "1\N{EN DASH}50 of 53" in first
    assert ("task-000" in first, "task-050" in first, "task-050" in second) == (True, False, True)
    assert "51\N{EN DASH}53 of 53" in html(browser, f"{PAGE}&page=99")


def test_the_trend_counts_the_types_of_each_day_of_the_zone(browser: Client, project: Project) -> None:
    anomaly(project.pk, "a", started_at=datetime(2025, 11, 5, 23, 30, tzinfo=UTC))
    anomaly(project.pk, "b", "expensive_task")
    anomaly(project.pk, "c", state="not_waste")
    days = "/anomalies/?from=2025-11-05&to=2025-11-06&tz=Europe/Madrid&format=csv&table=trend"
    assert rows_of_csv(browser.get(days).content) == [
        ["bucket", "Context bloat", "Expensive task", "total"],
        ["2025-11-06", "1", "1", "2"],
        ["2025-11-05", "0", "0", "0"],
        ["Total", "1", "1", "2"],
    ]


def test_a_csv_says_what_the_list_says_and_no_cell_is_a_formula(browser: Client, project: Project) -> None:
    anomaly(project.pk, "run", task_id="=cmd()", agent="+1", note="@x", state="not_waste")
    header, row = rows_of_csv(browser.get(f"{PAGE}&format=csv&table=anomalies").content)
    told = dict(zip(header, row, strict=True))
    assert (told["task"], told["agent"], told["note"]) == ("'=cmd()", "'+1", "'@x")
    assert (told["tokens_wasted"], told["severity"], told["state"]) == ("52000", "high", "not_waste")
    assert told["started_at"] == "2025-11-06T09:00:00+00:00"


def test_all_rows_are_in_the_csv_that_is_asked_for_all(browser: Client, project: Project) -> None:
    for number in range(52):
        anomaly(project.pk, f"run-{number}")
    assert len(rows_of_csv(browser.get(f"{PAGE}&format=csv&table=anomalies").content)) == 51
    assert len(rows_of_csv(browser.get(f"{PAGE}&format=csv&table=anomalies&rows=all").content)) == 53


def test_detectors_say_how_they_are_set_what_passes_and_how_often_they_were_right(
    browser: Client, project: Project
) -> None:
    DetectorRule.objects.create(project=project, detector="expensive_task", threshold=20_000)
    DetectorRule.objects.create(project=project, detector="inefficient_task", is_enabled=False)
    AllowedWaste.objects.create(project=project, detector="context_bloat", task_type="index", accepted_at=AT)
    AllowedWaste.objects.create(project=project, detector="context_bloat", task_type="proposed")
    for number in range(5):
        anomaly(project.pk, f"run-{number}", state="not_waste" if number == 0 else "resolved")
    anomaly(project.pk, "b", "expensive_task", state="resolved")
    rows = {row[0]: row for row in rows_of_csv(browser.get(f"{PAGE}&format=csv&table=detectors").content)}
    assert rows["context_bloat"][1:5] == ["15", "10", "4000", "index"]
    assert rows["context_bloat"][5:] == ["4", "208000", "5", "80.0"]
    assert rows["expensive_task"][1:3] == ["20000.00", "20000.00"]
    assert rows["expensive_task"][-2:] == ["1", ""]
    assert rows["inefficient_task"][1:4] == ["", "", ""]
    assert "not enough judged yet" in html(browser)


def test_a_range_without_waste_is_good_news_and_says_of_how_many_runs(browser: Client, project: Project) -> None:
    run(project.pk, "a")
    run(project.pk, "b")
    page = html(browser)
    assert "No waste found in 2 runs" in page
    assert "data-figure" not in page


def test_a_range_without_runs_leads_to_the_nearest_that_has_calls(browser: Client) -> None:
    page = html(browser)
    assert "No run in this range" in page
    assert '<a class="button" href="/anomalies/?range=' in page


def test_filters_that_leave_nothing_are_taken_away_by_one_click(browser: Client, project: Project) -> None:
    anomaly(project.pk)
    page = html(browser, f"{PAGE}&agent=nobody&severity=high")
    assert "No anomaly of 6 Nov 2025 matches every filter" in page
    assert f'<a href="/anomalies/?{DAY.replace("&", "&amp;")}&amp;severity=high">' in page


def test_a_filter_of_another_page_changes_nothing_and_says_so(browser: Client, project: Project) -> None:
    anomaly(project.pk)
    page = html(browser, f"{PAGE}&host=laptop")
    assert "Anomalies are not kept by host" in page
    assert "1\N{EN DASH}1 of 1" in page


def test_a_project_that_recorded_nothing_is_shown_how_to_begin(project: Project) -> None:
    page = html(visitor(project))
    assert "tloi import --all" in page
    assert "No waste found" not in page


def test_what_was_judged_and_no_longer_holds_is_not_shown(browser: Client, project: Project) -> None:
    anomaly(project.pk, "a", state="not_waste", evidence=GONE, task_id="gone-by-now")
    anomaly(project.pk, "b")
    page = html(browser)
    assert "gone-by-now" not in page
    assert "more judged not waste" not in page


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("sort=beauty", "use severity, newest"),
        ("page=0", "is not the number of a page"),
        ("severity=%00", "no call can bear"),
        ("format=pdf", "other format of a page is csv"),
        ("format=csv&table=sums", "Say which table: trend, anomalies, detectors"),
    ],
)
def test_an_address_that_cannot_be_shown_is_answered_by_one_sentence(browser: Client, address: str, says: str) -> None:
    response = browser.get(f"{PAGE}&{address}")
    assert response.status_code == 400
    assert says in response.content.decode()


def test_the_overview_says_in_one_line_what_was_wasted_and_leads_there(browser: Client, project: Project) -> None:
    assert "panel-findings" not in html(browser, f"/?{DAY}")
    anomaly(project.pk, "a", tokens_wasted=52_000)
    anomaly(project.pk, "b", "expensive_task", state="not_waste")
    page = html(browser, f"/?{DAY}&agent=builder")
    assert "<strong>1 anomaly</strong> in this range, 1 of high severity: 52.0K tokens wasted" in page
    assert f'<a href="/anomalies/?{DAY.replace("&", "&amp;")}&amp;agent=builder">See them</a>' in page
    assert "panel-findings" not in html(browser, f"/?{DAY}&host=laptop")
    assert "panel-findings" not in html(browser, f"/?{DAY}&agent=other")


def test_nothing_of_another_project_is_on_the_page(browser: Client, project: Project) -> None:
    other = ensure_project(slug=f"{project.slug}-other")
    anomaly(other.pk, "b", task_id="somebody-elses", state="not_waste")
    AllowedWaste.objects.create(
        project=other, detector="context_bloat", task_type="only-the-others-task", accepted_at=AT
    )
    run(project.pk, "a")
    page = html(browser)
    assert "No waste found in 1 run" in page
    assert ("somebody-elses" in page, "only-the-others-task" in page) == (False, False)
