"""Pages say what the series says, to the token, in every zone; and their CSV says what the page says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.test import Client
from msgspec.structs import replace
from pytest_django import DjangoDbBlocker

from telemetry.access.projects import ensure_project
from telemetry.dashboards import formats, pages
from telemetry.dashboards.pages import Shown
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.models import Project
from telemetry.series import queries
from telemetry.series.window import by_days
from tests.ledger_reading import added_up
from tests.page_reading import PageReader, invented_calls, rows_of_csv, shown_as, store, visitor

DAYS = "from=2025-10-24&to=2025-10-27"
ZONES = ("UTC", "Europe/Madrid", "Asia/Kolkata", "America/St_Johns")
DIFFERENCES = ("cost-differences", "execution-differences")  # test_pages_differences.py: here nothing differs
TABLES = [
    (path, name)
    for path, shown in (("/", pages.OVERVIEW), ("/models/", pages.MODELS))
    for name in shown.tables
    if name not in DIFFERENCES
]
pytestmark = pytest.mark.usefixtures("static_files")
COUNTS = ("calls", "input_uncached", "cache_read", "cache_write", "output")


@pytest.fixture
def browser(project: Project) -> Client:
    """An owner's browser, on a project with a few days of calls."""
    store(project, invented_calls())
    return visitor(project)


@pytest.fixture(scope="module")
def one_slug(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> str:
    """A project with those calls, which all tests share that only look at it."""
    with django_db_blocker.unblock():
        project = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")
        store(project, invented_calls())
        connections.close_all()
        return project.slug


@pytest.fixture
def known(database: None, one_slug: str) -> tuple[Client, Project]:
    """An owner's browser on that project."""
    project = Project.objects.get(slug=one_slug)
    return visitor(project), project


def page(browser: Client, address: str) -> PageReader:
    response = browser.get(address)
    assert response.status_code == 200
    return PageReader(response.content.decode())


@pytest.mark.parametrize("zone", ZONES)
def test_the_cards_are_the_sums_of_the_local_days(known: tuple[Client, Project], zone: str) -> None:
    browser, project = known
    window = by_days(date(2025, 10, 26), date(2025, 10, 26), zone=zone)
    total = queries.usage_total(added_up(project.pk), project_id=project.pk, window=window)
    assert 40 < total.calls < 52
    cards = page(browser, f"/?from=2025-10-26&to=2025-10-26&tz={zone}").cards
    assert cards == {
        "input": str(total.input_total),
        "output": str(total.output),
        "cost": formats.exact_usd(total.cost_nanousd),
        "calls": str(total.calls),
        "ratio": formats.ratio(total.input_total, total.output),
        "cache": formats.percent(total.cache_read, total.input_total),
    }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("path", "table"), TABLES)
def test_every_table_ends_in_the_total_of_the_cards(
    known: tuple[Client, Project], zone: str, path: str, table: str
) -> None:
    browser, project = known
    cards = page(browser, f"/?{DAYS}&tz={zone}").cards
    header, *_, total = rows_of_csv(browser.get(f"{path}?{DAYS}&tz={zone}&format=csv&table={table}").content)
    figures = dict(zip(header, total, strict=True))
    if table == "unpriced":
        window = by_days(date(2025, 10, 24), date(2025, 10, 27), zone=zone)
        total_row = queries.usage_total(added_up(project.pk), project_id=project.pk, window=window)
        assert int(figures["calls"]) == total_row.unpriced_calls > 0
    elif table == "percentiles":
        assert figures["calls"] == cards["calls"]
    elif "calls" in figures:
        assert figures["calls"] == cards["calls"]
        assert figures["output"] == cards["output"]
        assert figures["cost_usd"] == cards["cost"]
    elif table == "cost-by-day":
        assert figures["total"] == cards["cost"]
    else:
        assert int(figures["total"]) == int(cards["input"]) + int(cards["output"])


