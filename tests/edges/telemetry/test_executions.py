"""Executions: the list of a range, and the page of one, whatever its id and its words are."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.db import connection as django_connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from telemetry import facade
from telemetry.contracts import Call, Execution
from telemetry.models import Anomaly, Membership, Project, Run
from telemetry.models import Execution as ExecutionRow
from tests.made_runs import AT, anomaly_of, run_of
from tests.page_reading import PageReader, person, rows_of_csv, shown_as, store, visitor

DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
HOSTILE = "<script>alert(1)</script>"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def browser(project: Project) -> Client:
    """An owner's browser, on a project that has a call."""
    store(project, calls_of("seed", 1))
    return visitor(project)


def calls_of(execution_id: str, count: int = 3, **fields: Any) -> list[Call]:
    """Calls of a run, each with more context than the one before."""
    return [
        Call(
            id=f"{execution_id}-{n}",
            started_at=AT + timedelta(seconds=10 * n),
            execution_id=execution_id,
            **{
                "model": "gpt-5",
                "provider": "openai",
                "input_uncached": 100 * (n + 1),
                "cache_read": 300,
                "output": 10,
                "cost_usd": Decimal("0.25"),
                "agent": "builder",
                "session_id": "s-1",
                **fields,
            },
        )
        for n in range(count)
    ]


def listed(browser: Client, query: str = "") -> list[list[str]]:
    """The rows of the list, its header left out."""
    html = browser.get(f"/executions/?{DAYS}{query}").content.decode()
    return PageReader(html).tables.get("panel-executions", [])[1:]


def ids(browser: Client, query: str = "") -> list[str]:
    return [row[0] for row in listed(browser, query)]


def test_a_run_is_a_row_of_the_range_in_which_it_began(browser: Client, project: Project) -> None:
    run_of(project, "inside", calls_of("inside"), task_id="sync", status="done")
    run_of(project, "before", started_at=AT - timedelta(days=2))
    row = listed(browser)
    assert [cells[0] for cells in row] == ["inside"]
    assert row[0][1:6] == ["sync", "24 Oct, 09:30", "builder", "gpt-5", "done"]
    assert [shown_as(cell) for cell in row[0][6:12]] == ["3", "1500", "30", "50.0", "60.0", "0.75"]


@pytest.mark.parametrize(
    ("sort", "first"), [("", "newest"), ("&sort=tokens", "large"), ("&sort=cost", "dear"), ("&sort=duration", "slow")]
)
def test_the_list_is_ordered_as_one_asks(browser: Client, project: Project, sort: str, first: str) -> None:
    run_of(project, "newest", started_at=AT + timedelta(hours=3), calls=1, output=1)
    run_of(project, "large", started_at=AT, calls=1, cache_read=900)
    run_of(project, "dear", started_at=AT, calls=1, cost_nanousd=9, output=1)
    run_of(project, "slow", started_at=AT, duration_ms=10**7, calls=1, output=1)
    assert ids(browser, sort)[0] == first


@pytest.mark.parametrize(
    ("name", "column"),
    [
        *(("agent", "agent"), ("model", "model"), ("host", "host"), ("task", "task_id"), ("task_type", "task_type")),
        *(("status", "status"), ("session", "session_id"), ("objective", "objective"), ("source", "source")),
    ],
)
def test_the_list_is_narrowed_by_what_runs_are_kept_by(
    browser: Client, project: Project, name: str, column: str
) -> None:
    for key, value in (("one", "this"), ("other", "that")):
        fields: dict[str, Any] = {column: value}
        run_of(project, key, **fields)
    assert ids(browser, f"&{name}=this") == ["one"]
    assert sorted(ids(browser, f"&{name}=this&{name}=that")) == ["one", "other"]


def test_a_filter_that_runs_are_not_kept_by_is_named_and_changes_nothing(browser: Client, project: Project) -> None:
    run_of(project, "one")
    html = browser.get(f"/executions/?{DAYS}&provider=openai").content.decode()
    assert "Executions are not kept by provider" in html
    assert ids(browser, "&provider=openai") == ["one"]


def test_what_counters_of_sessions_came_to_is_no_execution(browser: Client, project: Project) -> None:
    run_of(project, "meter:abc")
    run_of(project, "one")
    assert ids(browser) == ["one"]


def test_a_long_list_is_turned_fifty_rows_at_a_time(browser: Client, project: Project) -> None:
    for n in range(101):
        run_of(project, f"run-{n:03d}", started_at=AT + timedelta(seconds=n))
    pages = [ids(browser, f"&page={number}") for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 50, 1]
    assert [row for page in pages for row in page] == [f"run-{n:03d}" for n in reversed(range(101))]
    html = browser.get(f"/executions/?{DAYS}&page=2").content.decode()
    assert "51–100 of 101" in html
    assert 'rel="next"' in html
    assert 'rel="prev"' in html
    assert ids(browser, "&page=9") == pages[2]


