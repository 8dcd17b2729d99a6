"""Which override prices a call: the project's own before the instance's, the exact before the vague, by UTC days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from telemetry.contracts import Call
from telemetry.ledger.pricebook import NO_OVERRIDES, Override, PriceBook, Rates, book_of, matches
from telemetry.ledger.pricing import FREE, PRICE_VERSION, computed_nanousd
from telemetry.usage import input_total, provider_of

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
DOLLAR = 10**9
RATES = Rates(-1, 1 * DOLLAR, 2 * DOLLAR, 3 * DOLLAR, 4 * DOLLAR, 5 * DOLLAR, 7)
OURS, THEIRS = 1, 2


def override(id_: int, **fields: Any) -> Override:
    known: dict[str, Any] = {"project_id": None, "provider": "", "model": "gpt-5", "first_day": None, "last_day": None}
    return Override(id=id_, rates=RATES, **known | fields)


def found(book: PriceBook, *, provider: str = "openai", model: str = "gpt-5", at: datetime = NOON) -> int | None:
    one = book.find(provider, model, at)
    return one.id if one else None


def call(**fields: Any) -> Call:
    return Call(**{"started_at": NOON, "model": "gpt-5", "provider": "openai", **fields})


def test_an_override_prices_every_bucket_and_the_call_itself() -> None:
    one = call(
        input_uncached=10, cache_read=20, cache_write_5m=30, cache_write_unknown=40, cache_write_1h=50, output=60
    )
    cost, version = computed_nanousd(one, input_total(one), book_of([override(12)], project_id=OURS))
    assert cost == 7 + 1000 * (10 * 1 + 20 * 2 + (30 + 40) * 3 + 50 * 4 + 60 * 5)
    assert version == "override 12"


def test_an_override_comes_before_a_free_name_and_gives_an_unknown_model_a_price() -> None:
    book = book_of([override(1, model="*")], project_id=OURS)
    for model in ("qwen/qwen3-coder:free", "house-llama"):
        assert computed_nanousd(call(model=model, output=1), 0, book) == (7 + 5000, "override 1")


def test_what_no_override_fits_is_priced_by_the_table() -> None:
    book = book_of([override(1, model="house-*")], project_id=OURS)
    assert computed_nanousd(call(output=1), 0, book) == (10_000, PRICE_VERSION)
    assert computed_nanousd(call(model="x:free", output=1), 0, book) == (0, FREE)


def test_an_override_of_another_project_is_not_in_the_book() -> None:
    assert book_of([override(1, project_id=THEIRS)], project_id=OURS) is NO_OVERRIDES
    assert found(book_of([override(1, project_id=OURS)], project_id=OURS)) == 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"project_id": OURS, "model": "*"}, {"model": "gpt-5", "provider": "openai"}),
        ({"model": "gpt-5"}, {"model": "gpt-*", "provider": "openai"}),
        ({"model": "gpt-5*"}, {"model": "gpt-*"}),
        ({"model": "gpt-5", "provider": "openai"}, {"model": "gpt-5"}),
    ],
)
def test_the_more_exact_comes_first_in_whichever_order_they_are_written(
    first: dict[str, Any], then: dict[str, Any]
) -> None:
    for ids in ((1, 2), (2, 1)):
        overrides = [override(ids[0], **first), override(ids[1], **then)]
        assert found(book_of(overrides, project_id=OURS)) == ids[0]
        assert found(book_of(overrides[::-1], project_id=OURS)) == ids[0]


def test_days_are_inclusive_and_utc() -> None:
    book = book_of([override(1, first_day=date(2026, 2, 3), last_day=date(2026, 2, 4))], project_id=OURS)
    begins, ends = datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 2, 5, tzinfo=UTC)
    moments = [begins - timedelta(seconds=1), begins, ends - timedelta(seconds=1), ends]
    assert [found(book, at=at) for at in moments] == [None, 1, 1, None]
    tokyo = timezone(timedelta(hours=9))
    assert found(book, at=datetime(2026, 2, 3, 8, tzinfo=tokyo)) is None
    assert found(book, at=datetime(2026, 2, 3, 9, tzinfo=tokyo)) == 1


def test_a_provider_is_known_by_all_its_names() -> None:
    book = book_of([override(1, provider="gcp.gemini")], project_id=OURS)
    assert [found(book, provider=name) for name in ("Google", "gemini", "gcp.vertex_ai", "openai", "")] == [
        *(1, 1, 1),
        *(None, None),
    ]
    assert provider_of("AWS.Bedrock") == "aws"


@pytest.mark.parametrize(
    ("pattern", "model", "fits"),
    [
        ("gpt-5", "gpt-5", True),
        ("gpt-5", "gpt-5-mini", False),
        ("gpt-5*", "gpt-5", True),
        ("gpt-5*", "gpt-5-mini", True),
        ("gpt-5*", "gpt-4", False),
        ("*", "anything", True),
    ],
)
def test_a_star_stands_for_the_rest_of_a_name(pattern: str, model: str, fits: bool) -> None:
    assert matches(pattern, model) is fits