@pytest.mark.parametrize(("path", "table"), TABLES)
@pytest.mark.parametrize("filters", ["", "&agent=builder", "&agent=&task_type=fix", "&metric=cost"])
def test_the_csv_has_the_rows_and_figures_of_the_page(
    known: tuple[Client, Project], path: str, table: str, filters: str
) -> None:
    browser, _ = known
    shown = page(browser, f"{path}?{DAYS}{filters}&tz=Europe/Madrid").tables[f"panel-{table}"]
    sent = rows_of_csv(browser.get(f"{path}?{DAYS}{filters}&tz=Europe/Madrid&format=csv&table={table}").content)
    assert len(sent) == len(shown) > 2
    header = sent[0]
    dated = {place for place, name in enumerate(header) if name in ("bucket", "day", "started_at")}
    for seen, row in zip(shown[1:], sent[1:], strict=True):
        for place, (left, right) in enumerate(zip(seen, row, strict=True)):
            if place not in dated:
                assert shown_as(left) == shown_as(right)


@pytest.mark.parametrize(("path", "table"), TABLES)
def test_the_rows_of_a_table_add_up_to_its_total(known: tuple[Client, Project], path: str, table: str) -> None:
    browser, _ = known
    header, *rows, total = rows_of_csv(browser.get(f"{path}?{DAYS}&format=csv&table={table}").content)
    places = [place for place, name in enumerate(header) if name in COUNTS or name == "total"]
    for place in places:
        if header[place] != "total" or table == "tokens-by-day":
            assert sum(int(row[place]) for row in rows) == int(total[place])


def test_a_csv_of_all_rows_has_those_that_the_page_sums_up(browser: Client) -> None:
    shortened = rows_of_csv(browser.get(f"/?{DAYS}&format=csv&table=sessions").content)
    complete = rows_of_csv(browser.get(f"/?{DAYS}&format=csv&table=sessions&rows=all").content)
    assert [row[0] for row in shortened[-2:]] == ["Others", "Total"]
    assert len(shortened) == 1 + 10 + 2
    assert len(complete) == 1 + 16 + 1
    assert complete[-1] == shortened[-1]


def test_a_csv_is_named_after_project_page_table_and_days(browser: Client, project: Project) -> None:
    response = browser.get(f"/models/?{DAYS}&format=csv&table=days")
    name = f"tloi_{project.slug}_models_days_2025-10-24_2025-10-27.csv"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_words_from_the_data_are_no_formula_in_a_csv(browser: Client) -> None:
    agents = rows_of_csv(browser.get(f"/?{DAYS}&format=csv&table=agents").content)
    assert "'=cmd()" in [row[0] for row in agents]


