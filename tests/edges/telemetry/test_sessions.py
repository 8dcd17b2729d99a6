"""Sessions: those that went on in a range, and the page of one, as large as it may be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as django_connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from telemetry.contracts import Call
from telemetry.models import Project
from telemetry.models import Session as SessionRow
from tests.made_runs import AT, anomaly_of, run_of
from tests.page_reading import PageReader, rows_of_csv, shown_as, store, visitor

DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def browser(project: Project) -> Client:
    return visitor(project)


def calls_in(session_id: str, count: int = 3, *, late: timedelta = timedelta(), **fields: Any) -> list[Call]:
    """Calls of a session, ten minutes apart."""
    return [
        Call(
            id=f"{session_id}-{n}-{late}-{fields.get('subagent_id', '')}",
            started_at=AT + late + timedelta(minutes=10 * n),
            session_id=session_id,
            **{
                "model": "gpt-5",
                "provider": "openai",
                "input_uncached": 100 + n,
                "cache_read": 300,
                "output": 10,
                "cost_usd": Decimal("0.25"),
                "agent": "builder",
                "host": "laptop",
                **fields,
            },
        )
        for n in range(count)
    ]


def listed(browser: Client, query: str = "") -> list[list[str]]:
    html = browser.get(f"/sessions/?{DAYS}{query}").content.decode()
    return PageReader(html).tables.get("panel-sessions", [])[1:]


def ids(browser: Client, query: str = "") -> list[str]:
    return [row[0] for row in listed(browser, query)]


def test_a_session_is_a_row_with_the_sums_of_its_calls_in_the_range(browser: Client, project: Project) -> None:
    store(project, [*calls_in("s-1"), *calls_in("s-1", 2, late=timedelta(days=9)), *calls_in("", 2)])
    (row,) = listed(browser)
    assert row[:4] == ["s-1", "24 Oct, 09:30", "builder", "laptop"]
    assert [shown_as(cell) for cell in row[5:11]] == ["3", "1203", "30", "40.1", "74.8", "0.75"]


@pytest.mark.parametrize(("sort", "first"), [("", "dear"), ("&sort=tokens", "large"), ("&sort=start", "newest")])
def test_the_list_is_ordered_as_one_asks(browser: Client, project: Project, sort: str, first: str) -> None:
    store(
        project,
        [
            *calls_in("dear", 1, cost_usd=Decimal(9)),
            *calls_in("large", 1, cache_read=10**6),
            *calls_in("newest", 1, late=timedelta(hours=5)),
        ],
    )
    assert ids(browser, sort)[0] == first


def test_a_filter_narrows_the_sums_and_the_list(browser: Client, project: Project) -> None:
    store(
        project, [*calls_in("s-1", 2), *calls_in("s-1", 1, late=timedelta(hours=1), model="opus"), *calls_in("s-2", 1)]
    )
    (row,) = listed(browser, "&model=opus")
    assert (row[0], row[5]) == ("s-1", "1")
    assert "Sessions are not kept by skill" in browser.get(f"/sessions/?{DAYS}&skill=pdf").content.decode()


def test_a_long_list_is_turned_fifty_rows_at_a_time(browser: Client, project: Project) -> None:
    store(project, [call for n in range(101) for call in calls_in(f"s-{n:03d}", 1, late=timedelta(seconds=n))])
    pages = [ids(browser, f"&sort=start&page={number}") for number in (1, 2, 3)]
    assert [row for page in pages for row in page] == [f"s-{n:03d}" for n in reversed(range(101))]
    assert "51–100 of 101" in browser.get(f"/sessions/?{DAYS}&page=2").content.decode()
    assert len(ids(browser, "&page=9")) == 50


def test_the_csv_has_the_rows_of_the_page(browser: Client, project: Project) -> None:
    store(project, [*calls_in("=cmd()", 2), *calls_in("s-2", 1, model="house-llama", provider="local", cost_usd=None)])
    shown = listed(browser)
    header, *sent = rows_of_csv(browser.get(f"/sessions/?{DAYS}&format=csv&table=sessions").content)
    places = [header.index(name) for name in ("calls", "input", "output", "cache_share_percent", "cost_usd")]
    for seen, row in zip(shown, sent, strict=True):
        assert [shown_as(seen[place]) for place in places] == [shown_as(row[place]) for place in places]
    assert sent[0][0] == "'=cmd()"
    assert [row[header.index("unpriced_calls")] for row in sent] == ["0", "1"]


def detail(browser: Client, session_id: str, query: str = "") -> str:
    response = browser.get(f"{reverse('session', args=[session_id])}?{DAYS}{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_of_a_session_is_of_its_whole_life(browser: Client, project: Project) -> None:
    calls = [*calls_in("s-1", 3), *calls_in("s-1", 2, late=timedelta(days=9)), *calls_in("s-2", 4)]
    store(project, calls)
    page = PageReader(detail(browser, "s-1"))
    assert (page.cards["calls"], page.cards["output"], page.cards["cost"]) == ("5", "50", "1.25")
    assert page.cards["input"] == str(5 * 400 + 0 + 1 + 2 + 0 + 1)
    assert [row[0] for row in page.tables["panel-calls"][1:]] == ["1", "2", "3", "4", "5"]
    assert len(page.tables["panel-context"]) == len(page.tables["panel-spending"]) == 1 + 5


def test_a_session_has_its_runs_its_findings_and_how_much_of_it_they_are(browser: Client, project: Project) -> None:
    calls = calls_in("s-1", 4)
    store(project, calls)
    run = run_of(project, "run-1", calls[:2], session_id="s-1")
    run_of(project, "run-elsewhere", session_id="s-2")
    anomaly_of(run, "context_bloat", "high")
    html = detail(browser, "s-1")
    page = PageReader(html)
    assert [row[0] for row in page.tables["panel-runs"][1:]] == ["run-1"]
    assert "1, with 49.9% of its tokens" in html
    assert "Context bloat" in html


def test_sub_agents_and_skills_add_up(browser: Client, project: Project) -> None:
    store(project, [*calls_in("s-1", 2, skill="pdf"), *calls_in("s-1", 3, subagent_id="helper")])
    page = PageReader(detail(browser, "s-1"))
    assert [(row[0], row[5]) for row in page.tables["panel-subagents"][1:]] == [
        ("Main conversation", "2"),
        ("helper", "3"),
    ]
    assert [(row[0], row[1]) for row in page.tables["panel-skills"][1:]] == [("pdf", "2")]


def test_a_session_of_thousands_of_calls_makes_no_long_page(browser: Client, project: Project) -> None:
    many = 3_000
    calls = calls_in("s-1", many)
    store(project, [replace_time(call, AT + timedelta(seconds=n)) for n, call in enumerate(calls)])
    html = detail(browser, "s-1", "&page=15")
    page = PageReader(html)
    assert [row[0] for row in page.tables["panel-calls"][1:]][::199] == ["2,801", "3,000"]
    assert len(page.tables["panel-context"]) - 1 <= 200
    assert len(page.tables["panel-spending"]) - 1 <= 200
    assert page.tables["panel-spending"][-1][2] == "750"
    assert len(html) < 300_000


def replace_time(call: Call, at: Any) -> Call:
    return Call(**{**{name: getattr(call, name) for name in Call.__struct_fields__}, "started_at": at})


def test_the_number_of_questions_does_not_grow_with_rows(browser: Client, project: Project) -> None:
    def questions() -> Sequence[int]:
        numbers = []
        for address in (f"/sessions/?{DAYS}", f"/sessions/s-000/?{DAYS}"):
            browser.get(address)
            with CaptureQueriesContext(django_connection) as asked:
                assert browser.get(address).status_code == 200
            numbers.append(len(asked))
        return numbers

    store(project, calls_in("s-000", 2))
    run_of(project, "run", session_id="s-000")
    few = questions()
    store(project, [call for n in range(60) for call in calls_in(f"s-{n:03d}", 2, late=timedelta(minutes=n + 1))])
    for n in range(60):
        run_of(project, f"run-{n}", session_id="s-000")
    assert questions() == few


def test_a_session_that_is_not_added_up_says_so_and_an_unknown_one_is_404(browser: Client, project: Project) -> None:
    store(project, calls_in("s-1", 1))
    SessionRow.objects.create(project_id=project.pk, session_id="new", started_at=AT, last_call_at=AT)
    assert "Being added up" in detail(browser, "new")
    neighbour = Project.objects.create(slug=f"{project.slug}-next", name="Next")
    store(neighbour, calls_in("theirs", 1))
    answers = [browser.get(f"/sessions/{key}/") for key in ("theirs", "nobodys", "%00")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("key", ["a/b", "..", "100%", "%2F", "<script>alert(1)</script>", "\u202etfel", "x" * 200])
def test_a_link_of_the_list_leads_to_its_session_whatever_the_id(browser: Client, project: Project, key: str) -> None:
    store(project, calls_in(key, 2, model="<img src=x>", subagent_id="<img src=x>", skill="<img src=x>"))
    html = browser.get(f"/sessions/?{DAYS}").content.decode()
    address = html.partition('<a class="row" href="')[2].partition('"')[0].replace("&amp;", "&")
    answer = browser.get(address)
    assert answer.status_code == 200
    for page in (html, answer.content.decode()):
        assert "<img" not in page
        assert "<script>alert" not in page
