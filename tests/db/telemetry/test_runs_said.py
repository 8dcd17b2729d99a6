"""What a run's row says beside its sums: which task it was, who cut it, how it ended and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemetry.contracts import Call, Execution, MeterReading
from telemetry.database import connection
from telemetry.importer.registry import LOCAL_SOURCES
from telemetry.ledger.meters import record_readings
from telemetry.sources import TRANSCRIPTS
from tests.ledger_reading import NOW, new_tenant, send
from tests.run_reading import added_up

pytestmark = pytest.mark.usefixtures("database")
AT = datetime(2026, 11, 10, 12, tzinfo=UTC)


def rows_of(*executions: dict[str, Any], source: str = "api") -> list[dict[str, Any]]:
    """The runs of executions, in their order."""
    tenant = new_tenant()
    sent = [Execution(execution_id=f"{n}", started_at=AT, **fields) for n, fields in enumerate(executions)]
    send(tenant, executions=sent, source=source)
    found = added_up(tenant)
    return [found[f"{n}"] for n in range(len(executions))]


def keys_of(*executions: dict[str, Any]) -> list[str]:
    """Their tasks."""
    return [row["task_key"] for row in rows_of(*executions)]


def described(text: str, **fields: Any) -> dict[str, Any]:
    """An execution without a task's id that says what it does."""
    return {"task_type": "fix", "tool": "t", "action": "a", "attributes": {"description": text}} | fields


def test_runs_of_one_task_id_are_of_one_task_whatever_else_they_say() -> None:
    first, again, other = keys_of({"task_id": "x", "tool": "a"}, {"task_id": "x", "tool": "b"}, {"task_id": "y"})
    assert first == again != other
    assert all(len(key) == 32 for key in (first, other))