def test_the_csv_has_the_rows_of_the_page_and_all_rows_where_one_asks(browser: Client, project: Project) -> None:
    for n in range(52):
        run_of(
            project, f"run-{n:02d}", calls_of(f"run-{n:02d}", 1), started_at=AT + timedelta(seconds=n), task_id="=cmd()"
        )
    shown = listed(browser, "&page=2")
    header, *sent = rows_of_csv(browser.get(f"/executions/?{DAYS}&page=2&format=csv&table=executions").content)
    dated = header.index("started_at")
    for seen, row in zip(shown, sent, strict=True):
        pairs = [(left, right) for place, (left, right) in enumerate(zip(seen, row, strict=False)) if place != dated]
        assert [shown_as(left) for left, _ in pairs[:-2]] == [shown_as(right) for _, right in pairs[:-2]]
    assert sent[0][1] == "'=cmd()"
    response = browser.get(f"/executions/?{DAYS}&rows=all&format=csv&table=executions")
    assert len(rows_of_csv(response.content)) == 1 + 52
    assert f"tloi_{project.slug}_executions_2025-10-24_2025-10-27.csv" in response.headers["Content-Disposition"]


@pytest.mark.parametrize("query", ["sort=size", "page=0", "format=json", "format=csv&table=agents", "status=%00"])
def test_what_the_list_does_not_understand_is_400(browser: Client, query: str) -> None:
    assert browser.get(f"/executions/?{DAYS}&{query}").status_code == 400


def test_an_empty_range_says_so(browser: Client, project: Project) -> None:
    run_of(project, "one")
    assert "No execution was recorded in" in browser.get("/executions/?from=2024-01-01&to=2024-01-02").content.decode()
    filtered = browser.get(f"/executions/?{DAYS}&status=nope").content.decode()
    assert "matches every filter" in filtered
    assert "status: nope" in filtered


def test_findings_are_counted_by_severity_less_what_is_no_waste(browser: Client, project: Project) -> None:
    run = run_of(project, "one")
    anomaly_of(run, "context_bloat", "high")
    anomaly_of(run, "expensive_task", "medium")
    anomaly_of(run, "inefficient_task", "medium", state=Anomaly.State.NOT_WASTE)
    anomaly_of(run, "duplicate_work", "medium", state=Anomaly.State.ACKNOWLEDGED, evidence={"holds": False})
    html = browser.get(f"/executions/?{DAYS}").content.decode()
    assert "1 high +1" in html


