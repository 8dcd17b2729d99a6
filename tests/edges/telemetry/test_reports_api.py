"""Reports by the API: as JSON and Markdown, once more only when they changed, and a reason where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from telemetry.models import Project, Report
from tests.api_calls import Answer, ask
from tests.reports import NOW, Ledger, make_report

REPORTS = "/api/v1/reports/"


def get(web: str, key: str, name: str = "", query: str = "", **headers: str) -> Answer:
    address = f"{REPORTS}{quote(name)}/" if name else REPORTS
    return ask(web, "GET", f"{address}?{query}", key=key, headers={n.replace("_", "-"): v for n, v in headers.items()})


@pytest.fixture
def reported(project: Project) -> Project:
    """A project with a day of one run with one anomaly, its week and its month."""
    ledger = Ledger(project.pk)
    ledger.run("run-1", task_id="<script>alert(1)</script>")
    ledger.anomaly("run-1", task_id="<script>alert(1)</script>", tokens_wasted=100)
    for name in ("2025-11-06", "2025-W45", "2025-11"):
        make_report(project, name)
    return project


@pytest.mark.parametrize("name", ["2025-11-06", "2025-W45", "2025-11"])
def test_a_report_is_its_document(web: str, key: str, reported: Project, name: str) -> None:
    for query in ("", "format=json"):
        answer = get(web, key, name, query)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json == Report.objects.get(project_id=reported.pk, kind=answer.json["kind"]).document
        assert (answer.json["period"], answer.json["summary"]["tokens_wasted"]) == (name, 100)


def test_a_report_as_markdown_runs_nothing(web: str, key: str, reported: Project) -> None:
    answer = get(web, key, "2025-11-06", "format=md", Accept="text/html")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    assert answer.content.startswith(b"# Daily report: 6 November 2025\n")
    assert b"&lt;script&gt;alert" in answer.content
    assert b"<script" not in answer.content


def test_who_has_a_report_is_sent_it_again_only_when_it_changed(web: str, key: str, reported: Project) -> None:
    first = get(web, key, "2025-11-06")
    assert first.headers["cache-control"] == "private, no-cache"
    again = get(web, key, "2025-11-06", If_None_Match=first.headers["etag"])
    assert (again.status, again.content) == (304, b"")
    assert get(web, key, "2025-11-06", "format=md", If_None_Match=first.headers["etag"]).status == 200
    Ledger(reported.pk).run("run-2")
    make_report(reported, "2025-11-06", now=NOW + timedelta(hours=1))
    changed = get(web, key, "2025-11-06", If_None_Match=first.headers["etag"])
    assert (changed.status, changed.json["summary"]["tasks"]) == (200, 2)


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("2025-11-07", 404, "tloi observe --date 2025-11-07"),
        ("2025-W01", 404, "tloi observe --date 2024-12-30 --week"),
        ("8999-01-01", 404, "has not begun yet in UTC"),
        ("yesterday", 400, "not a day, week or month such as 2025-11-06"),
        ("2025-02-30", 400, "in no calendar"),
        ("2025-11-06\0", 400, "not a day"),
    ],
)
def test_where_there_is_no_report_the_reason_is_told(
    web: str, key: str, project: Project, name: str, status: int, words: str
) -> None:
    answer = get(web, key, name)
    assert answer.status == status
    assert words in answer.json["error"]["message"]


def test_today_s_report_is_said_to_come(web: str, key: str, project: Project) -> None:
    today = datetime.now(UTC).date()
    message = get(web, key, today.isoformat()).json["error"]["message"]
    assert f"it comes on {today + timedelta(days=1)} at 01:00 in UTC" in message


def test_a_form_that_is_not_known_is_refused(web: str, key: str, reported: Project) -> None:
    answer = get(web, key, "2025-11-06", "format=pdf")
    assert (answer.status, answer.json["error"]["code"]) == (400, "bad_request")


def test_a_document_of_another_version_is_no_error_of_ours(web: str, key: str, reported: Project) -> None:
    Report.objects.filter(project_id=reported.pk, kind="daily").update(document={"version": 99})
    answer = get(web, key, "2025-11-06")
    assert (answer.status, "made anew" in answer.json["error"]["message"]) == (404, True)
    assert [one["kind"] for one in get(web, key, query="from=2025-11-01&to=2025-11-30").json["reports"]] == [
        "weekly",
        "monthly",
    ]


def test_the_list_says_what_there_is_newest_first(web: str, key: str, reported: Project) -> None:
    make_report(reported, "2025-11-05")
    november = get(web, key, query="from=2025-11-01&to=2025-11-30").json["reports"]
    assert [one["period"] for one in november] == ["2025-11-06", "2025-11-05", "2025-W45", "2025-11"]
    assert november[0]["summary"]["tokens_wasted"] == 100
    weeks = get(web, key, query="from=2025-11-01&to=2025-11-30&kind=weekly").json["reports"]
    assert [one["period"] for one in weeks] == ["2025-W45"]
    assert get(web, key, query="from=2025-11-07&to=2025-11-30").json["reports"] == []
    assert get(web, key, query="kind=hourly").status == 400
