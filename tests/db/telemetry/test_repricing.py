"""Calls are priced again by what prices say today: exactly, once, each by its date, and beside everything else."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.ledger import overrides, repricing
from telemetry.ledger.pricing import FREE, PRICE_VERSION
from telemetry.ledger.repricing import Report, Repriced, reprice
from telemetry.models import PriceOverride, Project
from tests.ledger_reading import at_once, rows, send, sums
from tests.page_reading import invented_calls

NOON = datetime(2026, 11, 20, 8, tzinfo=UTC)
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh(database: None) -> None:
    """No snapshot of an earlier test is young enough to be believed."""
    overrides.forget()


def call(name: str, **fields: Any) -> Call:
    return Call(**{"id": name, "started_at": NOON, "model": "house-llama", "output": 1_000_000, **fields})


def price(project: Project, **fields: Any) -> PriceOverride:
    known: dict[str, Any] = {"model": "house-llama", "input_usd": Decimal(1), "output_usd": Decimal(2)}
    return PriceOverride.objects.create(project=project, **known | fields)


def repriced(project: Project, *, start: datetime = START, end: datetime = END, **how: Any) -> Report:
    report = Report()
    for _, of_day in reprice(connection(), project_id=project.pk, start=start, end=end, **how):
        report.add(of_day)
    return report


def costs(project: Project) -> dict[str, tuple[int | None, str]]:
    return {row["request_key"]: (row["cost_computed_nanousd"], row["price_version"]) for row in rows(project.pk)}


def test_a_price_that_came_later_prices_the_calls_that_were_there(project: Project) -> None:
    send(project.pk, [call("a"), call("b", output=500_000), call("c", model="gpt-5", provider="openai")])
    one = price(project)
    report = repriced(project)
    assert (report.seen, report.renamed, report.held) == (3, 0, 0)
    assert report.models == {"house-llama": Repriced(calls=2, after_nanousd=3_000_000_000, had_none=2)}
    name = f"override {one.pk}"
    assert costs(project) == {"a": (2 * 10**9, name), "b": (10**9, name), "c": (10 * 10**9, PRICE_VERSION)}


def test_a_second_time_nothing_changes_and_nothing_is_written(project: Project) -> None:
    send(project.pk, [call(str(n)) for n in range(20)])
    price(project)
    repriced(project)
    written = rows_as_stored(project)
    again = repriced(project)
    assert (again.seen, again.models, again.renamed) == (20, {}, 0)
    assert rows_as_stored(project) == written


def rows_as_stored(project: Project) -> list[Any]:
    """Every row with the transaction that wrote it."""
    query = "SELECT xmin::text, ctid::text, telemetry_call FROM telemetry_call WHERE project_id = %s ORDER BY id"
    return connection().execute(query, [project.pk]).fetchall()


def test_a_dry_run_says_the_same_and_writes_nothing(project: Project) -> None:
    send(project.pk, [call("a"), call("b")])
    price(project)
    before = rows_as_stored(project)
    told = repriced(project, dry_run=True)
    assert rows_as_stored(project) == before
    assert told == repriced(project)
    assert told.models["house-llama"].calls == 2


def test_each_call_is_priced_by_its_own_date(project: Project) -> None:
    moments = [NOON - timedelta(days=n) for n in range(4)]
    send(project.pk, [call(str(n), started_at=moment) for n, moment in enumerate(moments)])
    price(project, valid_to=date(2026, 11, 18))
    price(project, valid_from=date(2026, 11, 20), output_usd=Decimal(4))
    assert repriced(project).models["house-llama"].calls == 3
    assert [cost for cost, _ in costs(project).values()] == [4 * 10**9, None, 2 * 10**9, 2 * 10**9]


def test_only_calls_of_the_range_are_touched_to_the_microsecond(project: Project) -> None:
    start, end = NOON, NOON + timedelta(days=2, hours=5)
    step = timedelta(microseconds=1)
    moments = {"before": start - step, "first": start, "last": end - step, "after": end}
    send(project.pk, [call(name, started_at=at) for name, at in moments.items()], now=end + timedelta(days=1))
    price(project)
    assert repriced(project, start=start, end=end).seen == 2
    assert {name for name, (cost, _) in costs(project).items() if cost} == {"first", "last"}


def test_only_the_models_that_were_named_are_touched(project: Project) -> None:
    names = ("house_llama", "house-llama", "house_llama-2", "houseXllama")
    send(project.pk, [call(name, model=name) for name in names])
    price(project, model="*")
    assert repriced(project, model="house_llama", dry_run=True).models.keys() == {"house_llama"}
    assert repriced(project, model="house_*", dry_run=True).models.keys() == {"house_llama", "house_llama-2"}


def test_what_repricing_computes_is_what_ingest_computes(project: Project) -> None:
    twin = Project.objects.create(slug=f"{project.slug}-twin")
    calls = invented_calls()
    send(project.pk, calls)
    for each in (project, twin):
        for model in ("house-*", "gpt-5"):
            price(each, model=model, cache_read_usd=Decimal("0.05"), cache_write_usd=Decimal("1.2"))
    overrides.forget()
    send(twin.pk, calls)
    repriced(project, start=datetime(2025, 10, 1, tzinfo=UTC))
    mine, theirs = ([cost for cost, _ in costs(each).values()] for each in (project, twin))
    assert mine == theirs
    assert None not in mine


def test_another_project_is_left_alone(project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-other")
    for each in (project, other):
        send(each.pk, [call("a")])
        price(each)
    before = rows_as_stored(other)
    repriced(project)
    assert rows_as_stored(other) == before


def test_what_somebody_reported_stays_what_is_shown(project: Project) -> None:
    send(project.pk, [call("a", cost_usd=Decimal("7.5"))])
    price(project)
    assert repriced(project).models["house-llama"].reported == 1
    assert sums(project.pk).cost_nanousd == 7_500_000_000
    assert rows(project.pk)[0]["cost_computed_nanousd"] == 2 * 10**9


def test_without_the_override_a_call_has_no_price_again(project: Project) -> None:
    one = price(project)
    send(project.pk, [call("a")])
    one.delete()
    assert repriced(project).models == {"house-llama": Repriced(calls=1, before_nanousd=2 * 10**9, have_none=1)}
    assert costs(project) == {"a": (None, "")}
    assert sums(project.pk).unpriced_calls == 1


def test_the_same_cost_by_another_price_is_named_after_it(project: Project) -> None:
    send(project.pk, [call("a", model="llama:free")])
    one = price(project, model="llama:free", is_free=True, input_usd=None, output_usd=None)
    assert costs(project) == {"a": (0, FREE)}
    report = repriced(project)
    assert (report.renamed, report.models) == (1, {})
    assert costs(project) == {"a": (0, f"override {one.pk}")}


def test_pages_of_calls_of_the_same_moment_are_each_read_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repricing, "PAGE", 7)
    send(project.pk, [call(str(n), started_at=NOON + timedelta(seconds=n // 20)) for n in range(50)])
    price(project)
    report = repriced(project)
    assert (report.seen, report.models["house-llama"].calls) == (50, 50)
    assert all(cost for cost, _ in costs(project).values())


def test_a_cost_that_cannot_be_counted_stays_as_it_was(project: Project) -> None:
    send(project.pk, [call("a", output=2**53)])
    price(project, output_usd=Decimal(10_000))
    assert repriced(project).models == {}


def hold(project: Project, statement: str, held: threading.Event, release: threading.Event) -> None:
    """Do something to the project's calls on another connection, and commit it when told."""
    try:
        with connection().transaction():
            connection().execute(statement, [project.pk])
            held.set()
            assert release.wait(30)
    finally:
        connections.close_all()


