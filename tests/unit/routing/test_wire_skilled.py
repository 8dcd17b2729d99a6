"""Skills in a prompt, in each protocol: behind what the system prompt was, and nothing else is touched."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from routing.contracts import Protocol
from routing.wire.skilled import asked, ends_with_user, with_skills

SKILLS = [("aria-logs", "Read.\n"), ("aria-health", "Look.")]
TEXT = '<skills>\n<skill name="aria-logs">\nRead.\n</skill>\n<skill name="aria-health">\nLook.\n</skill>\n</skills>'
USER = {"role": "user", "content": "Why?"}


@pytest.mark.parametrize(
    ("protocol", "body", "field", "expected"),
    [
        ("openai.chat", {"messages": [USER]}, "messages", [{"role": "system", "content": TEXT}, USER]),
        (
            "openai.chat",
            {"messages": [{"role": "system", "content": "Be."}, {"role": "developer", "content": "Do."}, USER]},
            "messages",
            [{"role": "system", "content": "Be."}, {"role": "developer", "content": f"Do.\n\n{TEXT}"}, USER],
        ),
        (
            "openai.chat",
            {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be."}]}, USER]},
            "messages",
            [{"role": "system", "content": [{"type": "text", "text": "Be."}, {"type": "text", "text": TEXT}]}, USER],
        ),
        ("openai.responses", {"input": "Why?"}, "instructions", TEXT),
        ("openai.responses", {"input": "Why?", "instructions": "Be."}, "instructions", f"Be.\n\n{TEXT}"),
        ("anthropic.messages", {"messages": [USER], "system": "Be."}, "system", f"Be.\n\n{TEXT}"),
        (
            "anthropic.messages",
            {"messages": [USER], "system": [{"type": "text", "text": "Be.", "cache_control": {"type": "ephemeral"}}]},
            "system",
            [
                {"type": "text", "text": "Be.", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": TEXT},
            ],
        ),
    ],
)
def test_skills_stand_behind_the_system_prompt(
    protocol: Protocol, body: dict[str, Any], field: str, expected: object
) -> None:
    before = deepcopy(body)
    longer = with_skills(protocol, body, SKILLS)
    assert longer[field] == expected
    assert {name: value for name, value in longer.items() if name != field} == {
        name: value for name, value in before.items() if name != field
    }
    assert body == before


def test_what_the_user_said_is_told_apart_from_results_of_tools() -> None:
    body: dict[str, Any] = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "First."}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "A log."}]},
            {"role": "user", "content": "x" * 3_000 + "middle" + "y" * 3_000},
        ]
    }
    first, long = asked("anthropic.messages", body)
    assert first == "First."
    assert (long[0], long[-1], "middle" in long) == ("x", "y", False)
    assert ends_with_user("anthropic.messages", body)
    assert not ends_with_user("anthropic.messages", {"messages": body["messages"][:3]})
