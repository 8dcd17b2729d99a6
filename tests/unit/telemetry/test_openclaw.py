"""Sessions of OpenClaw and pi: what a message is worth, and which messages are one call."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call
from telemetry.ledger.pricing import computed_nanousd
from telemetry.sources import Reading
from telemetry.sources.openclaw import folders, matches, read, reading_order
from telemetry.usage import input_total
from tests.chats import SESSION, assistant, prompt, session, stamp

DATA = Path(__file__).parents[4] / "shared" / "data"


def reading(*lines: bytes, file_name: str = f"{SESSION}.jsonl", state: dict[str, Any] | None = None) -> Reading:
    """What `lines` say."""
    return read(lines, file_name=file_name, host="laptop", state=state or {})


def only_call(*lines: bytes, file_name: str = f"{SESSION}.jsonl") -> Call:
    """The one call of `lines`."""
    (call,) = reading(*lines, file_name=file_name).calls
    return call


def test_an_assistants_message_becomes_a_call_in_disjoint_buckets() -> None:
    call = only_call(session(), assistant())
    assert (call.input_uncached, call.cache_read, call.output, call.reasoning) == (10, 1_000, 100, None)
    assert (call.cache_write_5m, call.cache_write_1h, call.cache_write_unknown) == (0, 0, 200)
    assert (call.model, call.provider) == ("claude-opus-4-5", "anthropic")
    assert (call.agent, call.host, call.session_id) == ("openclaw", "laptop", SESSION)
    assert call.started_at == datetime(2026, 11, 1, 10, 0, 2, tzinfo=UTC)
    assert (call.duration_ms, call.quality) == (3_000, ("no_request_id", "ttl_unknown"))


def test_the_agents_own_cost_is_taken_to_the_last_digit() -> None:
    call = only_call(session(), assistant())
    assert (call.cost_usd, call.cost_kind) == (Decimal("0.004300000000000001"), "client_estimate")


@pytest.mark.parametrize("cost", [{"total": 0}, {"total": None}, {}, None])
def test_a_cost_of_nothing_for_tokens_is_no_cost(cost: Any) -> None:
    assert only_call(session(), assistant(usage={"cost": cost})).cost_usd is None


def test_an_aborted_message_counts_what_it_took_and_is_no_call_where_that_is_nothing() -> None:
    nothing = dict.fromkeys(("input", "output", "cacheRead", "cacheWrite"), 0)
    assert reading(session(), assistant(usage=nothing, stopReason="aborted")).calls == ()
    assert only_call(session(), assistant(output=8, stopReason="aborted")).output == 8


def test_what_newer_versions_tell_apart_is_kept_apart() -> None:
    usage = {"cacheWrite1h": 50, "reasoning": 30}
    call = only_call(session(), assistant(usage=usage, responseId="msg_1", responseModel="claude-opus-4-5-20251101"))
    assert (call.cache_write_5m, call.cache_write_1h, call.cache_write_unknown) == (150, 50, 0)
    assert (call.reasoning, call.aliases, call.model) == (30, ("msg_1",), "claude-opus-4-5-20251101")
    assert call.quality == ()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_at_the_end_of_time_is_left_to_the_ledger_to_judge(moment: str) -> None:
    lines = (
        line.replace(b"2026-11-01T10:00:05.000Z", moment.encode()) for line in (assistant(), prompt(at="10:00:05"))
    )
    assert len(reading(*lines).calls) == 1


def test_every_branch_of_the_tree_was_billed() -> None:
    said = reading(session(), assistant(), assistant(at="10:00:06"), assistant(output=101))
    assert len({call.id for call in said.calls}) == 3


def test_a_session_that_goes_on_from_another_repeats_its_calls_under_the_same_ids() -> None:
    own = assistant(at="12:00:09", timestamp=1_793_534_400_000)
    first = reading(session(), prompt(), assistant())
    branch = session(id="other", timestamp=stamp("12:00:00"), parentSession="/s/first.jsonl")
    second = reading(branch, prompt(), assistant(), prompt(at="12:00:01"), own)
    assert [call.id for call in first.calls] == [call.id for call in second.calls][:1]
    assert [call.execution_id for call in first.calls] == [call.execution_id for call in second.calls][:1]
    assert len(second.calls) == 2
    assert [execution.session_id for execution in (*first.executions, *second.executions)] == [SESSION, "other"]


def test_a_session_that_was_written_anew_with_other_ids_is_the_same_calls() -> None:
    old = [line.replace(b'"id": "a1b2c3d4", ', b"") for line in (session(version=1), assistant())]
    assert reading(*old).calls == reading(session(), assistant()).calls


def test_a_prompt_begins_an_execution_and_the_calls_up_to_the_next_belong_to_it() -> None:
    said = reading(
        session(),
        prompt(),
        assistant(),
        prompt(role="toolResult", at="10:00:07"),
        assistant(at="10:00:09"),
        prompt(at="10:01:00"),
        assistant(at="10:01:09"),
    )
    first, second = said.executions
    assert [call.execution_id for call in said.calls] == [first.execution_id] * 2 + [second.execution_id]
    assert first.started_at == datetime(2026, 11, 1, 10, 0, 1, tzinfo=UTC)
    assert (first.session_id, first.agent, first.status) == (SESSION, "openclaw", "")


def test_pi_is_known_by_the_name_of_its_files() -> None:
    assert only_call(session(), assistant(), file_name=f"2026-11-01T10-00-00-000Z_{SESSION}.jsonl").agent == "pi"


@pytest.mark.parametrize(
    ("written", "known"),
    [("openai-codex", "openai"), ("Amazon-Bedrock", "aws.bedrock"), ("google-vertex", "gcp.vertex_ai"), ("xai", "xai")],
)
def test_providers_bear_the_names_that_telemetry_gives_them(written: str, known: str) -> None:
    assert only_call(session(), assistant(provider=written)).provider == known


def test_an_error_is_told() -> None:
    assert only_call(session(), assistant(stopReason="error", errorMessage="my secret")).error_type == "error"


def test_a_message_without_its_own_moment_began_with_its_line() -> None:
    call = only_call(session(), assistant(timestamp=None))
    assert (call.started_at.second, call.duration_ms) == (5, 0)
    assert only_call(session(), assistant(at="09:00:00")).duration_ms is None


def test_the_next_reading_goes_on_in_the_execution_of_the_last() -> None:
    before = reading(session(), prompt())
    (call,) = reading(assistant(), state=json.loads(json.dumps(before.state))).calls
    assert (call.session_id, call.execution_id) == (SESSION, before.executions[0].execution_id)


def test_nothing_that_was_said_is_kept() -> None:
    said = reading(session(cwd="/secret"), prompt(content="my secret"), assistant(content=[{"text": "my secret"}]))
    assert (len(said.calls), "secret" in repr(said)) == (1, False)


def test_other_lines_are_passed_over() -> None:
    others = [b'{"type":"compaction","summary":"x"}', b'{"type":7}', b'{"type":"message"}', b"{}", b"", b"  \r"]
    others += [prompt(role="bashExecution"), assistant().replace(b'"usage"', b'"nothing"')]
    assert (reading(*others).calls, reading(*others).unreadable) == ((), {})


def test_sessions_are_looked_for_where_the_environment_says() -> None:
    home = Path("/home/ana")
    assert folders({}, home) == [
        home / ".pi/agent/sessions",
        *(home / name / "agents" for name in (".openclaw", ".clawdbot", ".moltbot")),
    ]
    moved = {"PI_CODING_AGENT_DIR": "/pi", "OPENCLAW_STATE_DIR": "/claw"}
    assert folders(moved, home) == [Path("/pi/sessions"), Path("/claw/agents")]


def test_sessions_that_were_deleted_or_reset_are_read_too() -> None:
    names = ["/a/main/sessions/b.jsonl", "/a/main/sessions/a.jsonl.deleted.2026-11-01", "/a/c.jsonl.reset.1"]
    names += ["/a/main/sessions/sessions.json", "/a/main/sessions/d.jsonl.lock"]
    found = sorted(filter(matches, map(Path, names)), key=reading_order)
    assert [str(path) for path in found] == [names[1], names[0], names[2]]


def said_by(lines: Sequence[bytes], cuts: Iterable[int] = ()) -> tuple[dict[str, Any], ...]:
    """Calls and executions of a session that is read in pieces that end at `cuts`, as the ledger puts them together."""
    state: dict[str, Any] = {}
    calls: dict[str, Any] = {}
    executions: dict[str, Any] = {}
    begin = 0
    for end in (*sorted(cuts), len(lines)):
        piece = reading(*lines[begin:end], state=state)
        state, begin = json.loads(json.dumps(piece.state)), max(begin, end)
        calls = {call.id: call for call in piece.calls} | calls
        executions = {execution.execution_id: execution for execution in piece.executions} | executions
    return calls, executions, state


times = st.integers(0, 5).map(lambda second: f"10:00:0{second}")
lines = st.one_of(st.builds(assistant, st.integers(0, 2), at=times), st.builds(prompt, at=times), st.just(b"not JSON"))
heads = st.sampled_from([session(), session(timestamp=stamp("10:00:03"), branchedFrom="/s/first.jsonl"), b""])


@given(head=heads, rest=st.lists(lines, max_size=20), data=st.data())
def test_any_cut_says_the_same(head: bytes, rest: list[bytes], data: st.DataObject) -> None:
    whole = [head, *rest]
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=6))
    assert said_by(whole, cuts) == said_by(whole)


def test_a_cut_would_be_seen_if_the_state_were_lost() -> None:
    whole = [session(), prompt(), assistant()]
    assert said_by(whole)[0] != said_by(whole[2:])[0]


@pytest.mark.shared_data
def test_the_recorded_cost_of_a_real_session_is_reproduced_to_the_cent_and_computed_to_the_same() -> None:
    text = (DATA / "openclaw_pi" / "before-compaction.jsonl").read_bytes()
    said = reading(*text.split(b"\n"))
    recorded = [json.loads(line, parse_float=Decimal) for line in text.split(b"\n") if b'"role":"assistant"' in line]
    total = sum(line["message"]["usage"]["cost"]["total"] for line in recorded)
    assert sum((call.cost_usd or 0 for call in said.calls), Decimal(0)) == total
    assert round(total, 7) == Decimal("42.5959075")
    assert sum(computed_nanousd(call, input_total(call))[0] or 0 for call in said.calls) == 42_595_907_500
    assert (len(recorded), len(said.calls), said.unreadable) == (484, 471, {})
