"""Executions come in as OrchestrateOS writes them; what they claim counts until their own calls arrive."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from telemetry.contracts import Execution as ExecutionRecord
from telemetry.models import Execution, Project, Quarantined
from tests.api_calls import CALLS, EXECUTIONS, NOON, NOTHING, ask, call, send, usage

RUN: dict[str, Any] = {
    "execution_id": "run-1",
    "task_id": "task-7",
    "tool": "claude",
    "action": "fix",
    "model": "house-llama",
    "started_at": "2025-10-24T14:00:00+02:00",
    "execution_time": 12.3456,
    "tokens_input": 1200,
    "tokens_output": 34,
    "cache_read": 1000,
    "cache_write": 100,
    "status": "failed",
    "errors": ["no such file", "gave up"],
    "task_type": "bugfix",
    "agent": "builder",
    "session_id": "s-1",
    "session_type": "night",
    "skills": ["git", "pytest"],
    "objective": "O1",
}


def record(web: str, key: str, items: Any) -> dict[str, Any]:
    return send(web, key, items, path=EXECUTIONS)


def test_every_field_of_an_execution_is_kept(web: str, key: str, project: Project) -> None:
    assert RUN.keys() == set(ExecutionRecord.__struct_fields__) - {"attributes"}
    assert record(web, key, RUN) == NOTHING | {"accepted": 1}
    kept = Execution.objects.get(project_id=project.pk)
    renamed = {"started_at", "execution_time", "tokens_input", "tokens_output", "cache_read", "cache_write"}
    same = {name: value for name, value in RUN.items() if name not in renamed}
    assert {name: getattr(kept, name) for name in same} == same
    assert kept.started_at == datetime(2025, 10, 24, 12, tzinfo=UTC)
    assert (kept.duration_ms, kept.sent_input_tokens, kept.sent_output_tokens) == (12_346, 1200, 34)
    assert (kept.sent_cache_read_tokens, kept.sent_cache_write_tokens) == (1000, 100)
    assert (kept.source, kept.has_calls, kept.attributes) == ("api", False, None)


def test_fields_that_are_not_known_are_kept_as_attributes(web: str, key: str, project: Project) -> None:
    sent = RUN | {"exit_code": 3, "attributes": {"host": "a"}, "plan": [{"step": 1}], "errors": None}
    assert record(web, key, [sent]) == NOTHING | {"accepted": 1}
    kept = Execution.objects.get(project_id=project.pk)
    assert kept.attributes == {"exit_code": 3, "host": "a", "plan": [{"step": 1}]}
    assert kept.errors == []


def test_a_run_without_an_id_is_known_by_what_makes_it_this_run(web: str, key: str, project: Project) -> None:
    run = {name: value for name, value in RUN.items() if name != "execution_id"}
    assert record(web, key, run) == NOTHING | {"accepted": 1}
    assert record(web, key, run) == NOTHING | {"duplicates": 1}
    same_instant = run | {"started_at": NOON}
    assert record(web, key, same_instant) == NOTHING | {"duplicates": 1}
    others = [{**run, name: "another"} for name in ("task_id", "agent", "tool", "action")]
    others.append(run | {"started_at": "2025-10-24T12:00:01Z"})
    assert record(web, key, others) == NOTHING | {"accepted": 5}
    keys = Execution.objects.filter(project_id=project.pk).values_list("execution_id", flat=True)
    assert len(keys) == 6
    assert all(name.startswith("derived:") for name in keys)


def test_runs_come_in_as_lines(web: str, key: str) -> None:
    body = "\n".join(json.dumps(RUN | {"execution_id": f"run-{n}"}) for n in range(3)).encode()
    for headers in ({}, {"Content-Type": "application/x-ndjson"}):
        answer = ask(web, "POST", EXECUTIONS, key=key, body=body, headers=headers)
        assert answer.status == 200
        assert answer.json["accepted"] + answer.json["duplicates"] == 3
    assert usage(web, key)["total"]["calls"] == 3


def test_what_a_run_claims_counts_until_its_own_calls_arrive(web: str, key: str) -> None:
    record(web, key, RUN)
    claimed = usage(web, key, by="execution")
    (row,) = claimed["rows"]
    assert (row["execution"], row["input_uncached"], row["cache_read"], row["output"]) == ("run-1", 100, 1000, 34)
    assert row["cache_write_unknown"] == 100
    send(web, key, [call("c1", execution_id="run-1", input_uncached=500), call("c2", execution_id="run-1")])
    own = usage(web, key, by="execution")
    assert [(row["calls"], row["input_uncached"], row["output"]) for row in own["rows"]] == [(2, 501, 2)]
    assert record(web, key, RUN) == NOTHING | {"duplicates": 1}
    assert usage(web, key, by="execution") == own


def test_a_run_that_is_told_again_is_completed(web: str, key: str, project: Project) -> None:
    begun = {"execution_id": "run-1", "started_at": NOON, "status": "running", "agent": "builder"}
    assert record(web, key, begun)["accepted"] == 1
    assert record(web, key, RUN)["accepted"] == 1
    assert record(web, key, begun)["duplicates"] == 1
    kept = Execution.objects.get(project_id=project.pk)
    assert (kept.status, kept.sent_output_tokens) == ("failed", 34)


def test_a_run_of_an_unbelievable_time_is_set_apart(web: str, key: str, project: Project) -> None:
    receipt = record(web, key, [RUN, RUN | {"execution_id": "odd", "started_at": "0001-01-01T00:00:00+14:00"}])
    assert receipt == NOTHING | {"accepted": 1, "quarantined": 1}
    assert Quarantined.objects.get(project_id=project.pk).record["execution_id"] == "odd"


def test_a_call_is_no_run_and_a_run_no_call(web: str, key: str) -> None:
    answer = ask(web, "POST", CALLS, key=key, body=json.dumps(RUN | {"model": ""}).encode())
    assert answer.status == 400
    assert answer.json["rejected"][0]["id"] == "run-1"
    assert record(web, key, call("c1")) == NOTHING | {"accepted": 1}  # a run of an unknown task, its fields kept
    assert usage(web, key)["total"]["calls"] == 0
