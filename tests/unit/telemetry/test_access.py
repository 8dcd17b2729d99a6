"""Limits that need no cache, and keys that are refused before the database is asked."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime

import pytest

from telemetry.access.keys import BadKey, authenticate
from telemetry.access.ratelimit import Limiter, TooManyRequests

NOW = datetime(2026, 11, 20, 14, 3, 7, tzinfo=UTC)
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tloi_",
        "tloi_aaaaaaaa_",
        "TLOI_aaaaaaaa_" + "b" * 43,
        "tloi_aaaaaaaa_" + "b" * 42,
        "tloi_aaaaaaaa_" + "b" * 44,
        "tloi_AAAAAAAA_" + "b" * 43,
        "tloi_aaaaaaaa_" + "b" * 42 + "'",
        "tloi_aaaaaaaa_" + "b" * 43 + "\n",
    ],
)
def test_what_is_not_shaped_like_a_key_costs_no_question_to_the_database(text: str) -> None:
    with pytest.raises(BadKey, match="not an API key"):
        authenticate(text, now=NOW)


def test_no_limit_asks_no_cache() -> None:
    Limiter(NOWHERE).admit("a", limit=0, now=NOW, fail_open=False)


def test_without_a_cache_facts_come_in_and_passwords_do_not() -> None:
    limiter = Limiter(NOWHERE)
    limiter.admit("key:1", limit=1, now=NOW)
    limiter.admit("key:1", limit=1, now=NOW)
    with pytest.raises(TooManyRequests) as refused:
        limiter.admit("login:a", limit=5, now=NOW, fail_open=False)
    assert refused.value.retry_after == 53


def test_a_cache_that_failed_is_left_alone_for_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limiter = Limiter(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        limiter.admit("key:1", limit=1, now=NOW)
        begin = time.monotonic()
        for _ in range(1000):
            limiter.admit("key:1", limit=1, now=NOW)
        assert time.monotonic() - begin < 0.2
