"""Anomalies in words and figures: what a row says, what its evidence adds up to, and what leads on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import UsageRow
from telemetry.dashboards import anomalytrend, facets, findingrows, pagestate, wasted
from telemetry.dashboards.findingrows import Line, Links
from telemetry.dashboards.pagestate import PageState
from telemetry.observer.anomalies import Count, Listed
from telemetry.series.window import by_days

AT = datetime(2025, 11, 6, 23, 30, tzinfo=UTC)
BLOAT = {"input": 77_000, "output": 2_500, "ratio": 30.8, "threshold": 15.0, "allowance": 10.0, "measure": "gross"}
LINKS = Links(
    run=lambda name: f"/run/{name}", session=lambda name: f"/session/{name}", narrowed=lambda *pair: str(pair)
)
NAMES = ("severity", "state", "detector")


def state(query: dict[str, list[str]] | None = None, zone: str = "Europe/Madrid") -> PageState:
    return pagestate.read(
        "/anomalies/",
        {"range": ["all"], **(query or {})},
        dimensions=("agent",),
        zone=zone,
        now=AT + timedelta(days=3),
        first_call_at=AT,
        remembered={},
        own_filters=NAMES,
    )


def listed(**fields: Any) -> Listed:
    known: dict[str, Any] = {
        "execution_id": "run",
        "detector": "context_bloat",
        "severity": "high",
        "started_at": AT,
        "task_id": "task",
        "task_type": "",
        "agent": "",
        "model": "",
        "session_id": "",
        "tokens": 79_500,
        "tokens_wasted": 52_000,
        "state": "new",
        "state_at": None,
        "state_by": "",
        "note": "",
        "found_at": AT,
        "evidence": BLOAT,
    }
    return Listed(**known | fields)


def line(**fields: Any) -> Line:
    return findingrows.line(listed(**fields), state=state(), links=LINKS)


@pytest.mark.parametrize(
    ("detector", "evidence", "says"),
    [
        ("context_bloat", BLOAT, "30.8:1"),
        ("context_bloat", {"input": 9000, "output": 0, "ratio": None}, "∞:1"),
        ("expensive_task", {"total": 95_137}, "95,137"),
        ("duplicate_work", {"seconds": 754.2, "total": 9}, "12 min 34 s"),
        ("false_completion", {"errors": 1, "total": 9}, "1 error"),
        ("false_completion", {"errors": 0, "verified": "no", "total": 9}, "9"),
        ("inefficient_task", {"seconds": 1.4, "total": 8200}, "1.4 s"),
        ("context_bloat", {}, ""),
        ("of_tomorrow", {"total": 7}, "7"),
    ],
)
def test_the_figure_is_the_one_that_broke_the_rule(detector: str, evidence: dict[str, Any], says: str) -> None:
    assert findingrows.figure(detector, evidence) == says


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "52,000 = 77,000 − 10 × 2,500 of 79,500 tokens"),  # noqa: RUF001 (a real minus sign)
        ({"tokens_wasted": 51_999}, "51,999 of 79,500 tokens"),
        (
            {
                "detector": "expensive_task",
                "evidence": {"total": 79_500, "allowance": 10_000.0},
                "tokens_wasted": 69_500,
            },
            "69,500 = 79,500 − 10,000 of 79,500 tokens",  # noqa: RUF001 (a real minus sign)
        ),
        ({"detector": "duplicate_work", "evidence": {"total": 7}, "tokens_wasted": 7}, "7 of 79,500 tokens"),
        ({"evidence": {}}, "52,000 of 79,500 tokens"),
    ],
)
def test_a_sum_is_shown_where_the_evidence_adds_up_to_the_token(fields: dict[str, Any], says: str) -> None:
    assert dict(line(**fields).numbers)["Wasted"] == says


def test_numbers_bear_names_and_units_and_stand_in_one_order() -> None:
    assert line().numbers[:-1] == (
        ("Input / output", "30.8:1"),
        ("Input", "77,000"),
        ("Output", "2,500"),
        ("Limit", "15:1"),
        ("No waste up to", "10:1"),
        ("Input counted", "each token once"),
    )
    found = dict(
        line(detector="false_completion", evidence={"threshold": 1.0, "verified": None, "new_thing": 5}).numbers
    )
    assert (found["Limit"], found["Verified"], found["New thing"]) == ("1 error", "not said", "5")


def test_a_row_says_when_in_the_zone_of_the_page_and_who_judged() -> None:
    assert line().began == "7 Nov, 00:30"
    judged = line(state="not_waste", state_at=AT, state_by="ada", note="why")
    assert (judged.verdict, judged.note) == ("Not waste by ada, 7 Nov 2025, 00:30", "why")
    assert line().verdict == ""


def test_a_row_leads_to_the_run_its_session_the_earlier_run_and_to_more_of_the_kind() -> None:
    assert [way.url for way in line().ways] == ["/run/run"]
    ways = line(session_id="s", task_type="t", detector="duplicate_work", evidence={"earlier": "a", "seconds": 1}).ways
    assert [way.url for way in ways] == ["/run/run", "/run/a", "/session/s", "('task_type', 't')"]


def test_a_task_without_a_name_is_called_by_its_type_or_its_run() -> None:
    assert line(task_id="", task_type="type").task == "type"
    assert line(task_id="").task == "run"


@given(st.text(), st.text(), st.text())
def test_a_key_of_a_form_names_what_it_was_made_of(detector: str, execution_id: str, seen: str) -> None:
    assert findingrows.read_key(findingrows.key_of(detector, execution_id, seen)) == (detector, execution_id, seen)


@pytest.mark.parametrize(
    "words", ["", "x", "[]", '["a"]', '["a","b",1]', '["a","b","c","d"]', "[" * 9999, '["\\ud800","",""]']
)
def test_what_is_no_key_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="no anomaly of a list"):
        findingrows.read_key(words)


def counts() -> list[Count]:
    return [
        Count(AT, "context_bloat", "high", "new", 3),
        Count(AT, "context_bloat", "high", "resolved", 1),
        Count(AT, "expensive_task", "medium", "new", 5),
    ]


def test_a_facet_counts_what_its_values_would_leave_beside_the_others() -> None:
    here = state({"severity": ["high"], "agent": ["a"]})
    titles = {"new": "New", "acknowledged": "Acknowledged", "resolved": "Resolved"}
    found = facets.facet(here, "state", "State", titles, counts(), NAMES)
    assert [(value.title, value.count, value.current) for value in found.values] == [
        ("All", "4", True),
        ("New", "3", False),
        ("Resolved", "1", False),
    ]
    assert found.values[1].url == "/anomalies/?range=all&severity=high&agent=a&state=new"
    severities = facets.facet(here, "severity", "Severity", {"high": "High", "medium": "Medium"}, counts(), NAMES)
    assert [(value.count, value.current) for value in severities.values] == [("9", False), ("4", True), ("5", False)]
    assert severities.values[0].url == "/anomalies/?range=all&agent=a"


def test_a_value_that_is_chosen_is_shown_though_nothing_has_it() -> None:
    found = facets.facet(state({"state": ["not_waste"]}), "state", "State", {"not_waste": "Not waste"}, counts(), NAMES)
    assert [(value.title, value.count, value.current) for value in found.values] == [
        ("All", "9", False),
        ("Not waste", "0", True),
    ]


def test_the_trend_adds_up_to_the_counts_and_leaves_out_what_was_not_found() -> None:
    window = by_days(date(2025, 11, 6), date(2025, 11, 7), zone="UTC", bucket="1d")
    first, second = window.edges()
    points = [replace(row, at=first) for row in counts()] + [Count(second, "expensive_task", "medium", "new", 2)]
    titles = {"context_bloat": "Context bloat", "duplicate_work": "Duplicate work", "expensive_task": "Expensive task"}
    pile = anomalytrend.pile(points, window=window, titles=titles, now=AT + timedelta(days=3))
    assert [(layer.name, layer.values) for layer in pile.layers] == [
        ("Context bloat", (4, 0)),
        ("Expensive task", (5, 2)),
    ]
    assert (pile.runs, len({layer.slot for layer in pile.layers})) == (None, 2)
    assert anomalytrend.summary(pile) == (
        "11 anomalies, 6 – 7 Nov 2025; most on Thu 6 Nov 2025: 9; Expensive task 7, Context bloat 4."
    )


def test_all_tokens_are_counted_as_the_detectors_of_the_project_count() -> None:
    total = UsageRow(
        input_uncached=100, cache_read=1000, cache_write_5m=40, cache_write_1h=10, cache_write_unknown=4, output=7
    )
    assert wasted.measured(total, measure="gross") == 1161
    assert wasted.measured(total, measure="weighted") == 100 + 100 + 55 + 20 + 7
    assert wasted.part(1, 0, measure="weighted") == ""
    assert wasted.part(84, 100, measure="weighted") == "84.0% of 100, weighed by price"
    assert wasted.part(11_000, 20_000, measure="gross") == "55.0% of 20.0K"