def test_the_number_of_questions_does_not_grow_with_rows(browser: Client, project: Project) -> None:
    def questions(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(django_connection) as asked:
            assert browser.get(address).status_code == 200
        return len(asked)

    store(project, calls_of("run-00", 2))
    run = run_of(project, "run-00", calls_of("run-00", 2), task_id="sync", task_key="sync")
    run_of(project, "run-01", task_key="sync")
    addresses = [f"/executions/?{DAYS}", "/executions/run-00/"]
    few = [questions(address) for address in addresses]
    for n in range(1, 60):
        anomaly_of(run_of(project, f"run-{n:02d}", calls_of(f"run-{n:02d}", 1), task_id="sync", task_key="sync"))
    store(project, calls_of("run-00", 40)[2:])
    run_of(project, "run-00", calls_of("run-00", 40), task_id="sync", task_key="sync")
    anomaly_of(run)
    many = [questions(address) for address in addresses]
    assert many == few
    assert many[0] <= 20


def detail(browser: Client, execution_id: str, query: str = "") -> str:
    response = browser.get(f"{reverse('execution', args=[execution_id])}?{DAYS}{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_of_a_run_has_its_sums_and_its_calls_in_order(browser: Client, project: Project) -> None:
    calls = calls_of("run-1", 4)
    store(project, [*calls, *calls_of("run-2", 2)])
    run_of(project, "run-1", calls, session_id="s-1", task_id="sync", status="done")
    page = PageReader(detail(browser, "run-1"))
    assert page.cards["input"] == str(1000 + 1200)
    assert (page.cards["calls"], page.cards["output"], page.cards["cost"]) == ("4", "40", "1")
    rows = page.tables["panel-calls"][1:]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert [row[3] for row in rows] == ["400", "500", "600", "700"]
    twin = page.tables["panel-context"][1:]
    assert [row[3] for row in twin] == ["400", "500", "600", "700"]
    spent = [shown_as(row[2]) for row in page.tables["panel-spending"][1:]]
    assert [float(figure) for figure in spent] == [0.25, 0.5, 0.75, 1]


def test_a_run_that_no_call_names_has_those_of_its_session(browser: Client, project: Project) -> None:
    calls = calls_of("", 3, session_id="s-9")
    calls = [
        Call(**{**{f: getattr(c, f) for f in Call.__struct_fields__}, "id": f"s9-{n}"}) for n, c in enumerate(calls)
    ]
    store(project, calls)
    run_of(project, "run-9", calls, session_id="s-9")
    assert len(PageReader(detail(browser, "run-9")).tables["panel-calls"]) == 1 + 3


def test_calls_are_turned_two_hundred_at_a_time(browser: Client, project: Project) -> None:
    calls = calls_of("run-1", 201)
    store(project, calls)
    run_of(project, "run-1", calls)
    first, second = (PageReader(detail(browser, "run-1", f"&page={number}")) for number in (1, 2))
    assert len(first.tables["panel-calls"]) == 1 + 200
    assert [row[0] for row in second.tables["panel-calls"][1:]] == ["201"]
    assert len(first.tables["panel-context"]) <= 1 + 200


def test_sub_agents_stand_apart_and_add_up_with_the_main_conversation(browser: Client, project: Project) -> None:
    main, helper = calls_of("run-1", 2), calls_of("run-1", 5, subagent_id="helper")[2:]
    store(project, [*main, *helper])
    run_of(project, "run-1", [*main, *helper])
    rows = PageReader(detail(browser, "run-1")).tables["panel-subagents"][1:]
    assert [row[0] for row in rows] == ["Main conversation", "helper"]
    assert [row[5] for row in rows] == ["2", "3"]


def test_calls_without_a_price_are_said_and_cost_never_nothing(browser: Client, project: Project) -> None:
    calls = calls_of("run-1", 2, model="house-llama", provider="local", cost_usd=None)
    store(project, calls)
    run_of(project, "run-1", calls, model="house-llama")
    html = detail(browser, "run-1")
    assert PageReader(html).cards["cost"] == ""
    assert "unpriced" in html
    assert "$0.00" not in html
    assert "panel-spending" not in html


def test_what_was_found_in_a_run_stands_on_its_page(browser: Client, project: Project) -> None:
    anomaly_of(run_of(project, "run-1"), "context_bloat", "high", evidence={"ratio": 25.3, "threshold": 15.0})
    html = detail(browser, "run-1")
    assert "Context bloat" in html
    assert "25.3" in html


def test_sent_totals_stand_beside_counted_ones_where_they_differ(browser: Client, project: Project) -> None:
    calls = calls_of("run-1", 1)
    sent = Execution(execution_id="run-1", started_at=AT, tokens_input=999, tokens_output=10)
    facade.record(project_id=project.pk, calls=calls, executions=[sent], source="test", now=AT + timedelta(days=3))
    run_of(project, "run-1", calls)
    rows = PageReader(detail(browser, "run-1")).tables["panel-sent"][1:]
    assert rows[0] == ["Input", "999", "400", "599"]
    assert rows[3][1:] == ["10", "10", "0"]


def test_a_run_knows_the_others_of_its_task(browser: Client, project: Project) -> None:
    for name in ("run-1", "run-2", "run-3"):
        run_of(project, name, task_key="sync", task_id="sync")
    run_of(project, "elsewhere", task_key="other")
    rows = PageReader(detail(browser, "run-1")).tables["panel-other-runs"][1:]
    assert sorted(row[0] for row in rows) == ["run-2", "run-3"]


def test_a_run_whose_sums_are_not_made_is_being_added_up(browser: Client, project: Project) -> None:
    ExecutionRow.objects.create(
        project_id=project.pk, execution_id="new", started_at=AT, received_at=AT, task_id="sync", errors=["it broke"]
    )
    html = detail(browser, "new")
    assert "Being added up" in html
    assert "it broke" in html


def test_an_unknown_run_and_one_of_another_project_are_404_in_our_words(browser: Client, project: Project) -> None:
    neighbour = Project.objects.create(slug=f"{project.slug}-next", name="Next")
    run_of(neighbour, "theirs")
    answers = [browser.get(f"/executions/{key}/") for key in ("theirs", "nobodys", "%00")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1
    assert "No such execution" in answers[0].content.decode()


@pytest.mark.parametrize(
    "key", ["a/b", "../../admin/", "..", "100%", "%2F", "a b?c#d", "\u202etfel", "\n", HOSTILE, "=cmd()", "日" * 300]
)
def test_a_link_of_the_list_leads_to_its_run_whatever_the_id(browser: Client, project: Project, key: str) -> None:
    run_of(project, key, task_id=HOSTILE, objective=HOSTILE)
    ExecutionRow.objects.create(
        project_id=project.pk, execution_id=key, started_at=AT, received_at=AT, errors=[HOSTILE, "x" * 4000]
    )
    html = browser.get(f"/executions/?{DAYS}").content.decode()
    address = html.partition('<a class="row" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert unquote(urlsplit(address).path).startswith("/executions/")
    answer = browser.get(address)
    assert answer.status_code == 200
    for page in (html, answer.content.decode()):
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page


def test_the_other_projects_of_a_person_are_reached_by_their_list(browser: Client, project: Project) -> None:
    run_of(project, "run-1")
    second = Project.objects.create(slug=f"{project.slug}-second", name="Second")
    Membership.objects.create(user=person(project), project=second)
    assert f'href="/executions/?from=2025-10-24&amp;to=2025-10-27&amp;tz=UTC&amp;project={second.slug}"' in detail(
        browser, "run-1", f"&project={project.slug}"
    )
    assert Run.objects.filter(project_id=second.pk).count() == 0
