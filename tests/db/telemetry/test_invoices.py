"""Invoices are kept once: the same again replaces, files never overlap, and nothing crosses projects."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connections

from telemetry.access.projects import ensure_project
from telemetry.ledger import invoices
from telemetry.ledger.invoice_csv import BadInvoice, InvoiceFile, Line
from telemetry.models import InvoiceLine, InvoiceTotal, Project

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
DOLLAR = 10**9


def november(day: int) -> date:
    return date(2026, 11, day)


def file_of(days: Iterable[int], dollars: int = 1) -> InvoiceFile:
    """A file in which one model cost the same on each of some days of November."""
    lines = tuple(Line(november(day), "m", dollars * DOLLAR, 0) for day in sorted(days))
    return InvoiceFile("OpenRouter activity", "openrouter", lines[0].day, lines[-1].day, lines)


def enter(project: Project, file: InvoiceFile, provider: str = "openrouter") -> int:
    return invoices.enter_file(
        project_id=project.pk, provider=provider, file=file, file_name="f.csv", by="owner", now=NOW
    )


def type_in(project: Project, first: int, last: int, dollars: int) -> int:
    return invoices.enter_total(
        project_id=project.pk,
        provider="openrouter",
        first_day=november(first),
        last_day=november(last),
        amount_nanousd=dollars * DOLLAR,
        by="owner",
        now=NOW,
    )


def kept(project: Project) -> list[tuple[int, int, int]]:
    """(first day, last day, dollars) of each invoice, oldest first."""
    found = sorted(invoices.invoices(project_id=project.pk), key=lambda one: one.first_day)
    return [(one.first_day.day, one.last_day.day, one.amount_nanousd // DOLLAR) for one in found]


def dollars_by_day(project: Project) -> dict[int, int]:
    rows = InvoiceLine.objects.filter(project_id=project.pk).order_by("day")
    return {row.day.day: row.amount_nanousd // DOLLAR for row in rows}


def test_the_same_file_twice_is_one(project: Project) -> None:
    enter(project, file_of(range(1, 4)))
    last = enter(project, file_of(range(1, 4)))
    assert kept(project) == [(1, 3, 3)]
    assert len(invoices.lines_of(project_id=project.pk, invoice_id=last)) == 3


@pytest.mark.parametrize(
    ("later", "totals"),
    [
        (range(1, 11), [(1, 10, 20)]),
        (range(8, 13), [(1, 7, 7), (8, 12, 10)]),
        (range(1, 4), [(1, 3, 6), (4, 10, 7)]),
        (range(4, 7), [(1, 3, 3), (4, 6, 6), (7, 10, 4)]),
        (range(11, 13), [(1, 10, 10), (11, 12, 4)]),
        ([4, 6], [(1, 3, 3), (4, 6, 4), (7, 10, 4)]),
    ],
)
def test_a_later_file_speaks_for_its_days_and_leaves_the_others(
    project: Project, later: Iterable[int], totals: list[tuple[int, int, int]]
) -> None:
    enter(project, file_of(range(1, 11)))
    enter(project, file_of(later, dollars=2))
    assert kept(project) == totals
    assert sum(dollars_by_day(project).values()) == sum(dollars for _, _, dollars in totals)


def test_what_is_left_of_a_file_keeps_its_lines(project: Project) -> None:
    enter(project, file_of(range(1, 11)))
    enter(project, file_of(range(4, 7), dollars=2))
    for one in invoices.invoices(project_id=project.pk):
        lines = invoices.lines_of(project_id=project.pk, invoice_id=one.id)
        assert sum(line.amount_nanousd for line in lines) == one.amount_nanousd
        assert all(one.first_day <= line.day <= one.last_day for line in lines)


def test_files_of_two_providers_do_not_touch(project: Project) -> None:
    enter(project, file_of(range(1, 4)))
    enter(project, file_of(range(1, 4)), provider="anthropic")
    assert kept(project) == [(1, 3, 3), (1, 3, 3)]


def test_a_total_that_is_typed_again_is_corrected(project: Project) -> None:
    first = type_in(project, 1, 30, 12)
    assert type_in(project, 1, 30, 13) == first
    assert kept(project) == [(1, 30, 13)]


def test_a_typed_total_stands_beside_a_file_of_the_same_days(project: Project) -> None:
    type_in(project, 1, 3, 9)
    enter(project, file_of(range(1, 4)))
    enter(project, file_of(range(1, 4)))
    assert sorted(kept(project)) == [(1, 3, 3), (1, 3, 9)]


def test_removing_a_file_takes_its_lines(project: Project) -> None:
    entered = enter(project, file_of(range(1, 4)))
    invoices.remove_invoice(project_id=project.pk, invoice_id=entered)
    assert (kept(project), dollars_by_day(project)) == ([], {})


def test_an_invoice_of_another_project_is_unknown(project: Project) -> None:
    other = ensure_project(slug=f"{project.slug}-other")
    entered = enter(other, file_of([1]))
    with pytest.raises(invoices.UnknownInvoice):
        invoices.remove_invoice(project_id=project.pk, invoice_id=entered)
    assert invoices.lines_of(project_id=project.pk, invoice_id=entered) == []
    assert kept(other) == [(1, 1, 1)]


def test_a_period_that_cannot_be_is_refused(project: Project) -> None:
    with pytest.raises(BadInvoice, match="before it begins"):
        type_in(project, 4, 3, 1)
    with pytest.raises(BadInvoice, match="which provider"):
        enter(project, file_of([1]), provider="")
    long = InvoiceFile("table", "", november(1), november(1) + timedelta(days=invoices.MOST_DAYS), ())
    with pytest.raises(BadInvoice, match="at most"):
        enter(project, long)
    assert kept(project) == []


def test_a_project_keeps_only_so_many_and_what_is_refused_leaves_no_trace(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoices, "MOST_TOTALS", 2)
    enter(project, file_of([1]))
    enter(project, file_of([3]))
    with pytest.raises(BadInvoice, match="2 invoices at most"):
        enter(project, file_of([5]))
    assert dollars_by_day(project) == {1: 1, 3: 1}
    type_in(ensure_project(slug=f"{project.slug}-other"), 1, 2, 3)


def test_the_same_file_from_many_tabs_at_once_is_one(project: Project) -> None:
    def upload(_: int) -> None:
        try:
            enter(project, file_of(range(1, 20)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as tabs:
        list(tabs.map(upload, range(8)))
    assert kept(project) == [(1, 19, 19)]
    assert InvoiceTotal.objects.filter(project_id=project.pk).count() == 1
