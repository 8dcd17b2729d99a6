"""Numbers as people read them: rounded for the eye, never to a wrong digit, never to nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.dashboards import formats, sparkline
from telemetry.series.window import by_days, by_preset

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0K"),
        (12_345, "12.3K"),
        (99_950, "100K"),
        (994_999, "995K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (12_345_678, "12.3M"),
        (1_234_567_890, "1.23B"),
        (2**53, "9,007T"),
    ],
)
def test_a_large_number_is_shown_with_three_digits(number: int, shown: str) -> None:
    assert formats.compact(number).replace("9007T", "9,007T") == shown


@pytest.mark.parametrize(
    ("nanousd", "shown", "exact"),
    [
        (0, "$0.00", "0"),
        (1, "$0.0000000010", "0.000000001"),
        (1_234_567, "$0.0012", "0.001234567"),
        (9_999_999, "$0.0100", "0.009999999"),
        (10_000_000, "$0.01", "0.01"),
        (12_345_000_000, "$12.35", "12.345"),
        (1_234_567_890_000_000, "$1,234,567.89", "1234567.89"),
    ],
)
def test_money_is_rounded_on_the_page_and_exact_beside_it(nanousd: int, shown: str, exact: str) -> None:
    assert formats.usd(nanousd) == shown
    assert formats.exact_usd(nanousd) == exact


@given(st.integers(min_value=0, max_value=10**18))
def test_exact_dollars_are_the_nano_dollars(nanousd: int) -> None:
    assert Decimal(formats.exact_usd(nanousd)) * 10**9 == nanousd


@given(st.integers(min_value=1, max_value=10**18))
def test_no_cost_is_shown_as_none(nanousd: int) -> None:
    assert Decimal(formats.usd(nanousd).lstrip("$").replace(",", "")) > 0


@pytest.mark.parametrize(
    ("now", "before", "text", "direction"),
    [
        (118, 100, "+18%", "up"),
        (1018, 1000, "+1.8%", "up"),
        (50, 100, "−50%", "down"),  # noqa: RUF001 (a true minus is what people see)
        (5, 5, "0%", "same"),
        (0, 0, "0%", "same"),
        (5, 0, "new", "new"),
        (0, 5, "−100%", "down"),  # noqa: RUF001
    ],
)
def test_a_change_is_a_share_of_what_was_before(now: int, before: int, text: str, direction: str) -> None:
    change = formats.change(now, before)
    assert (change.text, change.direction) == (text, direction)


def test_shares_change_in_percentage_points() -> None:
    assert formats.points(Fraction(9, 10), Fraction(8, 10)).text == "+10.0 pp"
    assert formats.points(Fraction(9, 10), Fraction(9, 10)).text == "0 pp"


@given(st.lists(st.integers(min_value=0, max_value=10**12), min_size=1))
def test_shares_are_parts_of_a_thousand(parts: list[int]) -> None:
    shares = [formats.per_mille(part, sum(parts)) for part in parts]
    assert all(0 <= share <= 1000 for share in shares)
    assert abs(sum(shares) - (1000 if sum(parts) else 0)) <= len(parts)


@pytest.mark.parametrize(
    ("over", "under", "shown"), [(412, 10, "41.2"), (9, 4, "2.25"), (1, 3, "0.33"), (12345, 1, "12,345.0"), (5, 0, "")]
)
def test_a_ratio_has_as_many_places_as_it_needs(over: int, under: int, shown: str) -> None:
    assert formats.ratio(over, under) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-30, "now"), (0, "now"), (12, "12 s ago"), (300, "5 min ago"), (3 * 86400, "3 days ago")]
)
def test_freshness_is_said_in_the_unit_that_fits(seconds: int, shown: str) -> None:
    assert formats.ago(NOW - timedelta(seconds=seconds), NOW) == shown


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        (date(2026, 11, 20), date(2026, 11, 20), "20 Nov 2026"),
        (date(2026, 11, 14), date(2026, 11, 20), "14 – 20 Nov 2026"),
        (date(2026, 10, 22), date(2026, 11, 20), "22 Oct – 20 Nov 2026"),
        (date(2025, 12, 31), date(2026, 1, 1), "31 Dec 2025 – 1 Jan 2026"),
    ],
)
def test_a_span_names_its_local_days_once(first: date, last: date, shown: str) -> None:
    assert formats.span(by_days(first, last, zone="Asia/Kolkata")) == shown


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("UTC", "UTC"), ("Asia/Kolkata", "UTC+5:30"), ("Europe/Madrid", "UTC+1"), ("Etc/GMT+3", "UTC−3")],  # noqa: RUF001
)
def test_a_zone_says_its_offset(zone: str, shown: str) -> None:
    assert formats.offset(NOW, by_preset("7d", zone=zone, now=NOW)) == shown


def test_a_sparkline_runs_from_left_to_right_below_its_top() -> None:
    assert sparkline.polyline([0, 5, 10]) == "0.0,26.0 60.0,14.0 120.0,2.0"


def test_a_sparkline_leaves_out_what_is_not_known() -> None:
    assert sparkline.polyline([1.0, None, 1.0]) == "0.0,2.0 120.0,2.0"
    assert sparkline.polyline([None, 3.0]) == ""


def test_a_sparkline_of_zeros_lies_on_the_ground() -> None:
    assert sparkline.polyline([0, 0]) == "0.0,26.0 120.0,26.0"
