"""The live page: the newest calls of one project, filtered, in its zone, and again only when they changed."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from msgspec.structs import replace

from telemetry import facade
from telemetry.access.projects import ensure_project
from telemetry.contracts import Call
from telemetry.models import Project
from tests.page_reading import PageReader, invented_calls, shown_as, store, visitor

pytestmark = pytest.mark.usefixtures("static_files")
NEWS = {"HX-Request": "true"}


def a_call(name: str, *, minutes_ago: float = 1, **fields: object) -> Call:
    """A call of a minute ago unless told."""
    plain = Call(id=name, started_at=datetime.now(UTC) - timedelta(minutes=minutes_ago), model="gpt-5", agent="builder")
    return replace(plain, **fields)


def page(browser: Client, address: str = "/live/") -> str:
    response = browser.get(address)
    assert response.status_code == 200
    return response.content.decode()


def rows(text: str) -> list[list[str]]:
    """The rows of the tail, its header aside; news hold nothing around them."""
    tables = PageReader(text).tables
    return tables.get("panel-live", tables.get("", [[]]))[1:]


def poll_address(text: str) -> str:
    """Where the page asks for news."""
    found = re.search(r'id="poll"[^>]* hx-get="([^"]+)"', text)
    assert found
    return html.unescape(found[1])


def test_a_call_is_shown_with_its_figures(project: Project) -> None:
    at = datetime.now(UTC) - timedelta(seconds=5)
    store(
        project,
        [
            a_call(
                "c1",
                started_at=at,
                input_uncached=1200,
                cache_read=98_000,
                cache_write_5m=300,
                cache_write_1h=4,
                output=700,
                duration_ms=4210,
                session_id="3f0c9a1e-7b8f",
                cost_usd=None,
            )
        ],
    )
    [row] = rows(page(visitor(project)))
    assert row[1:3] == ["builder", "gpt-5"]
    assert [shown_as(cell) for cell in row[4:8]] == ["1200", "700", "98000", "304"]
    assert row[8:] == ["4210", "test", "3f0c9a1e-7b8f"]
    assert row[0] == f"{at:%H:%M:%S}"


def test_the_newest_hundred_by_their_own_time_stand_newest_first(project: Project) -> None:
    store(project, [a_call(f"c{n}", minutes_ago=n + 1, agent=f"agent-{n:03}") for n in reversed(range(130))])
    agents = [row[1] for row in rows(page(visitor(project)))]
    assert agents == [f"agent-{n:03}" for n in range(100)]


def test_a_tail_ends_where_the_calls_do_however_old_they_are(project: Project) -> None:
    store(project, invented_calls(5))
    assert len(rows(page(visitor(project)))) == 5


def test_a_call_without_a_price_costs_nothing_known(project: Project) -> None:
    store(project, [a_call("c1", model="house-llama", provider="local")])
    assert "unpriced" in page(visitor(project))
    assert "$0.00" not in page(visitor(project))


def test_an_error_is_said_beside_the_model(project: Project) -> None:
    store(project, [a_call("c1", error_type="overloaded_error")])
    assert "<small>overloaded_error</small>" in page(visitor(project))


def test_times_are_told_in_the_zone_of_the_page(project: Project) -> None:
    store(project, [a_call("c1", started_at=datetime(2025, 10, 24, 20, 0, 5, tzinfo=UTC))])
    browser = visitor(project)
    assert rows(page(browser, "/live/?tz=Asia/Kolkata"))[0][0] == "25 Oct 01:30:05"


def test_filters_narrow_the_tail_and_its_news(project: Project) -> None:
    store(project, [a_call("c1"), a_call("c2", agent="reviewer")])
    browser = visitor(project)
    text = page(browser, "/live/?agent=reviewer")
    assert [row[1] for row in rows(text)] == ["reviewer"]
    assert "agent=reviewer" in poll_address(text)
    assert "matches every filter" in page(browser, "/live/?agent=nobody")


def test_a_session_links_to_its_page_and_that_to_its_own_tail(project: Project) -> None:
    store(project, [a_call("c1", session_id="s-1"), a_call("c2")])
    browser = visitor(project)
    assert 'href="/sessions/s-1/"' in page(browser)
    assert 'href="/live/?session="' in page(browser)
    assert 'href="/live/?session=s-1&amp;range=all"' in page(browser, "/sessions/s-1/")


def test_while_nothing_changes_no_news_are_sent(project: Project) -> None:
    store(project, [a_call("c1")])
    browser = visitor(project)
    answer = browser.get(poll_address(page(browser)), headers=NEWS)
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_new_call_is_news_and_is_marked_as_new(project: Project) -> None:
    store(project, [a_call("c1")])
    browser = visitor(project)
    address = poll_address(page(browser))
    store(project, [a_call("c2", minutes_ago=0.1, agent="fresh")])
    news = browser.get(address, headers=NEWS).content.decode()
    assert "<html" not in news
    assert re.findall(r'<tr class="new"><th scope="row">', news) == ['<tr class="new"><th scope="row">']
    assert browser.get(poll_address(news), headers=NEWS).status_code == 204


def test_a_call_that_comes_late_is_news_too(project: Project) -> None:
    store(project, [a_call("c1")])
    browser = visitor(project)
    address = poll_address(page(browser))
    store(project, [a_call("late", minutes_ago=60)])
    late = browser.get(address, headers=NEWS)
    assert late.status_code == 200
    assert 'class="new"' not in late.content.decode()


def test_a_call_that_grows_is_news_too(project: Project) -> None:
    first = a_call("c1", output=1)
    store(project, [first])
    browser = visitor(project)
    address = poll_address(page(browser))
    facade.record(project_id=project.pk, calls=[replace(first, output=70)], source="test", now=datetime.now(UTC))
    assert rows(browser.get(address, headers=NEWS).content.decode())[0][5] == "70"


def test_the_tail_of_another_project_is_its_own(project: Project) -> None:
    store(project, [a_call("c1", agent="mine")])
    other = ensure_project(slug=f"{project.slug}-other")
    store(other, [a_call("c1", agent="theirs")])
    assert [row[1] for row in rows(page(visitor(other)))] == ["theirs"]


def test_a_project_without_calls_waits_and_leads_to_connect(project: Project) -> None:
    text = page(visitor(project))
    assert "Waiting for the first call" in text
    assert 'href="/connect/' in text


def test_a_name_from_the_data_is_escaped(project: Project) -> None:
    store(project, [a_call("c1", agent="<img src=x>")])
    assert "<img" not in page(visitor(project))


@pytest.mark.parametrize("address", ["/live/?tz=Mars/Base", "/live/?seen=a&range=5d", "/live/?agent=%00"])
def test_an_address_that_cannot_be_shown_is_answered_by_a_sentence(project: Project, address: str) -> None:
    assert visitor(project).get(address, headers=NEWS).status_code == 400
