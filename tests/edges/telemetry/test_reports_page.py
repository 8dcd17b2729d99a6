"""The pages of reports: a calendar that says why a day has none, and reports to read, to print and to take along."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from telemetry.models import Project, Report
from tests.page_reading import invented_calls, store, visitor
from tests.reports import Ledger, make_report
from tests.trending import verdict

SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"{SCRIPT} =cmd() [x](javascript:alert(1)) \u202eevil"


@pytest.fixture
def reported(project: Project, static_files: None) -> Project:
    """A project with calls from 24 October 2025 on, and in November a day with a report and its week's and month's."""
    store(project, invented_calls(3))
    ledger = Ledger(project.pk)
    ledger.run("run/1", agent=HOSTILE)
    ledger.anomaly("run/1", severity="high", task_id=HOSTILE, tokens_wasted=100)
    verdict(project, date(2025, 11, 6), name=HOSTILE)
    for name in ("2025-11-06", "2025-W45", "2025-11"):
        make_report(project, name)
    return project


def said(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_calendar_leads_to_reports_and_says_what_was_found(reported: Project) -> None:
    page = said(visitor(reported), "/reports/?month=2025-11")
    for address in ("daily/2025-11-06", "weekly/2025-W45", "monthly/2025-11"):
        assert re.search(rf'href="/reports/{address}/[^"]*"', page)
    assert 'aria-label="6 November 2025: 1 high"' in page
    assert "tloi observe --date 2025-11-07" in page
    assert "month=2025-10" in page
    assert "month=2025-12" in page


def test_a_month_that_has_not_begun_is_led_to_by_nothing(reported: Project) -> None:
    this_month = datetime.now(UTC).date().replace(day=1)
    page = said(visitor(reported), "/reports/")
    assert f"month={(this_month + timedelta(days=31)):%Y-%m}" not in page
    assert f"month={(this_month - timedelta(days=1)):%Y-%m}" in page


def test_a_project_without_calls_is_told_when_its_first_report_comes(project: Project, static_files: None) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata", observed_at_hour=4)
    page = said(visitor(project), "/reports/")
    assert "No report yet" in page
    assert "The first one comes the day after something was recorded, 04:00 in Asia/Kolkata." in page


def test_a_report_shows_its_figures_and_leads_to_executions(reported: Project) -> None:
    page = said(visitor(reported), "/reports/daily/2025-11-06/")
    for words in ("Daily report: 6 November 2025", "Executive summary", "1 (1 high, 0 medium)", "1,100 tokens"):
        assert words in page
    assert f'href="{reverse("execution", args=("run/1",))}' in page
    assert re.search(r'href="/anomalies/\?[^"]*severity=high[^"]*from=2025-11-06&amp;to=2025-11-06', page)


def test_what_agents_wrote_does_nothing_in_any_form(reported: Project) -> None:
    client = visitor(reported)
    page = said(client, "/reports/daily/2025-11-06/")
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page
    markdown = said(client, "/reports/daily/2025-11-06/?format=md")
    assert SCRIPT not in markdown
    assert "](javascript:" not in markdown


@pytest.mark.parametrize(
    ("form", "content_type"), [("md", "text/markdown; charset=utf-8"), ("json", "application/json")]
)
def test_a_report_can_be_taken_along(reported: Project, form: str, content_type: str) -> None:
    answer = visitor(reported).get(f"/reports/weekly/2025-W45/?format={form}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert f'filename="tloi_{reported.slug}_report_2025-W45.{form}"' in answer.headers["Content-Disposition"]
    if form == "json":
        assert answer.json() == Report.objects.get(project_id=reported.pk, kind="weekly").document


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("daily/2025-11-07/", 404, "tloi observe --date 2025-11-07"),
        ("daily/2025-11-07/?format=md", 404, "tloi observe --date 2025-11-07"),
        ("daily/8999-01-01/", 404, "has not begun yet"),
        ("daily/2025-W45/", 400, "2025-W45 is a week"),
        ("hourly/2025-11-06/", 400, "2025-11-06 is a day"),
        ("daily/yesterday/", 400, "not a day, week or month"),
        ("daily/2025-11-06/?format=pdf", 400, "md, json"),
        ("?month=2025-11-06", 400, "2025-11-06 is a day"),
        ("?month=9999-12", 400, "Reports are of days"),
    ],
)
def test_where_there_is_no_report_the_reason_is_told(reported: Project, address: str, status: int, words: str) -> None:
    assert words in said(visitor(reported), f"/reports/{address}", status)


def test_the_earliest_and_the_latest_month_can_be_shown(reported: Project) -> None:
    client = visitor(reported)
    assert "January 2020" in said(client, "/reports/?month=2020-01")
    assert "December 9000" in said(client, "/reports/?month=9000-12")


def test_a_document_of_another_version_is_said_to_need_making_anew(reported: Project) -> None:
    Report.objects.filter(project_id=reported.pk, kind="daily").update(document={"version": 99})
    client = visitor(reported)
    assert "made anew" in said(client, "/reports/daily/2025-11-06/", 404)
    assert "2025-11-07" in said(client, "/reports/?month=2025-11")


def test_what_was_unusual_leads_to_the_day_and_the_series_in_which_it_was(reported: Project) -> None:
    page = said(visitor(reported), "/reports/daily/2025-11-06/")
    (row,) = re.findall(r'<section class="panel" id="panel-trends".*?</section>', page, re.DOTALL)
    assert "3,000 tokens a run, 3.0 times the usual 1,000" in row
    assert SCRIPT not in row
    (address,) = re.findall(r'href="(/trends/\?[^"]*)"', row)
    assert "day=2025-11-06" in address
    assert said(visitor(reported), html.unescape(address))
