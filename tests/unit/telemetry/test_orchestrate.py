"""OrchestrateOS's own files become executions: the same run in both files is one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from telemetry.contracts import Execution
from telemetry.sources import Reading, orchestrate


def entry(**changes: Any) -> dict[str, Any]:
    """One run, as the telemetry writes it."""
    return {
        "task_id": "sync_reading_list",
        "tool": "claude_code",
        "action": "execute_task",
        "model": "claude-sonnet-4-5",
        "timestamp": "2025-11-06T08:00:00Z",
        "execution_time": 31.0,
        "tokens_input": 3_100,
        "tokens_output": 2_400,
        "status": "done",
        "errors": [],
    } | changes


def reading(document: Any) -> Reading:
    """What a file holds."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return orchestrate.read_document(data, file_name="token_telemetry.json", host="laptop")


def one(document: Any) -> Execution:
    """The only execution of a file, all of which can be read."""
    found = reading(document)
    assert found.unreadable == {}
    (execution,) = found.executions
    return execution


def test_an_entry_becomes_an_execution_with_its_totals() -> None:
    execution = one([entry()])
    assert (execution.task_id, execution.tool, execution.action) == ("sync_reading_list", "claude_code", "execute_task")
    assert (execution.tokens_input, execution.tokens_output, execution.execution_time) == (3_100, 2_400, 31.0)
    assert (execution.status, execution.errors, execution.model) == ("done", (), "claude-sonnet-4-5")
    assert execution.started_at == datetime(2025, 11, 6, 8, tzinfo=UTC)
    assert execution.attributes is None


@pytest.mark.parametrize(
    "document",
    [
        [entry()],
        {"sync_reading_list": entry()},
        {"sync_reading_list": [entry()]},
        {"sync_reading_list": {name: value for name, value in entry().items() if name != "task_id"}},
        entry(),
    ],
)
def test_a_file_is_a_list_or_an_object_keyed_by_task(document: Any) -> None:
    assert one(document) == one([entry()])


def test_the_same_run_in_both_files_has_the_same_id_although_neither_tells_all() -> None:
    telemetry = one([entry()])
    log = one({"sync_reading_list": {"started_at": "2025-11-06T09:00:00+01:00", "status": "failed", "errors": "boom"}})
    assert telemetry.execution_id == log.execution_id != ""
    assert log.errors == ("boom",)


def test_runs_of_another_task_or_moment_are_others() -> None:
    others = [entry(), entry(task_id="b"), entry(timestamp="2025-11-06T08:00:01Z"), entry(execution_id="mine")]
    assert len({execution.execution_id for execution in reading(others).executions}) == 4


def test_two_entries_about_one_run_complete_each_other() -> None:
    execution = one([entry(status="", tokens_input=None, tokens_output=None, session_id="s"), entry()])
    assert (execution.tokens_input, execution.status, execution.session_id) == (3_100, "done", "s")


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2025-11-06T08:00:00", datetime(2025, 11, 6, 8, tzinfo=UTC)),
        ("2025-11-06 08:00:00.5", datetime(2025, 11, 6, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("2025-11-06T08:00:00-05:00", datetime(2025, 11, 6, 8, tzinfo=timezone(timedelta(hours=-5)))),
        (1_762_416_000, datetime(2025, 11, 6, 8, tzinfo=UTC)),
        (1_762_416_000_000, datetime(2025, 11, 6, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_utc(said: Any, moment: datetime) -> None:
    assert one([entry(timestamp=said)]).started_at == moment


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"tokens_input": None, "tokens": {"input": 7, "output": 3}}, "tokens_input", 7),
        ({"tokens_input": "3100"}, "tokens_input", 3_100),
        ({"errors": "it broke"}, "errors", ("it broke",)),
        ({"errors": None, "error": "it broke"}, "errors", ("it broke",)),
        ({"errors": [{"code": 1}]}, "errors", ('{"code":1}',)),
        ({"skills": "a, b"}, "skills", ("a", "b")),
        ({"skills": ["a"]}, "skills", ("a",)),
        ({"task_id": 42}, "task_id", "42"),
        ({"session_type": "scheduled"}, "session_type", "scheduled"),
    ],
)
def test_fields_may_be_written_in_several_ways(changes: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(one([entry(**changes)]), field) == value


def test_unknown_fields_are_kept_in_bounds_and_what_was_said_is_not() -> None:
    said = {"prompt": "secret", "output": "secret", "steps": [1, 2], "note": "x" * 1_000, "retries": 2}
    attributes = one([entry(**said, **{f"f{n}": n for n in range(100)})]).attributes
    assert attributes is not None
    assert len(attributes) == 40
    assert (attributes["retries"], len(attributes["note"])) == (2, 300)
    assert "secret" not in repr(attributes)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (7, "an entry must be an object"),
        (entry(timestamp=None), "an entry without started_at or timestamp"),
        (entry(timestamp="yesterday"), "a moment that is none"),
        (entry(timestamp=1e300), "a moment that is none"),
        (entry(tokens_input=-1), "Expected `int` >= 0 - at `$.tokens_input`"),
        (entry(tool="x\0"), "a NUL character in a field"),
        (entry(tool="x" * 201), "Expected `str` of length <= 200 - at `$.tool`"),
    ],
)
def test_an_entry_that_cannot_be_read_is_counted_with_its_reason(bad: Any, reason: str) -> None:
    found = reading([bad, entry()])
    assert [execution.task_id for execution in found.executions] == ["sync_reading_list"]
    assert found.unreadable == {reason: 1}


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000, b'[{"tokens_input": NaN}]'])
def test_a_file_that_is_no_json_is_one_unreadable_record(data: bytes) -> None:
    assert reading(data) == Reading(unreadable={"not JSON": 1})


def test_an_empty_file_holds_nothing() -> None:
    assert reading(b" \n") == reading(b"[]") == reading(b"{}") == Reading()


def test_reading_a_file_twice_gives_the_same_bytes() -> None:
    document = [entry(extra="b", more=1)]
    assert msgspec.json.encode(reading(document)) == msgspec.json.encode(reading(document))


def test_the_two_files_are_told_by_name_and_the_telemetry_comes_first() -> None:
    folder = Path("/srv/os/data")
    both = [folder / "execution_log.json", folder / "token_telemetry.json"]
    assert [path for path in (*both, folder / "other.json") if orchestrate.matches(path)] == both
    assert sorted(both, key=orchestrate.reading_order)[0].name == "token_telemetry.json"
    assert orchestrate.folders({"ORCHESTRATE_DIR": "/srv/os"}, Path("/home/ana")) == [Path("/srv/os")]
