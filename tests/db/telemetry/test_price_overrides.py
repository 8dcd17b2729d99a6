"""Prices that people set: what is refused, when it holds, and which price table was in use."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from msgspec.structs import replace
from psycopg import Connection

from telemetry.contracts import Call, Execution
from telemetry.database import connection as psycopg_connection
from telemetry.ledger import overrides, price_versions
from telemetry.ledger.price_versions import ensure_price_versions
from telemetry.ledger.pricebook import Override
from telemetry.ledger.pricing import FREE, PRICE_VERSION
from telemetry.models import PriceOverride, PriceRevision, PriceVersion, Project
from tests.ledger_reading import NOW, at_once, rows, send

NOON = datetime(2026, 11, 20, 8, tzinfo=UTC)
CALL = Call(id="a", started_at=NOON, model="house-llama", provider="local", input_uncached=1_000_000, output=1_000_000)


@pytest.fixture(autouse=True)
def fresh(database: None) -> None:
    """No snapshot of an earlier test is young enough to be believed."""
    overrides.forget()


def override(project: Project | None, **fields: Any) -> PriceOverride:
    known: dict[str, Any] = {"model": "house-llama", "input_usd": Decimal("0.5"), "output_usd": Decimal(2)}
    return PriceOverride(project=project, **known | fields)


def saved(project: Project | None, **fields: Any) -> PriceOverride:
    """An override that was looked at as a form looks at it, and written down."""
    with transaction.atomic():
        one = override(project, **fields)
        one.full_clean()
        one.save()
    return one


def wrong(project: Project, **fields: Any) -> dict[str, list[str]]:
    with transaction.atomic(), pytest.raises(ValidationError) as refused:
        override(project, **fields).full_clean()
    return refused.value.message_dict


def computed(project: Project, *calls: Call) -> list[tuple[int | None, str]]:
    send(project.pk, calls)
    return [(row["cost_computed_nanousd"], row["price_version"]) for row in rows(project.pk)]


def test_a_call_of_a_model_that_a_person_priced_bears_the_cost_and_the_overrides_name(project: Project) -> None:
    one = saved(project)
    assert computed(project, CALL) == [(2_500_000_000, f"override {one.pk}")]


def test_what_is_left_empty_is_derived(project: Project) -> None:
    saved(project, cache_write_usd=Decimal(3), per_call_usd=Decimal("0.01"))
    buckets = ("cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown")
    calls = [replace(CALL, id=name, input_uncached=0, output=0, **{name: 1_000_000}) for name in buckets]
    send(project.pk, calls)
    costs = {row["request_key"]: row["cost_computed_nanousd"] for row in rows(project.pk)}
    dear = 3_010_000_000
    assert costs == {"cache_read": 510_000_000, **dict.fromkeys(buckets[1:], dear)}


def test_a_free_model_costs_nothing(project: Project) -> None:
    one = saved(project, is_free=True, input_usd=None, output_usd=None)
    assert computed(project, CALL) == [(0, f"override {one.pk}")]


def test_the_total_of_an_execution_and_a_fuller_copy_are_priced_alike(project: Project) -> None:
    one = saved(project)
    run = Execution(started_at=NOON, execution_id="r", model="house-llama", tokens_input=1_000_000)
    send(
        project.pk, [CALL, CALL, Call(id="a", started_at=NOON, model="house-llama", output=2_000_000)], executions=[run]
    )
    assert [(row["cost_computed_nanousd"], row["price_version"]) for row in rows(project.pk)] == [
        (4_000_000_000, f"override {one.pk}"),
        (500_000_000, f"override {one.pk}"),
    ]


def test_the_date_of_the_call_decides(project: Project) -> None:
    first = saved(project, valid_to=date(2026, 11, 19))
    then = saved(project, valid_from=date(2026, 11, 20), input_usd=Decimal(5))
    calls = [
        Call(id=str(n), started_at=NOON - timedelta(days=n), model="house-llama", input_uncached=10**6) for n in (0, 1)
    ]
    assert computed(project, *calls) == [
        (5_000_000_000, f"override {then.pk}"),
        (500_000_000, f"override {first.pk}"),
    ]


def test_another_project_is_not_priced_by_it(project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-other")
    saved(other)
    assert computed(project, CALL) == [(None, "")]


@pytest.mark.parametrize(
    ("fields", "at", "says"),
    [
        ({"output_usd": None}, "output_usd", "Say what a million tokens cost"),
        ({"is_free": True}, "input_usd", "A free model has no price"),
        ({"model": "gpt-*-mini"}, "model", "may only stand at the end"),
        ({"model": " "}, "model", "Name the model"),
        ({"input_usd": Decimal(-1)}, "input_usd", "greater than or equal to 0"),
        ({"input_usd": Decimal("0.0000001")}, "input_usd", "no more than 6 decimal places"),
        ({"input_usd": Decimal("NaN")}, "input_usd", "must be a decimal number"),
        ({"input_usd": Decimal(1_000_000)}, "input_usd", "no more than 6 digits"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 31)}, "valid_to", "before the first"),
    ],
)
def test_a_price_that_cannot_be_is_refused_at_its_field(
    project: Project, fields: dict[str, Any], at: str, says: str
) -> None:
    messages = wrong(project, **fields)
    assert says in " ".join(messages[at])


@pytest.mark.parametrize(
    ("days", "overlaps"),
    [
        ((None, None), True),
        ((None, date(2026, 1, 9)), False),
        ((None, date(2026, 1, 10)), True),
        ((date(2026, 1, 20), None), True),
        ((date(2026, 1, 21), None), False),
        ((date(2026, 1, 12), date(2026, 1, 13)), True),
    ],
)
def test_two_prices_for_one_day_are_refused(
    project: Project, days: tuple[date | None, date | None], overlaps: bool
) -> None:
    saved(project, provider="google", valid_from=date(2026, 1, 10), valid_to=date(2026, 1, 20))
    again = {"valid_from": days[0], "valid_to": days[1]}
    if overlaps:
        assert "prices house-llama from 2026-01-10" in str(wrong(project, provider="gcp.gemini", **again))
    else:
        saved(project, provider="gcp.gemini", **again)


def test_another_provider_model_or_project_does_not_overlap(project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-other")
    saved(project)
    for whose, fields in ((project, {"provider": "local"}), (project, {"model": "house-*"}), (other, {})):
        saved(whose, **fields)


def test_an_override_may_be_saved_again(project: Project) -> None:
    one = saved(project)
    one.note = "as the invoice says"
    one.full_clean()


def test_of_two_overlapping_prices_written_at_once_one_is_refused(project: Project) -> None:
    def write() -> bool:
        try:
            saved(project)
        except ValidationError:
            return False
        return True

    assert sorted(at_once(write, write, write)) == [False, False, True]


def test_every_change_by_any_hand_leaves_another_number(project: Project) -> None:
    def number() -> int:
        return overrides.price_revision(psycopg_connection())

    numbers = [number()]
    one = saved(project)
    numbers.append(number())
    PriceOverride.objects.filter(pk=one.pk).update(note="by hand")
    numbers.append(number())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE telemetry_priceoverride SET note = 'by SQL' WHERE id = %s", [one.pk])
    numbers.append(number())
    project.delete()
    numbers.append(number())
    assert len(set(numbers)) == 5


def test_a_change_that_is_taken_back_leaves_the_number(project: Project) -> None:
    one = saved(project)
    before = PriceRevision.objects.get().number
    with transaction.atomic():
        PriceOverride.objects.filter(pk=one.pk).update(note="soon gone")
        transaction.set_rollback(True)
    assert PriceRevision.objects.get().number == before


def test_overrides_are_read_again_only_when_they_changed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    conn, reads, read = psycopg_connection(), list[int](), overrides.price_overrides

    def counted(conn: Connection[Any]) -> list[Override]:
        reads.append(1)
        return read(conn)

    monkeypatch.setattr(overrides, "RECHECK_S", -1.0)
    monkeypatch.setattr(overrides, "price_overrides", counted)
    first = overrides.book_for(conn, project_id=project.pk)
    assert overrides.book_for(conn, project_id=project.pk) is first
    assert len(reads) == 1
    one = saved(project)
    assert [each.id for each in overrides.book_for(conn, project_id=project.pk).overrides if each.project_id] == [
        one.pk
    ]
    assert len(reads) == 2


def test_within_a_second_nothing_is_asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = psycopg_connection()
    book = overrides.book_for(conn, project_id=project.pk)
    monkeypatch.setattr(overrides, "price_revision", lambda conn: pytest.fail("the database was asked"))
    assert overrides.book_for(conn, project_id=project.pk) is book


def open_versions() -> dict[str, PriceVersion]:
    return {version.name: version for version in PriceVersion.objects.filter(valid_to_at=None)}


def test_the_price_table_that_is_installed_is_written_down_by_the_migration(database: None) -> None:
    assert open_versions().keys() == {PRICE_VERSION, FREE}


def test_a_new_price_table_ends_the_old_one(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_versions, "IN_USE", {"genai-prices 9.9": "newer", FREE: "free"})
    ensure_price_versions(now=NOW)
    ensure_price_versions(now=NOW + timedelta(hours=1))
    try:
        assert open_versions().keys() == {"genai-prices 9.9", FREE}
        assert open_versions()["genai-prices 9.9"].valid_from_at == NOW
        assert PriceVersion.objects.filter(name=PRICE_VERSION).latest("valid_from_at").valid_to_at == NOW
    finally:
        monkeypatch.undo()
        ensure_price_versions(now=NOW + timedelta(hours=2))
    assert open_versions().keys() == {PRICE_VERSION, FREE}
