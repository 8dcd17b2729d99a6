"""However a rollout is cut into readings, it says the same; and what real ones say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.sources.codex import read
from tests.rollouts import THREAD, context, counted, event, forked, line, meta, record, spawned, started, uuid7

DATA = Path(__file__).parents[4] / "shared" / "data"


def said_by(lines: Sequence[bytes], cuts: Iterable[int] = ()) -> tuple[dict[str, Any], ...]:
    """Calls and executions of one file, read in pieces that end at `cuts`, as the ledger puts them together; and the
    last state, which passes through JSON as it does in life."""
    state: dict[str, Any] = {}
    calls: dict[str, Any] = {}
    executions: dict[str, Any] = {}
    begin = 0
    for end in (*sorted(cuts), len(lines)):
        reading = read(lines[begin:end], file_name="rollout.jsonl", host="", state=state)
        state, begin = json.loads(json.dumps(reading.state)), max(begin, end)
        calls = {call.id: call for call in reading.calls} | calls
        executions |= {execution.execution_id: execution for execution in reading.executions}
    return calls, executions, state


minutes = st.integers(0, 60).map(lambda half: half / 2)
counts = st.tuples(st.integers(0, 3), st.just(0), st.integers(0, 3), st.just(0))
turns = st.integers(0, 40).map(uuid7)
lines = st.one_of(
    st.builds(counted, counts, st.none() | counts, at=minutes),
    st.builds(record, st.sampled_from([None, "resp_1", "resp_2", "resp_3"]), counts, at=minutes),
    st.builds(started, turns, at=minutes),
    st.builds(lambda at: event("task_started", at=at), minutes),
    st.builds(lambda turn, at: event("task_complete", turn_id=turn, duration_ms=5, at=at), turns, minutes),
    st.builds(lambda turn, at: context(turn_id=turn, at=at), st.none() | turns, minutes),
    st.builds(lambda at: line("inter_agent_communication_metadata", {"trigger_turn": True}, at=at), minutes),
    st.builds(lambda tier: event("thread_settings_applied", thread_settings={"service_tier": tier}), st.text()),
    st.builds(meta, st.sampled_from([THREAD, uuid7(5)])),
    st.just(b"not JSON"),
)
heads = st.sampled_from([meta(), spawned(at=15), forked(at=15), spawned(subagent_history_start_ordinal=2), b""])


@given(head=heads, rest=st.lists(lines, max_size=25), data=st.data())
def test_any_cut_says_the_same(head: bytes, rest: list[bytes], data: st.DataObject) -> None:
    whole = [head, *rest]
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=6))
    assert said_by(whole, cuts) == said_by(whole)


def test_a_cut_would_be_seen_if_the_state_were_lost() -> None:
    after = [counted((2, 0, 2, 0))]
    whole = [meta(), counted((1, 0, 1, 0)), *after]
    assert said_by(whole)[0] != said_by(whole[:2])[0] | said_by(after)[0]


@pytest.mark.shared_data
def test_the_newest_rollout_is_read_without_loss() -> None:
    text = (DATA / "otlp_captured" / "codex-0.169.0_rollout.jsonl").read_bytes()
    reading = read(text.split(b"\n"), file_name="rollout.jsonl", host="", state={})
    assert not reading.unreadable
    assert [(call.id, call.model, call.provider) for call in reading.calls] == [
        (f"resp_mock0000000{n}", "gpt-5.4", "mock") for n in (1, 2)
    ]
    assert [(call.input_uncached, call.cache_read, call.output, call.reasoning) for call in reading.calls] == [
        (905, 4_096, 210, 64),
        (906, 4_096, 210, 64),
    ]
    thread = "01a1fa1c-29f3-7ff0-b5f1-ca86913dd8d7"
    assert [call.likeness for call in reading.calls] == [f"codex:{thread}:{n}:4096:210" for n in (5_001, 5_002)]
    (execution,) = reading.executions
    assert (execution.status, execution.execution_time) == ("done", 0.369)
    assert {call.execution_id for call in reading.calls} == {execution.execution_id}


@pytest.mark.shared_data
def test_the_newest_rollout_without_its_records_counts_the_same() -> None:
    text = (DATA / "otlp_captured" / "codex-0.169.0_rollout.jsonl").read_bytes()
    older = [line for line in text.split(b"\n") if b"token_usage_record" not in line]
    reading = read(older, file_name="rollout.jsonl", host="", state={})
    assert [(call.input_uncached, call.cache_read, call.output, call.reasoning) for call in reading.calls] == [
        (905, 4_096, 210, 64),
        (906, 4_096, 210, 64),
    ]
