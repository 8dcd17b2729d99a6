"""A batch looked at by columns says of each call what it says of one alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.contracts import Call, Quality
from telemetry.ledger.entries import entries_of, entry_of
from telemetry.ledger.pricebook import Override, PriceBook, Rates
from telemetry.ledger.rows import COUNTS, LABELS, fields_of

AT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
MODELS = (
    *(
        ("anthropic", "claude-sonnet-4-5"),
        ("", "gpt-5-mini"),
        ("deepseek", "deepseek-chat"),
        ("google", "gemini-2.5-pro"),
    ),
    *(("nobody", "unknown"), ("openrouter", "any:free"), ("house", "house-large")),
)
BOOK = PriceBook((Override(7, None, "", "house-*", None, AT.date(), Rates(-1, 3, 1_000_001, 5, 7, 500_000, 11)),))
CALLS = st.builds(
    lambda named, shift, zone, cost, fields: Call(
        provider=named[0],
        model=named[1],
        started_at=(AT + timedelta(minutes=shift)).astimezone(timezone(timedelta(hours=zone))),
        cost_usd=None if cost is None else Decimal(cost) / 10**9,
        **fields,
    ),
    st.sampled_from(MODELS),
    st.integers(0, 3000),
    st.integers(-12, 12),
    st.none() | st.integers(0, 10**12),
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(COUNTS, st.sampled_from((0, 1, 250_000)) | st.integers(0, 2**33)),
            **dict.fromkeys(LABELS, st.sampled_from(("", "x"))),
            "id": st.sampled_from(("", "req_011CX", "msg-1", "é")) | st.text(max_size=20),
            "quality": st.sets(st.sampled_from(get_args(Quality))).map(tuple),
            "cost_kind": st.sampled_from(("provider", "client_estimate")),
        },
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CALLS, min_size=1, max_size=6))
def test_calls_beside_each_other_are_what_each_is_alone(calls: list[Call]) -> None:
    assert entries_of(calls, fields_of(calls), book=BOOK) == [entry_of(call, book=BOOK) for call in calls]


@pytest.mark.parametrize(
    "bad", [{"cost_usd": Decimal(-1)}, {"model": "house-large", "output": 2**53, "cost_usd": None}]
)
def test_a_call_that_is_refused_alone_is_refused_beside_others(bad: dict[str, Any]) -> None:
    dear = PriceBook((Override(7, None, "", "house-*", None, None, Rates(-1, 0, 0, 0, 0, 10**12, 0)),))
    calls = [Call(started_at=AT, model="m"), Call(**{"started_at": AT, "model": "m", **bad})]
    with pytest.raises(ValueError, match=r"cost"):
        entries_of(calls, fields_of(calls), book=dear)
    with pytest.raises(ValueError, match=r"cost"):
        entry_of(calls[1], book=dear)
