"""The tokens of a skill are counted once for all processes, and by each for itself while the cache is away."""

from __future__ import annotations

import uuid

import pytest
from django.core.cache.backends.redis import RedisCache

from skills import tokens
from skills.contracts import Header, Skill
from telemetry import facade

TEXT = "Look at the indexes first. "


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are counted, in this process that knows nothing yet."""
    found: list[str] = []
    count = facade.count_text

    def note(text: str) -> int:
        found.append(text)
        return count(text)

    monkeypatch.setattr(facade, "count_text", note)
    monkeypatch.setattr(tokens, "_counted", {})
    monkeypatch.setattr(tokens, "_away_until", 0.0)
    return found


def skill() -> Skill:
    """A skill of a content of its own."""
    return Skill(header=Header(name="a", description="b"), body=TEXT, digest=uuid.uuid4().hex, size=9, root="r")


def test_what_one_process_counted_another_is_told(counted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one = skill()
    first = tokens.tokens_of(one)
    monkeypatch.setattr(tokens, "_counted", {})
    assert (tokens.tokens_of(one), counted) == (first, [TEXT])


def test_while_the_cache_is_away_each_counts_for_itself_and_asks_it_only_now_and_then(
    counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tokens.tokens_of(skill())
    away = RedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 0.5}})
    asked: list[str] = []
    get = away.get

    def note(name: str) -> object:
        asked.append(name)
        return get(name)

    monkeypatch.setattr(tokens, "cache", away)
    monkeypatch.setattr(away, "get", note)
    assert [tokens.tokens_of(skill()) for _ in range(50)] == [expected] * 50
    assert len(asked) == 1