def test_days_are_cut_in_the_zone_of_the_project(browser: Client, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    days = [row[0] for row in rows_of_csv(browser.get(f"/models/?{DAYS}&format=csv&table=tokens-by-day").content)]
    assert days == ["bucket", "2025-10-27", "2025-10-26", "2025-10-25", "2025-10-24", "Total"]
    assert "Asia/Kolkata" in browser.get(f"/?{DAYS}").content.decode()


def test_a_filter_narrows_every_figure_and_can_be_taken_away(browser: Client, project: Project) -> None:
    window = by_days(date(2025, 10, 24), date(2025, 10, 27), zone=project.time_zone)
    filters = {"agent": ["builder"], "model": ["gpt-5"]}
    total = queries.usage_total(added_up(project.pk), project_id=project.pk, window=window, filters=filters)
    address = f"/?{DAYS}&agent=builder&model=gpt-5"
    assert page(browser, address).cards["calls"] == str(total.calls)
    html = browser.get(address).content.decode()
    assert 'href="/?from=2025-10-24&amp;to=2025-10-27&amp;model=gpt-5"' in html
    assert 'href="/?from=2025-10-24&amp;to=2025-10-27" data-key="Escape"' in html


def test_a_filter_that_only_calls_can_answer_says_since_when_there_are_calls(browser: Client, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(calls_kept_from_at=datetime(2025, 10, 25, tzinfo=UTC))
    said = "Calls before 25 Oct 2025, 00:00 have expired."
    assert said in browser.get(f"/?{DAYS}&skill=").content.decode()
    assert said not in browser.get(f"/?{DAYS}&agent=builder").content.decode()
    assert said not in browser.get("/?from=2025-10-26&to=2025-10-27&cmp=off&skill=").content.decode()


def test_a_row_links_to_the_page_narrowed_to_it(browser: Client) -> None:
    html = browser.get(f"/?{DAYS}").content.decode()
    assert 'href="/?from=2025-10-24&amp;to=2025-10-27&amp;agent=builder"' in html
    assert 'href="/?from=2025-10-24&amp;to=2025-10-27&amp;agent="' in html


def test_calls_without_a_price_are_counted_and_never_cost_nothing(browser: Client) -> None:
    html = browser.get(f"/?{DAYS}").content.decode()
    assert "63 calls unpriced" in html
    only = page(browser, f"/?{DAYS}&model=house-llama")
    assert only.cards["cost"] == ""
    assert "$0.00" not in browser.get(f"/?{DAYS}&model=house-llama").content.decode()
    assert page(browser, f"/models/?{DAYS}").tables["panel-unpriced"][1:] == [
        ["local", "house-llama", "63"],
        ["Total", "", "63"],
    ]


def test_a_card_compares_with_the_period_before(browser: Client, project: Project) -> None:
    address = "/?from=2025-10-26&to=2025-10-26&tz=UTC"
    day = by_days(date(2025, 10, 26), date(2025, 10, 26), zone="UTC")
    before = by_days(date(2025, 10, 25), date(2025, 10, 25), zone="UTC")
    now, then = (
        queries.usage_total(added_up(project.pk), project_id=project.pk, window=each) for each in (day, before)
    )
    html = browser.get(address).content.decode()
    assert formats.change(now.output, then.output).text in html
    assert "compared with 25 Oct 2025" in html
    assert "against the period before" not in browser.get(f"{address}&cmp=off").content.decode()


def test_names_from_the_data_are_escaped_wherever_they_stand(project: Project) -> None:
    store(project, [replace(call, model="</script><img src=x>") for call in invented_calls(3)])
    html = visitor(project).get(f"/models/?{DAYS}").content.decode()
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html
    assert "\\u0026lt;img src=x" in html


def test_a_panel_that_takes_too_long_says_so_and_the_others_stand(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PANEL_TIMEOUT_S", 0.3)
    with somebody_else() as cursor:
        cursor.execute("LOCK TABLE telemetry_session")
        html = browser.get(f"/?{DAYS}").content.decode()
    assert "took longer than 0.3 s" in html
    read = PageReader(html)
    assert "panel-sessions" not in read.tables
    assert read.tables["panel-agents"][-1][0] == "Total"
    assert read.cards["calls"] == "190"


@pytest.mark.parametrize("path", ["/", "/models/"])
def test_a_page_reads_no_calls_unless_it_asks_for_what_only_they_know(
    browser: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(pages, "PANEL_TIMEOUT_S", 1)
    page(browser, f"{path}?{DAYS}")
    with somebody_else() as cursor:
        cursor.execute("LOCK TABLE telemetry_call")
        html = browser.get(f"{path}?{DAYS}&agent=builder").content.decode()
        assert "panel-failed" not in html
        assert "took longer than" in browser.get(f"{path}?{DAYS}&skill=").content.decode()
    assert "panel-failed" not in browser.get(f"{path}?{DAYS}&skill=").content.decode()


def test_all_panels_of_a_page_see_the_same_instant(
    browser: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = pages.show

    def show_and_delete(panel: Panel, reader: Reader) -> Shown:
        shown = show(panel, reader)
        with somebody_else() as cursor:
            for table in ("call", "rollup_15m", "rollup_1d", "rollup_session_15m", "rollup_session_1d"):
                cursor.execute(f"DELETE FROM telemetry_{table} WHERE project_id = %s", [project.pk])
        return shown

    monkeypatch.setattr(pages, "show", show_and_delete)
    read = page(browser, f"/?{DAYS}")
    assert read.cards["calls"] == "190"
    assert {row[0] for row in read.tables["panel-agents"][1:-1]} == {"builder", "=cmd()", "(none)"}
    assert "No calls yet" in browser.get(f"/?{DAYS}").content.decode()


@contextmanager
def somebody_else() -> Iterator[CursorWrapper]:
    """A transaction on another connection, committed at the end."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            yield cursor
        other.commit()
    finally:
        other.close()
