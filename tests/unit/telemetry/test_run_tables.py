"""Tables of runs, sessions and calls say what the rows say, and never more than is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemetry.contracts import UsageRow
from telemetry.dashboards import calltables, facts, runtables, sessiontables
from telemetry.dashboards.facts import Finding, Sent
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.runtables import Found, Links
from telemetry.dashboards.sessiontables import Known
from telemetry.dashboards.tables import Cell, Table, as_csv
from telemetry.series.run_rows import CallRow, ModelShare, Part, RunRow, SessionRow
from telemetry.series.window import by_preset

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
AT = datetime(2026, 11, 19, 23, 30, 5, tzinfo=UTC)
WINDOW = by_preset("7d", zone="Europe/Madrid", now=NOW)
STATE = PageState(path="/", said=(), window=WINDOW, previous=None, filters={}, metric="tokens", now=NOW)
LINKS = Links(
    run=lambda key: f"run:{key}",
    session=lambda key: f"session:{key}",
    findings=lambda key: f"findings:{key}",
    narrowed=lambda name, value: f"{name}={value}",
)
_TEXTS = (
    *("task_key", "task_id", "task_type", "tool", "action", "agent", "host", "model", "session_id", "session_type"),
    *("objective", "source", "status"),
)
_NUMBERS = (
    *("errors", "calls", "failed_calls", "subagents", "input_uncached", "cache_read", "cache_write_5m"),
    *("cache_write_1h", "cache_write_unknown", "output", "reasoning", "cost_nanousd", "unpriced_calls"),
)
_UNKNOWN = ("ended_at", "duration_ms", "is_verified", "first_call_at", "last_call_at")
_NOTHING: dict[str, Any] = {**dict.fromkeys(_TEXTS, ""), **dict.fromkeys(_NUMBERS, 0), **dict.fromkeys(_UNKNOWN)}
RUN = RunRow(**_NOTHING, execution_id="run-1", started_at=AT, is_cut=False, is_provider_fault=False)


def cells(table: Table, row: int = 0) -> dict[str, Cell]:
    return {column.name: cell for column, cell in zip(table.columns, table.rows[row].cells, strict=True)}


def run_cells(found: Found | None = None, /, **fields: Any) -> dict[str, Cell]:
    run = replace(RUN, **fields)
    return cells(runtables.runs_table([run], {run.execution_id: found} if found else {}, state=STATE, links=LINKS))


def test_a_run_is_a_row_with_its_ways() -> None:
    row = run_cells(execution_id="x" * 40, task_id="sync", task_key="5a", agent="builder", calls=3, output=10)
    assert (row["execution"].text, row["execution"].value) == ("x" * 11 + "…", "x" * 40)
    assert row["execution"].url == f"run:{'x' * 40}"
    assert (row["task"].text, row["task"].url) == ("sync", "task=sync")
    assert run_cells(task_type="fix", task_key="5a")["task"].url == "same_task=5a"
    assert (row["agent"].url, row["model"].url) == ("agent=builder", "")
    assert (row["started_at"].text, row["started_at"].value) == ("20 Nov, 00:30", "2026-11-20T00:30:05+01:00")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"task_id": "a", "task_type": "b", "tool": "c"}, "a"),
        ({"task_type": "b", "tool": "c"}, "b"),
        ({"tool": "c", "action": "d"}, "c · d"),
        ({"action": "d"}, "d"),
        ({}, "–"),
    ],
)
def test_a_run_is_called_what_its_sender_calls_it(fields: dict[str, Any], name: str) -> None:
    assert run_cells(**fields)["task"].text == name


@pytest.mark.parametrize(
    ("status", "errors", "state", "note"),
    [
        ("done", 0, "good", ""),
        ("Success", 0, "good", ""),
        ("done", 1, "other", "1 error"),
        ("failed", 2, "bad", "2 errors"),
        ("running", 0, "other", ""),
        ("", 0, "", ""),
    ],
)
def test_a_status_has_a_sign_beside_its_word(status: str, errors: int, state: str, note: str) -> None:
    cell = run_cells(status=status, errors=errors)["status"]
    assert (cell.value, cell.state, cell.note) == (status, state, note)


def test_a_price_that_is_not_known_is_never_nothing() -> None:
    assert run_cells(calls=2, unpriced_calls=2)["cost_usd"].text == "unpriced"
    partly = run_cells(calls=2, unpriced_calls=1, cost_nanousd=2_000_000_000)["cost_usd"]
    assert (partly.text, partly.value) == ("≥ $2.00", "2")
    assert run_cells()["cost_usd"].text == "–"
    assert run_cells(calls=1)["cost_usd"].text == "$0.00"


def test_a_ratio_without_output_has_no_end() -> None:
    assert run_cells(input_uncached=10)["input_output_ratio"].text == "∞"
    assert run_cells(input_uncached=30, output=2)["input_output_ratio"].value == "15.0"
    assert run_cells()["input_output_ratio"].text == "–"


def test_a_duration_is_what_the_sender_says_else_up_to_the_last_call() -> None:
    ended = AT + timedelta(minutes=4, seconds=5)
    assert run_cells(duration_ms=900, ended_at=ended)["duration_ms"].text == "900 ms"
    assert run_cells(ended_at=ended)["duration_ms"].text == "4 min 5 s"
    assert run_cells()["duration_ms"].text == "–"


def test_findings_are_counted_by_severity_the_grave_first() -> None:
    both = run_cells(Found(high=1, medium=2))["findings"]
    assert (both.text, both.value, both.state) == ("1 high +2", "3", "bad")
    assert run_cells(Found(medium=1))["findings"].state == "other"
    assert (run_cells()["findings"].text, run_cells()["findings"].value) == ("–", "0")


def test_words_from_agents_are_no_formula_in_a_csv() -> None:
    run = replace(RUN, execution_id="=cmd()", task_id="+1", status="@x", agent="-2")
    sent = as_csv(runtables.runs_table([run], {}, state=STATE, links=LINKS))
    assert sent.splitlines()[1].startswith("'=cmd(),'+1,")
    assert ",'@x," in sent
    assert ",'-2," in sent


SESSION = SessionRow("s-1", AT, AT + timedelta(hours=3, minutes=2), UsageRow(calls=4, cache_read=75, input_uncached=25))


def session_cells(*models: ModelShare) -> dict[str, Cell]:
    known = {"s-1": Known("builder", "laptop")}
    return cells(sessiontables.sessions_table([SESSION], models, known, state=STATE, links=LINKS))


def test_a_session_is_a_row_with_what_is_known_of_it() -> None:
    row = session_cells()
    assert (row["session"].url, row["agent"].text, row["host"].url) == ("session:s-1", "builder", "host=laptop")
    assert (row["cache_share_percent"].text, row["duration_ms"].text) == ("75.0%", "3 h 2 min")


def test_a_mix_of_models_is_drawn_by_cost_and_named_by_the_dearest() -> None:
    cell = session_cells(ModelShare("s-1", "opus", 3_000, 1), ModelShare("s-1", "gpt", 1_000, 99))["models"]
    assert (cell.text, cell.note, cell.value) == ("opus", "+1", "opus 75.0%, gpt 25.0%")
    assert [(part.at, part.width) for part in cell.parts] == [(0, 750), (750, 250)]
    assert len({part.slot for part in cell.parts}) == 2


def test_a_mix_without_prices_is_drawn_by_tokens() -> None:
    cell = session_cells(ModelShare("s-1", "a", 0, 1), ModelShare("s-1", "b", 0, 3))["models"]
    assert [part.width for part in cell.parts] == [250, 750]


CALL = CallRow(
    number=1,
    started_at=AT,
    model="gpt-5",
    subagent_id="",
    skill="",
    input_uncached=10,
    cache_read=1000,
    cache_write=5,
    output=7,
    cost_nanousd=None,
    duration_ms=None,
    error_type="",
    is_total=False,
)


def test_columns_of_calls_that_say_nothing_are_left_out() -> None:
    plain = calltables.calls_table([CALL], STATE)
    assert not {"subagent", "skill", "error"} & {column.name for column in plain.columns}
    full = calltables.calls_table([CALL, replace(CALL, subagent_id="a", skill="pdf", error_type="overloaded")], STATE)
    assert {"subagent", "skill", "error"} <= {column.name for column in full.columns}
    assert cells(full, 1)["error"].text == "overloaded"


def test_a_call_has_its_context_and_no_price_that_nobody_knows() -> None:
    row = cells(calltables.calls_table([CALL], STATE))
    assert (row["input"].text, row["cost_usd"].text, row["duration_ms"].text) == ("1,015", "unpriced", "–")
    assert row["started_at"].text == "20 Nov, 00:30:05"


def test_the_main_conversation_stands_before_its_sub_agents() -> None:
    parts = [Part(UsageRow(key=key, calls=1), "gpt-5", AT, AT, 10) for key in ("helper", "")]
    table = calltables.subagents_table(parts, STATE)
    assert [row.cells[0].text for row in table.rows] == ["Main conversation", "helper"]


@pytest.mark.parametrize(
    ("sent", "differs"),
    [
        (Sent(None, None, None, None), False),
        (Sent(100, 5, None, None), False),
        (Sent(101, 5, None, None), True),
        (Sent(100, 5, 80, None), False),
        (Sent(20, 5, 80, None), False),  # the cache's part exceeds the input, which leaves it out
        (Sent(None, None, 79, None), True),
    ],
)
def test_sent_totals_stand_beside_counted_ones_where_they_differ(sent: Sent, differs: bool) -> None:
    usage = UsageRow(input_uncached=20, cache_read=80, output=5)
    assert (facts.sent_table(sent, usage) is not None) is differs


def test_what_was_found_is_listed_the_grave_first_with_its_issue() -> None:
    small = Finding("r-1", "Expensive task", "19,000 tokens", "medium", 9_000, "New")
    grave = Finding("r-2", "Context bloat", "25.3:1 input/output", "high", 10, "New")
    table = facts.findings_table([small, grave], run=LINKS.run)
    assert table is not None
    assert [row.cells[0].text for row in table.rows] == ["Context bloat", "Expensive task"]
    assert (cells(table, 1)["issue"].text, cells(table, 1)["execution"].url) == ("19,000 tokens", "run:r-1")
    alone = facts.findings_table([small])
    assert alone is not None
    assert "execution" not in cells(alone)
    assert facts.findings_table([]) is None


def test_the_card_of_cost_never_says_nothing_for_what_is_not_known() -> None:
    def card(**sums: Any) -> tuple[str, str]:
        shown = facts.figures(UsageRow(**sums), failed_calls=0, lasted_ms=None, how_long="")
        cost = next(figure for figure in shown if figure.name == "cost")
        return cost.figure, cost.note

    assert card(calls=2, unpriced_calls=2) == ("unpriced", "its price is not known")
    assert card(calls=2, unpriced_calls=1, cost_nanousd=10**9) == ("$1.00", "without 1 unpriced call")
    assert card() == ("–", "no call yet")
