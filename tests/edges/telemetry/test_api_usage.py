"""What was used: exact buckets and costs of whole local days, in all and by any dimension."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from telemetry.models import Project
from telemetry.series.queries import DIMENSIONS
from tests.api_calls import USAGE, ask, call, send, usage

BUCKETS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")
OPUS = {"model": "claude-opus-4-5", "provider": "anthropic"}
SENT = (
    call("a1", started_at="2025-10-25T21:59:59Z", agent="ann", task_type="fix", cost_usd="0.1", session_id="s1"),
    call("a2", started_at="2025-10-25T22:00:00Z", agent="ann", task_type="plan", cost_usd="0.2", reasoning=1),
    call("b1", started_at="2025-10-26T22:59:59.999Z", agent="ben", task_type="fix", model="other", cache_read=7),
    call("b2", started_at="2025-10-26T23:00:00Z", agent="ben", cache_write_5m=2, cache_write_1h=3, output=9),
    call("c1", started_at="2025-10-27T10:00:00Z", agent="", cache_write_unknown=5, model="a:free", cost_usd=None),
)


@pytest.fixture
def sent(web: str, key: str) -> None:
    """Five calls around the night in which Madrid's clocks go back."""
    assert send(web, key, SENT)["accepted"] == len(SENT)


def rows(sums: dict[str, Any], by: str, *names: str) -> list[tuple[Any, ...]]:
    return [(row[by], *(row[name] for name in names)) for row in sums["rows"]]


def test_the_answer_has_these_fields_and_no_others(web: str, key: str, sent: None) -> None:
    sums = usage(web, key)
    assert list(sums) == ["total", "rows", "from", "to", "tz", "fresh_to"]
    expected = {"calls", *BUCKETS, "reasoning", "cost_usd", "unpriced_calls"}
    assert sums["total"].keys() == expected
    assert all(row.keys() == expected | {"model"} for row in sums["rows"])
    assert (sums["from"], sums["to"], sums["tz"]) == ("2025-10-01", "2025-10-31", "UTC")
    assert sums["fresh_to"] == "2025-10-27T10:00:00Z"


def test_buckets_are_integers_and_cost_an_exact_text(web: str, key: str, sent: None) -> None:
    total = usage(web, key)["total"]
    assert [total[name] for name in BUCKETS] == [5, 7, 2, 3, 5, 13]
    assert (total["calls"], total["reasoning"], total["unpriced_calls"]) == (5, 1, 2)
    assert total["cost_usd"] == "0.30"
    assert all(type(total[name]) is int for name in total if name != "cost_usd")


def test_a_known_model_is_priced_bucket_by_bucket(web: str, key: str) -> None:
    buckets = dict(zip(BUCKETS, (1000, 400, 300, 200, 100, 51), strict=True))
    send(web, key, call("priced", **OPUS, **buckets))
    per_million = {"input_uncached": 5, "cache_read": 0.5, "output": 25}
    per_million |= {"cache_write_5m": 6.25, "cache_write_1h": 10, "cache_write_unknown": 6.25}
    nanos = sum(round(1000 * per_million[name]) * count for name, count in buckets.items())
    assert usage(web, key)["total"]["cost_usd"] == f"0.{nanos:09d}".rstrip("0") == "0.010975"


def test_a_free_model_costs_nothing_and_an_unknown_one_has_no_price(web: str, key: str, sent: None) -> None:
    found = {row["model"]: (row["cost_usd"], row["unpriced_calls"]) for row in usage(web, key)["rows"]}
    assert found == {"house-llama": ("0.30", 1), "other": ("0.00", 1), "a:free": ("0.00", 0)}


def test_sums_beyond_what_a_float_can_hold_are_exact(web: str, key: str) -> None:
    send(web, key, [call(f"big-{n}", input_uncached=2**53 - 1, output=2**53 - 1) for n in range(3)])
    assert usage(web, key)["total"]["input_uncached"] == 3 * (2**53 - 1)


