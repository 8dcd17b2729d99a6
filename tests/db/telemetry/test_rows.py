"""What is written of a call is what the table then holds, column by column."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.contracts import Call, Quality
from telemetry.ledger.entries import entry_of
from telemetry.ledger.rows import CALL_COLUMNS, COUNTS, LABELS
from telemetry.ledger.store import call_row
from telemetry.usage import quality_bits
from tests.ledger_reading import NOW, new_tenant, rows, send

pytestmark = pytest.mark.usefixtures("database")
_COUNT = st.integers(0, 2**40)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_MOMENT = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 20), timezones=st.just(UTC))  # noqa: DTZ001


def as_stored(call: Call, tenant: int) -> dict[str, Any]:
    """The columns of a call that `call_row` names, as PostgreSQL gives them back."""
    values = dict(zip(CALL_COLUMNS, call_row(entry_of(call), tenant, "test", NOW), strict=True))
    return {name: value for name, value in values.items() if name not in ("id", "price_version")}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counts=st.fixed_dictionaries(dict.fromkeys(COUNTS, _COUNT)),
    labels=st.fixed_dictionaries(dict.fromkeys(LABELS, _TEXT)),
    maybe=st.fixed_dictionaries(dict.fromkeys(("reasoning", "duration_ms", "ttft_ms"), st.none() | _COUNT)),
    cost=st.none() | st.decimals(0, 1000, places=9),
    quality=st.sets(st.sampled_from(get_args(Quality))),
    attributes=st.none() | st.dictionaries(_TEXT, _TEXT | st.integers(-(2**50), 2**50), max_size=4),
    at=_MOMENT,
    shift=st.integers(-12, 12),
)
def test_a_call_comes_back_as_it_was_written(
    counts: dict[str, int],
    labels: dict[str, str],
    maybe: dict[str, int | None],
    cost: Decimal | None,
    quality: set[Quality],
    attributes: dict[str, Any] | None,
    at: datetime,
    shift: int,
) -> None:
    tenant = new_tenant()
    moment = at.astimezone(tz=None) + timedelta(hours=shift)
    fields: dict[str, Any] = {**counts, **labels, **maybe, "attributes": attributes, "quality": tuple(quality)}
    call = Call(id="one", model="m", started_at=moment, cost_usd=cost, cost_kind="provider", **fields)
    send(tenant, [call], now=NOW + timedelta(days=1))
    (row,) = rows(tenant)
    wanted = as_stored(call, tenant) | {"received_at": NOW + timedelta(days=1)}
    del wanted["attributes"]
    assert {name: row[name] for name in wanted} == wanted
    assert (row["attributes"] and json.loads(row["attributes"])) == (attributes or None)
    assert row["quality"] == quality_bits(quality)
    assert row["cost_reported_nanousd"] == (None if cost is None else int(cost * 10**9))


def test_what_a_batch_has_alike_is_written_with_each_of_its_calls() -> None:
    tenant = new_tenant()
    shared: dict[str, Any] = {
        "agent": 'a "b"\\c\n',
        "reasoning": 7,
        "quality": ("turn_level",),
        "attributes": {"é": [1]},
    }
    calls = [
        Call(
            id=f"call-{number}",
            model="m\\" if number % 2 else '{"m",NULL}',
            started_at=NOW + timedelta(microseconds=number),
            session_id="" if number == 3 else "NULL",
            ttft_ms=None if number % 3 else number,
            output=2**53 - number,
            cost_usd=Decimal(number) if number > 20 else None,
            **shared if number != 5 else {**shared, "attributes": None},
        )
        for number in range(30)
    ]
    send(tenant, calls, now=NOW + timedelta(days=1))
    found = {row["request_key"]: row for row in rows(tenant)}
    for call in calls:
        wanted = as_stored(call, tenant) | {"received_at": NOW + timedelta(days=1)}
        row = found[call.id]
        assert json.loads(row["attributes"] or "null") == call.attributes
        del wanted["attributes"]
        assert {name: row[name] for name in wanted} == wanted
