"""How a base URL may be written, and which are allowed."""

from __future__ import annotations

import pytest

from routing.providers.addresses import Allowed, Forbidden, check

ALLOWED = Allowed.of(("openrouter.ai", "api.openai.com"), ("127.0.0.1:8080", "vllm.lan:8000", "[::1]:8080"))


@pytest.mark.parametrize(
    "base_url",
    [
        "https://openrouter.ai/api/v1",
        "https://OPENROUTER.ai:443/api/v1",
        "http://127.0.0.1:8080/v1",
        "http://[::1]:8080/v1",
        "https://vllm.lan:8000",
    ],
)
def test_what_is_listed_may_be_asked(base_url: str) -> None:
    assert check(base_url, ALLOWED).hostname


@pytest.mark.parametrize(
    ("base_url", "says"),
    [
        ("https://example.org/v1", "TLOI_UPSTREAM_HOSTS"),
        ("https://openrouter.ai.example.org/v1", "TLOI_UPSTREAM_HOSTS"),
        ("https://openrouter.ai./v1", "TLOI_UPSTREAM_HOSTS"),
        ("https://openrouter.ai:8443/v1", "port 443"),
        ("http://openrouter.ai/v1", "TLOI_ALLOW_PRIVATE_UPSTREAM"),
        ("http://127.0.0.1:8081/v1", "127.0.0.1:8081 is not in it"),
        ("https://sk-1@openrouter.ai/v1", "no name or password"),
        ("https://openrouter.ai@127.0.0.1:8080/v1", "no name or password"),
        ("https://openrouter.ai/v1?key=1", "no ?"),
        ("https://openrouter.ai/v1?", "no ?"),
        ("https://openrouter.ai/v1#a", "no #"),
        ("https://openrouter.ai\\@127.0.0.1/v1", "backslashes"),
        ("https://openrouter.ai/\r\nHost: a", "line breaks"),
        ("https://ⓞpenrouter.ai/v1", "outside of ASCII"),
        ("https://openrouter.ai:0/v1", "begins with https://"),
        ("https://openrouter.ai:port/v1", "no base URL"),
        ("https://[::1/v1", "no base URL"),
        ("ftp://openrouter.ai/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("openrouter.ai/v1", "begins with https://"),
        ("https:///v1", "begins with https://"),
        ("https://openrouter.ai/" + "x" * 500, "line breaks"),
    ],
)
def test_what_is_not_listed_or_written_otherwise_is_refused_in_a_sentence(base_url: str, says: str) -> None:
    with pytest.raises(Forbidden) as caught:
        check(base_url, ALLOWED)
    assert says in str(caught.value)