def test_a_call_that_is_being_merged_is_priced_by_what_it_becomes(project: Project) -> None:
    send(project.pk, [call("a"), call("b", started_at=NOON - timedelta(days=1))])
    price(project)
    release, held = threading.Event(), threading.Event()
    statement = "UPDATE telemetry_call SET output = 3000000 WHERE project_id = %s"
    other = threading.Thread(target=hold, args=(project, statement, held, release))
    other.start()
    assert held.wait(30)
    threading.Timer(0.3, release.set).start()
    report = repriced(project)
    other.join(30)
    assert (report.held, report.models["house-llama"].calls) == (0, 2)
    assert [cost for cost, _ in costs(project).values()] == [6 * 10**9] * 2


def test_a_call_that_is_held_all_the_time_is_left_and_counted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repricing, "ATTEMPTS", 2)
    send(project.pk, [call("a"), call("b")])
    price(project)
    release, held = threading.Event(), threading.Event()
    statement = "UPDATE telemetry_call SET agent = 'x' WHERE project_id = %s AND request_key = 'a'"
    other = threading.Thread(target=hold, args=(project, statement, held, release))
    other.start()
    assert held.wait(30)
    try:
        report = repriced(project)
    finally:
        release.set()
        other.join(30)
    assert (report.held, report.models["house-llama"].calls) == (1, 1)
    assert repriced(project).models["house-llama"].calls == 1


def test_a_call_that_grew_between_the_reading_and_the_lock_is_priced_by_what_it_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(project.pk, [call("a")])
    price(project)
    lock = repricing.lock_calls

    def grow_and_lock(*arguments: Any, **named: Any) -> Any:
        at_once(lambda: send(project.pk, [call("a", output=3_000_000)]))
        return lock(*arguments, **named)

    monkeypatch.setattr(repricing, "lock_calls", grow_and_lock)
    repriced(project)
    assert [cost for cost, _ in costs(project).values()] == [6 * 10**9]
