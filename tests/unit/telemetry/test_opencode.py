"""opencode's messages become calls: each once, whatever forks copied, with nothing of what was said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from telemetry.contracts import Call
from telemetry.sources import Reading, opencode
from tests.opencode_data import answer, answer_v2


def row(key: str, message: Any, *, session: str = "ses_1", root: str | None = None) -> dict[str, Any]:
    """A row as the importer selects it."""
    data = message if isinstance(message, str) else json.dumps(message)
    return {"id": key, "session_id": session, "root_id": root or session, "data": data}


def reading(*rows: dict[str, Any], **state: Any) -> Reading:
    """What rows hold."""
    return opencode.read_rows(rows, file_name="opencode.db", host="laptop", state=state)


def one(*rows: dict[str, Any]) -> Call:
    """The only call of rows."""
    (call,) = reading(*rows).calls
    return call


def test_input_excludes_the_cache_and_output_includes_reasoning() -> None:
    call = one(row("msg_1", answer(output=100)))
    buckets = (call.input_uncached, call.cache_read, call.cache_write_unknown, call.output, call.reasoning)
    assert buckets == (10, 1_000, 200, 140, 40)
    assert (call.id, call.session_id, call.execution_id) == ("msg_1", "ses_1", "opencode:msg_prompt")
    assert (call.provider, call.model, call.agent, call.host) == (
        "anthropic",
        "claude-sonnet-4-5",
        "opencode",
        "laptop",
    )
    assert call.started_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert call.attributes == {"cwd": "/home/ana/shop", "mode": "build"}
    assert call.quality == ("ttl_unknown",)
    assert call.duration_ms is None


def test_a_cost_of_zero_is_no_report_and_any_other_is_an_estimate() -> None:
    assert one(row("msg_1", answer(cost=0))).cost_usd is None
    call = one(row("msg_1", answer(cost=0.0125)))
    assert (call.cost_usd, call.cost_kind) == (Decimal("0.0125"), "client_estimate")


def test_both_versions_of_a_message_come_to_the_same_call_but_for_its_name() -> None:
    first, second = one(row("msg_1", answer())), one(row("msg_2", answer_v2()))
    assert first.aliases == second.aliases
    same: dict[str, Any] = {"id": "", "execution_id": "", "attributes": None}
    assert msgspec.structs.replace(first, **same) == msgspec.structs.replace(second, **same)


def test_a_fork_copies_messages_under_new_ids_and_adds_nothing() -> None:
    parent = [row(f"msg_{n}", answer(at=n * 10_000)) for n in range(3)]
    fork = [row(f"msg_9{n}", answer(at=n * 10_000), session="ses_2") for n in range(3)]
    own = row("msg_99", answer(at=90_000), session="ses_2")
    calls = reading(*parent, *fork, own).calls
    assert [(call.id, call.session_id) for call in calls] == [
        ("msg_0", "ses_1"),
        ("msg_1", "ses_1"),
        ("msg_2", "ses_1"),
        ("msg_99", "ses_2"),
    ]


def test_a_copy_is_known_in_the_next_rows_too() -> None:
    first = reading(row("msg_1", answer()))
    assert reading(row("msg_2", answer(), session="ses_2"), **first.state).calls == ()


def test_two_messages_begun_in_the_same_millisecond_are_two_calls() -> None:
    assert len(reading(row("msg_1", answer(done=900)), row("msg_2", answer(done=901))).calls) == 2
    assert len(reading(row("msg_1", answer(output=1)), row("msg_2", answer(output=2))).calls) == 2


def test_a_message_that_is_not_finished_is_a_lower_bound_under_the_id_that_it_keeps() -> None:
    running, done = one(row("msg_1", answer(done=None))), one(row("msg_1", answer()))
    assert running.quality == ("output_lower_bound", "ttl_unknown")
    assert (running.id, running.aliases) == (done.id, ())
    assert done.aliases != ()


def test_a_subagents_session_belongs_to_the_one_that_began_it() -> None:
    call = one(row("msg_1", answer(), session="ses_child", root="ses_root"))
    assert (call.session_id, call.subagent_id) == ("ses_root", "ses_child")
    assert one(row("msg_1", answer())).subagent_id == ""


@pytest.mark.parametrize(
    "message",
    [
        {
            "role": "user",
            "time": {"created": 1},
            "model": {"providerID": "x", "modelID": "y"},
            "tokens": "of another kind",
        },
        {"role": "assistant", "time": {"created": 1}},
        answer(tokens={"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}),
        answer(tokens=None),
    ],
)
def test_messages_without_usage_count_nothing(message: dict[str, Any]) -> None:
    assert reading(row("msg_1", message)) == Reading(state={"met": {}})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "not JSON"),
        ('{"a":' * 100_000, "not JSON"),
        ("[]", "Expected `object`, got `array`"),
        (answer(tokens={"input": -1}), "Expected `int` >= 0 - at `$.tokens.input`"),
        (answer(modelID=None), "usage without a model"),
        (answer(time={"completed": 5}), "usage without a time"),
        (answer(modelID="x\0y"), "a NUL character in a field"),
        (answer(time={"created": 1e300}), "Expected `float` <= 100000000000000.0 - at `$.time.created`"),
    ],
)
def test_a_message_that_cannot_be_read_is_counted_with_its_reason(message: Any, reason: str) -> None:
    found = reading(row("msg_1", message), row("msg_2", answer()))
    assert [call.id for call in found.calls] == ["msg_2"]
    assert found.unreadable == {reason: 1}


def test_a_row_without_a_text_is_counted_with_its_reason() -> None:
    bad = {"id": "msg_1", "session_id": "ses_1", "root_id": "ses_1", "data": None}
    assert reading(bad).unreadable == {"a message that is no text": 1}


def test_fields_that_do_not_count_may_have_any_shape() -> None:
    call = one(row("msg_1", answer(path=[1], mode={"a": 1}, parentID=7, error="boom")))
    assert (call.attributes, call.execution_id, call.error_type) == (None, "", "boom")
    assert one(row("msg_1", answer(error={"name": "APIError"}))).error_type == "APIError"


def test_a_message_in_a_file_of_its_own_bears_its_id_and_session() -> None:
    data = json.dumps(answer(id="msg_1", sessionID="ses_1")).encode()
    (call,) = opencode.read_document(data, file_name="msg_1.json", host="laptop").calls
    assert call == one(row("msg_1", answer()))
    assert opencode.read_document(b"{", file_name="msg_1.json", host="laptop").unreadable == {"not JSON": 1}
    assert opencode.read_document(b"", file_name="msg_1.json", host="laptop") == Reading()


def test_nothing_that_was_said_is_kept() -> None:
    said = reading(row("msg_1", answer(system=["secret"], summary={"title": "secret"})), row("msg_2", answer_v2(at=9)))
    assert len(said.calls) == 2
    assert b"secret" not in msgspec.json.encode(said)


def test_providers_bear_the_names_that_prices_know() -> None:
    names = {
        "amazon-bedrock": "aws.bedrock",
        "google": "gcp.gemini",
        "openrouter": "openrouter",
        "github-copilot": None,
    }
    for name, known in names.items():
        assert one(row("msg_1", answer(providerID=name))).provider == (known or name)


def test_files_are_told_by_name_and_databases_come_first() -> None:
    data = Path("/home/ana/.local/share/opencode")
    message = data / "storage" / "message" / "ses_1" / "msg_1.json"
    databases = [data / "opencode.db", data / "opencode-dev.db"]
    others = [data / "opencode.db-wal", data / "auth.json", data / "storage" / "session" / "p" / "msg_1.json"]
    assert [path for path in (message, *databases, *others) if opencode.matches(path)] == [message, *databases]
    assert sorted([message, *databases], key=opencode.reading_order)[-1] == message
    assert opencode.folders({"XDG_DATA_HOME": "/data"}, Path("/home/ana")) == [Path("/data/opencode")]
    assert opencode.folders({}, Path("/home/ana")) == [data]