@pytest.mark.parametrize(
    "text",
    [
        "Fix  the\nbug 12 ",
        "fix the bug 7",
        "FIX THE BUG 2026-11-10 12:30",
        "fix the bug 2026-11-10T12:30:01.5",
        "fix the bug deadbeef01",
        "fix the bug 6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    ],
)
def test_without_an_id_the_description_tells_but_for_numbers_dates_ids_case_and_blanks(text: str) -> None:
    wanted, found = keys_of(described("fix the bug 1"), described(text))
    assert found == wanted != ""


@pytest.mark.parametrize(
    "other",
    [
        described("fix the bag 1"),
        described("fix the bug 1", tool="u"),
        described("fix the bug 1", action="b"),
        described("fix the bug 1", task_type="write"),
        described("fix the bug defaced"),  # a word, though all its letters are digits of a hexadecimal number
    ],
)
def test_runs_that_differ_in_type_tool_action_or_what_they_do_are_of_other_tasks(other: dict[str, Any]) -> None:
    one, another = keys_of(described("fix the bug 1"), other)
    assert one != another != ""


def test_what_says_nothing_of_its_task_is_of_none() -> None:
    assert (
        keys_of({"tool": "t", "action": "a", "task_type": "x"}, described("  "), {"attributes": {"n": 1}}) == [""] * 3
    )


@pytest.mark.parametrize(
    ("source", "is_cut"),
    [("api", False), ("sdk", False), ("orchestrate", False), ("codex", True), ("claude-code", True), ("otlp:x", True)],
)
def test_what_tloi_cut_itself_is_known_by_its_source(source: str, is_cut: bool) -> None:
    (row,) = rows_of({}, source=source)
    assert row["is_cut"] is is_cut


def test_an_execution_of_which_only_calls_tell_is_cut_by_tloi() -> None:
    tenant = new_tenant()
    send(tenant, [Call(id="1", started_at=AT, model="m", execution_id="r")], source="api")
    assert added_up(tenant)["r"]["is_cut"]


def test_transcripts_are_the_files_that_bring_calls() -> None:
    assert {source.name for source in LOCAL_SOURCES if source.brings == "call"} == TRANSCRIPTS


@pytest.mark.parametrize(
    ("error", "is_fault"),
    [
        ("429 Too Many Requests", True),
        ("Error code: 529 - overloaded_error", True),
        ("HTTP 503", True),
        ("APITimeoutError: Request timed out.", True),
        ("rate_limit_exceeded", True),
        ("APIConnectionError", True),
        ("connection reset by peer", True),
        ("AssertionError: expected 500 rows", False),
        ("tests/test_x.py:429: TypeError", False),
        ("the build failed", False),
    ],
)
def test_a_provider_that_failed_is_told_from_a_run_that_did(error: str, is_fault: bool) -> None:
    (row,) = rows_of({"status": "failed", "errors": (error,)})
    assert row["is_provider_fault"] is is_fault


@pytest.mark.parametrize(("errors", "is_fault"), [(("", "overloaded"), True), (("overloaded", ""), False)])
def test_only_the_last_call_says_how_a_run_ended(errors: tuple[str, ...], is_fault: bool) -> None:
    tenant = new_tenant()
    calls = [
        Call(id=f"{n}", started_at=AT + timedelta(minutes=n), model="m", execution_id="r", error_type=error)
        for n, error in enumerate(errors)
    ]
    send(tenant, calls)
    assert added_up(tenant)["r"]["is_provider_fault"] is is_fault


@pytest.mark.parametrize(
    ("said", "is_verified"),
    [({"verified": True}, True), ({"verified": "false"}, False), ({"verified": "perhaps"}, None), ({}, None)],
)
def test_that_somebody_looked_is_known_where_the_sender_says_so(said: dict[str, Any], is_verified: bool | None) -> None:
    (row,) = rows_of({"attributes": said})
    assert row["is_verified"] is is_verified


def test_what_came_out_is_compared_by_a_digest() -> None:
    same, again, other, silent = rows_of(
        {"attributes": {"result": "42"}}, {"attributes": {"result": "42"}}, {"attributes": {"output": "43"}}, {}
    )
    assert same["result_digest"] == again["result_digest"] != other["result_digest"]
    assert silent["result_digest"] == ""


def test_totals_that_were_sent_are_the_runs_sums_until_calls_come() -> None:
    tenant = new_tenant()
    told = Execution(execution_id="r", started_at=AT, tokens_input=10, cache_read=4, tokens_output=5)
    send(tenant, executions=[told])
    row = added_up(tenant)["r"]
    assert (row["calls"], row["input_uncached"], row["cache_read"], row["output"]) == (1, 6, 4, 5)
    send(tenant, [Call(id="1", started_at=AT, model="m", output=2, execution_id="r")])
    row = added_up(tenant)["r"]
    assert (row["calls"], row["input_uncached"], row["cache_read"], row["output"]) == (1, 0, 0, 2)


def test_totals_are_found_where_they_were_stored_though_the_run_begins_earlier_now() -> None:
    tenant = new_tenant()
    send(tenant, executions=[Execution(execution_id="r", started_at=AT, tokens_output=5)])
    send(tenant, executions=[Execution(execution_id="r", started_at=AT - timedelta(days=9))])
    row = added_up(tenant)["r"]
    assert (row["started_at"], row["output"]) == (AT - timedelta(days=9), 5)


def test_what_counters_said_of_a_session_is_no_run() -> None:
    tenant = new_tenant()
    reading = MeterReading(
        series="x", session_id="s", model="m", agent="a", bucket="output", started_at=AT, at=AT, value=7, is_delta=False
    )
    record_readings(connection(), project_id=tenant, readings=[reading], source="otlp:x", now=NOW)
    assert added_up(tenant) == {}


def test_sums_that_are_too_great_stay_at_the_largest_number() -> None:
    tenant = new_tenant()
    calls = [Call(id=f"{n}", started_at=AT, model="m", output=2**53, execution_id="r") for n in range(1_100)]
    send(tenant, calls)
    assert added_up(tenant)["r"]["output"] == 2**63 - 1
