"""Rollouts of sub-agents and forks begin with their parent's lines: whatever is imported, each call is counted once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations

import pytest

from telemetry.contracts import Call
from telemetry.sources.codex import read
from tests.rollouts import (
    CHILD,
    THREAD,
    context,
    counted,
    event,
    forked,
    line,
    meta,
    moment,
    record,
    spawned,
    started,
    uuid7,
)

FIRST, SECOND, OWN = uuid7(1), uuid7(10), uuid7(31)
ONE, TWO = (1_000, 0, 100, 0), (2_500, 900, 180, 0)  # the parent's totals
PARENT = [
    meta(),
    started(FIRST, at=1),
    context("gpt-5", at=1, turn_id=FIRST),
    counted(ONE, ONE, at=2),
    started(SECOND, at=10),
    counted(TWO, (1_500, 900, 80, 0), at=11),
]
THREE = (2_800, 1_200, 190, 0)  # the child's, going on from its parent's: 300 in, all cached, and 10 out
GOES_ON = counted(THREE, (300, 300, 10, 0), at=32)
BEGINS_ANEW = counted((300, 300, 10, 0), (300, 300, 10, 0), at=32)


def again(lines: Sequence[bytes], at: float | None = None) -> list[bytes]:
    """Lines as a child repeats them: as they are, or with the moment of the copying."""
    if at is None:
        return list(lines)
    stamp = moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
    return [text.replace(text[15:39], stamp) for text in lines]


def anonymous(lines: Sequence[bytes]) -> list[bytes]:
    """Lines as older versions wrote them, whose turns have no ids."""
    return [text.replace(FIRST.encode(), b"").replace(SECOND.encode(), b"") for text in lines]


def calls_of(lines: Sequence[bytes]) -> tuple[Call, ...]:
    """The calls of one file."""
    return read(lines, file_name="rollout.jsonl", host="", state={}).calls


def once(*files: Sequence[bytes]) -> list[Call]:
    """What the ledger keeps of `files`: a call is known by its id and its aliases."""
    kept: list[Call] = []
    names: set[str] = set()
    for call in (call for lines in files for call in calls_of(lines)):
        if not names & {call.id, *call.aliases}:
            kept.append(call)
        names |= {call.id, *call.aliases}
    return kept


def sums(calls: Iterable[Call]) -> tuple[int, int, int, int]:
    """Calls, uncached and cached input, output."""
    rows = [(1, call.input_uncached, call.cache_read, call.output) for call in calls]
    return tuple(map(sum, zip(*rows, strict=True))) if rows else (0, 0, 0, 0)  # type: ignore[return-value]


PARENT_SUMS = (2, 1_600, 900, 180)
OWN_SUMS = (1, 0, 300, 10)
ALL_SUMS = (3, 1_600, 1_200, 190)
OWN_TURN = [started(OWN, at=31), context("gpt-5.4", at=31, turn_id=OWN)]
MARKER = line("inter_agent_communication_metadata", {"trigger_turn": True}, at=30)
SILENT_MARKER = line("inter_agent_communication_metadata", {"trigger_turn": False}, at=30)
CHILDREN = {
    "a fork, lines as they were": [forked(), *again(PARENT), *OWN_TURN, GOES_ON],
    "a fork, lines with the moment of the copying": [forked(), *again(PARENT, 30), *OWN_TURN, GOES_ON],
    "a fork of which only the totals were copied": [forked(), *again(PARENT[3::2], 30), *OWN_TURN, GOES_ON],
    "a fork whose total begins anew": [forked(), *again(PARENT, 30), *OWN_TURN, BEGINS_ANEW],
    "a fork without a turn of its own": [forked(), *again(anonymous(PARENT)[3::2], 30), GOES_ON],
    "a fork of turns without ids, lines as they were": [
        forked(),
        *again(anonymous(PARENT)),
        event("task_started", at=30.01),
        counted(THREE, (300, 300, 10, 0), at=30.02),
    ],
    "a fork that first says again where it goes on from": [
        forked(),
        *again(PARENT, 30),
        *OWN_TURN,
        counted(TWO, (1_500, 900, 80, 0), at=31),
        GOES_ON,
    ],
    "a sub-agent, lines as they were": [spawned(), *again(PARENT), *OWN_TURN, GOES_ON],
    "a sub-agent, lines with the moment of the copying": [spawned(), *again(PARENT, 30), *OWN_TURN, GOES_ON],
    "a sub-agent that repeats nothing": [spawned(), *OWN_TURN, BEGINS_ANEW],
    "a sub-agent that only names its parent": [spawned(), meta(at=30), *OWN_TURN, BEGINS_ANEW],
    "a sub-agent whose turn a message begins": [
        spawned(),
        SILENT_MARKER,
        *again(PARENT[3::2], 30),
        MARKER,
        counted(THREE, (300, 300, 10, 0), at=30.02),
    ],
    "a sub-agent with a numbered history": [
        spawned(subagent_history_start_ordinal=3),
        line("event_msg", {"type": "task_started"}, at=30, ordinal=1),
        GOES_ON[:-1].replace(b"2800", b"2500") + b', "ordinal": 2}',
        GOES_ON[:-1] + b', "ordinal": 3}',
    ],
    "a sub-agent with records": [
        spawned(),
        *again(PARENT),
        record("resp_copied", (9, 0, 9, 0), thread=CHILD, at=30),
        *OWN_TURN,
        record("resp_parent", (9, 0, 9, 0), at=31),
        record("resp_child", (300, 300, 10, 0), thread=CHILD, at=32),
        GOES_ON,
    ],
}


@pytest.mark.parametrize("lines", CHILDREN.values(), ids=CHILDREN.keys())
def test_a_child_counts_its_own_calls_alone_and_beside_its_parent_in_either_order(lines: list[bytes]) -> None:
    assert sums(calls_of(PARENT)) == PARENT_SUMS
    assert sums(calls_of(lines)) == OWN_SUMS
    assert sums(once(PARENT, lines)) == sums(once(lines, PARENT)) == ALL_SUMS


def test_repeated_lines_would_be_counted_if_a_child_were_read_like_its_parent() -> None:
    for name in ("a fork, lines as they were", "a sub-agent, lines with the moment of the copying"):
        assert sums(once(PARENT, [meta(CHILD), *CHILDREN[name][2:]])) != ALL_SUMS


def test_a_grandchild_that_repeats_two_ancestors_counts_its_own_calls() -> None:
    child = CHILDREN["a sub-agent, lines with the moment of the copying"]
    grandchild_id = uuid7(40, 3)
    own = uuid7(41)
    grandchild = [
        spawned(CHILD, grandchild_id, at=40),
        *again(child, 40),
        MARKER.replace(b"12:30", b"12:40"),
        started(own, at=41),
        counted((3_000, 1_200, 200, 0), (200, 0, 10, 0), at=42),
    ]
    for files in permutations([PARENT, child, grandchild]):
        assert sums(once(*files)) == (4, 1_800, 1_200, 200)


def test_two_children_of_one_parent_count_apart() -> None:
    children = [
        [forked(child=uuid7(30, tail)), *again(PARENT, 30), started(uuid7(31, tail), at=31), GOES_ON] for tail in (2, 3)
    ]
    for files in permutations([PARENT, *children]):
        assert sums(once(*files)) == (4, 1_600, 1_500, 200)


def test_where_only_a_turn_without_an_id_begins_the_parents_names_are_aliases() -> None:
    child = [forked(), *again(anonymous(PARENT), 30), event("task_started", at=31), GOES_ON]
    assert {call.aliases for call in calls_of(child)} == {
        (f"codex:{THREAD}:1000:0:0:100:0",),
        (f"codex:{THREAD}:2500:900:0:180:0",),
        (f"codex:{THREAD}:2800:1200:0:190:0",),
    }
    assert sums(once(PARENT, child)) == sums(once(child, PARENT)) == ALL_SUMS


def test_a_turn_that_began_before_its_thread_was_made_is_the_parents_whatever_its_id() -> None:
    before = int(moment(1).timestamp())
    copied = [event("task_started", at=30, turn_id="1", started_at=before), *again(PARENT[3::2], 30)]
    assert sums(calls_of([forked(), *copied, *OWN_TURN, GOES_ON])) == OWN_SUMS


def test_a_message_that_the_parent_was_sent_does_not_end_the_copying() -> None:
    copied_message = line("inter_agent_communication_metadata", {"trigger_turn": True}, at=30)
    copied = [started(FIRST, at=30), copied_message, *again(PARENT[3::2], 30)]
    assert sums(calls_of([spawned(), *copied, *OWN_TURN, GOES_ON])) == OWN_SUMS


def test_a_sub_agents_calls_bear_its_name_its_roots_session_and_its_roots_turn() -> None:
    own = [started(OWN, at=31, root_turn_id=FIRST), context("gpt-5.4", at=31, turn_id=OWN, root_turn_id=FIRST), GOES_ON]
    said = read([spawned(), *own], file_name="rollout.jsonl", host="", state={})
    (call,) = said.calls
    assert (call.session_id, call.subagent_id, call.execution_id) == (THREAD, CHILD, f"codex:{FIRST}")
    assert (call.model, said.executions) == ("gpt-5.4", ())
    assert call.likeness.startswith(f"codex:{CHILD}:")


def test_a_sub_agent_whose_roots_session_is_not_told_belongs_to_its_parents() -> None:
    (call,) = calls_of([spawned(session_id=None), *OWN_TURN, GOES_ON])
    assert (call.session_id, call.subagent_id) == (THREAD, CHILD)


def test_a_fork_is_a_session_of_its_own() -> None:
    said = read(CHILDREN["a fork, lines as they were"], file_name="rollout.jsonl", host="", state={})
    (call,) = said.calls
    assert (call.session_id, call.subagent_id) == (CHILD, "")
    assert [execution.execution_id for execution in said.executions] == [f"codex:{OWN}"]


@pytest.mark.parametrize("source", ["subagent", {"subagent": "review"}, {"subagent": {"other": "guardian"}}])
def test_a_reviewer_is_a_sub_agent_too(source: object) -> None:
    (call,) = calls_of([meta(CHILD, source=source, session_id=THREAD), counted(ONE)])
    assert (call.session_id, call.subagent_id) == (THREAD, CHILD)