def test_to_is_the_last_day_that_counts(web: str, key: str, sent: None) -> None:
    assert usage(web, key, **{"from": "2025-10-26", "to": "2025-10-26"})["total"]["calls"] == 2
    assert usage(web, key, **{"from": "2025-10-25", "to": "2025-10-26"})["total"]["calls"] == 4
    assert usage(web, key, **{"from": "2025-10-28", "to": "2025-10-28"})["total"]["calls"] == 0


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", {"2025-10-25": 2, "2025-10-26": 2, "2025-10-27": 1}),
        ("Europe/Madrid", {"2025-10-25": 1, "2025-10-26": 2, "2025-10-27": 2}),  # a day of 25 hours
        ("Asia/Kolkata", {"2025-10-26": 2, "2025-10-27": 3}),
        ("America/St_Johns", {"2025-10-25": 2, "2025-10-26": 2, "2025-10-27": 1}),
    ],
)
def test_days_are_cut_in_the_zone_that_is_asked_for(
    web: str, key: str, sent: None, zone: str, days: dict[str, int]
) -> None:
    sums = usage(web, key, by="day", tz=zone)
    assert (dict(rows(sums, "day", "calls")), sums["tz"]) == (days, zone)
    for day, count in days.items():
        assert usage(web, key, tz=zone, **{"from": day, "to": day})["total"]["calls"] == count


def test_days_are_cut_in_the_zone_of_the_project_unless_told(web: str, key: str, sent: None, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    sums = usage(web, key, by="day")
    assert (rows(sums, "day", "calls"), sums["tz"]) == ([("2025-10-26", 2), ("2025-10-27", 3)], "Asia/Kolkata")


@pytest.mark.parametrize("by", DIMENSIONS)
def test_rows_add_up_to_the_total_by_every_dimension(web: str, key: str, sent: None, by: str) -> None:
    sums = usage(web, key, by=by)
    for name in (*BUCKETS, "calls", "reasoning", "unpriced_calls"):
        assert sum(row[name] for row in sums["rows"]) == sums["total"][name]
    column = {"session": "session_id", "execution": "execution_id", "subagent": "subagent_id"}.get(by, by)
    assert {row[by] for row in sums["rows"]} == {"api" if by == "source" else one.get(column, "") for one in SENT}


@pytest.mark.parametrize(
    ("filters", "calls"),
    [
        ({"agent": "ann"}, 2),
        ({"agent": ["ann", "ben"]}, 4),
        ({"agent": ""}, 1),
        ({"agent": "ben", "task_type": "fix"}, 1),
        ({"session": "s1"}, 1),
        ({"model": "nobody's"}, 0),
        ({"model": "' OR 1=1 --"}, 0),
        ({"agent": "ann", "offset": "7"}, 2),
    ],
)
def test_sums_are_narrowed_by_filters(
    web: str, key: str, sent: None, filters: dict[str, str | list[str]], calls: int
) -> None:
    sums = usage(web, key, by="task_type", **filters)
    assert sums["total"]["calls"] == sum(row["calls"] for row in sums["rows"]) == calls


def test_without_days_the_last_thirty_are_meant(web: str, key: str) -> None:
    answer = ask(web, "GET", USAGE, key=key).json
    span = date.fromisoformat(answer["to"]) - date.fromisoformat(answer["from"])
    assert (span.days, answer["fresh_to"], answer["rows"]) == (29, None, [])
    early = ask(web, "GET", f"{USAGE}?to=2020-01-05", key=key).json
    assert (early["from"], early["to"]) == ("2020-01-01", "2020-01-05")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("by=colour", "'colour' cannot be grouped or filtered by"),
        ("by=model%22%3B--", "cannot be grouped or filtered by"),
        ("by=", "cannot be grouped or filtered by"),
        ("from=yesterday", "is not a date such as"),
        ("to=2025-02-30", "is not a date such as"),
        ("from=2025-10-02&to=2025-10-01", "before it begins"),
        ("to=0001-01-01", "before it begins"),
        ("from=0001-01-01", "Dates run from 2020-01-01"),
        ("to=9999-12-31", "to the year 9000"),
        ("tz=Mars/Olympus", "is not an IANA time zone"),
        ("tz=../../etc/passwd", "is not an IANA time zone"),
        ("model=a%00b", "the character NUL"),
        ("&".join(f"model={n}" for n in range(1001)), "number of GET/POST parameters"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_reason(web: str, key: str, query: str, reason: str) -> None:
    answer = ask(web, "GET", f"{USAGE}?{query}", key=key)
    assert (answer.status, answer.json["error"]["code"]) == (400, "bad_request")
    assert reason in answer.json["error"]["message"]


@pytest.mark.parametrize("charset", ["hex", "zlib", "idna", "undefined", "utf-16", "no-such"])
def test_a_strange_charset_changes_nothing(web: str, key: str, sent: None, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    answer = ask(web, "GET", f"{USAGE}?from=2025-10-01&to=2025-10-31&model=other", key=key, headers=headers)
    assert (answer.status, answer.json["total"]["calls"]) == (200, 1)
