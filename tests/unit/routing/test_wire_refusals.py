"""What a provider's refusal means, by the bodies that providers really send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from routing.contracts import Family, Fault
from routing.wire.refusals import fault_in, fault_of

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SHARED_POOL = {
    "message": "Provider returned error",
    "code": 429,
    "metadata": {"raw": "z-ai/glm is temporarily rate-limited upstream.", "provider_name": "BaseTen"},
}
FREE_DAY = {
    "message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
    "code": 429,
    "metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795910400000"}},
}


def fault(status: int, error: Any, *, family: Family = "openai", headers: dict[str, str] | None = None) -> Fault:
    """What a refusal with this error means."""
    body = {"error": error} if family == "openai" else {"type": "error", "error": error}
    return fault_of(family, status, headers or {}, json.dumps(body).encode(), now=NOW)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (
            400,
            {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"},
            "context_length",
        ),
        (400, {"message": "maximum context length is 16384 tokens. However, you requested 99999"}, "context_length"),
        (
            400,
            {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"},
            "context_length",
        ),
        (413, {"message": "Request entity too large"}, "context_length"),
        (400, {"message": "The response was filtered", "code": "content_filter"}, "content_filter"),
        (
            403,
            {"message": "Your input was flagged", "code": 403, "metadata": {"reasons": ["violence"]}},
            "content_filter",
        ),
        (400, {"message": "Invalid 'temperature'", "type": "invalid_request_error"}, "bad_request"),
        (422, {"message": "messages: field required"}, "bad_request"),
        (404, {"message": "No endpoints found that support tool use."}, "unfit"),
        (400, {"message": "registry.ollama.ai/library/gemma does not support tools"}, "unfit"),
        (400, {"message": '"auto" tool choice requires --enable-auto-tool-choice'}, "unfit"),
        (400, {"message": "Unsupported parameter: 'top_k' is not supported with this model."}, "unfit"),
        (404, "Only 'text' content type is supported.", "unfit"),
        (404, "System message must be at the beginning.", "unfit"),
        (500, {"message": "tools param requires --jinja flag"}, "unfit"),
        (404, "Repository Not Found for url: https://x", "model_missing"),
        (404, {"message": "not found"}, "model_missing"),
        (401, {"message": "Incorrect API key provided: sk-abc***xyz"}, "account"),
        (402, {"message": "Insufficient credits", "code": 402}, "account"),
        (403, {"message": "Key limit exceeded"}, "account"),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, "account"),
        (404, {"message": "The model `x` does not exist", "code": "model_not_found"}, "model_missing"),
        (400, {"message": "qwen/nothing is not a valid model ID", "code": 400}, "model_missing"),
        (404, "model 'qwen3' not found, try pulling it first", "model_missing"),
        (429, {"message": "Rate limit reached for requests"}, "rate_limited"),
        (429, FREE_DAY, "rate_limited"),
        (429, SHARED_POOL, "upstream_limited"),
        (429, {"message": "Provider returned error", "code": 429}, "upstream_limited"),
        (500, {"message": "The server had an error"}, "server"),
        (503, {"message": "No instances available"}, "server"),
        (408, {"message": "Request timed out"}, "server"),
        (302, None, "server"),
    ],
)
def test_a_refusal_of_openais_family_is_told_by_status_code_and_words(status: int, error: Any, kind: str) -> None:
    assert fault(status, error).kind == kind


@pytest.mark.parametrize(
    ("status", "kind_said", "message", "kind"),
    [
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "context_length"),
        (400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 174167", "context_length"),
        (400, "invalid_request_error", "Your credit balance is too low to access the API", "account"),
        (400, "invalid_request_error", "This model does not support assistant message prefill.", "unfit"),
        (400, "invalid_request_error", "Output blocked by content filtering policy", "content_filter"),
        (401, "authentication_error", "invalid x-api-key", "account"),
        (404, "not_found_error", "model: claude-nothing", "model_missing"),
        (413, "request_too_large", "Request exceeds the maximum size", "context_length"),
        (429, "rate_limit_error", "This request would exceed your rate limit", "rate_limited"),
        (529, "overloaded_error", "Overloaded", "server"),
    ],
)
def test_a_refusal_of_anthropic_is_told_likewise(status: int, kind_said: str, message: str, kind: str) -> None:
    assert fault(status, {"type": kind_said, "message": message}, family="anthropic").kind == kind


def test_the_words_of_the_provider_behind_the_provider_reach_the_caller() -> None:
    assert fault(429, SHARED_POOL).message == "z-ai/glm is temporarily rate-limited upstream."
    inner = {"raw": '{"error":{"message":"too busy"}}', "provider_name": "X"}
    assert fault(429, {"message": "Provider returned error", "metadata": inner}).message == "too busy"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"Retry-After": "Sat, 28 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Sat, 28 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"Retry-After": "-4"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e999"}, None),
        ({"Retry-After": "soon"}, None),
        ({"X-RateLimit-Reset": "1795867210000"}, 10.0),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_every_spelling(headers: dict[str, str], seconds: float | None) -> None:
    assert fault(429, {"message": "slow down"}, headers=headers).retry_after_s == seconds


def test_the_moment_of_reset_in_openrouters_body_counts() -> None:
    assert fault(429, FREE_DAY).retry_after_s == 12 * 3600 + 10 - 10


def test_what_need_not_be_waited_for_bears_no_wait() -> None:
    assert fault(400, {"message": "no"}, headers={"Retry-After": "9"}).retry_after_s is None


def test_a_key_and_an_account_stand_in_no_message() -> None:
    assert "acme" not in fault(403, {"message": "The organization acme has no access"}).message
    assert "sk-" not in fault(401, {"message": "Incorrect API key provided: sk-live-123456"}).message
    assert "sk-" not in fault(400, {"message": "bad header Authorization: Bearer sk-live-123456"}).message
    assert "123456" not in fault(500, {"message": "upstream said gsk-live-123456 is late"}).message


def test_a_message_is_one_line_of_bounded_length() -> None:
    said = fault(400, {"message": "a\n\x1b[31m\tb" + "c" * 10_000}).message
    assert said.startswith("a [31m b")
    assert len(said) <= 600


@pytest.mark.parametrize(
    "body", [b"", b"<html>502 Bad Gateway</html>", b"\xff\xfe", b"[" * 10**5, b'{"error":[1]}', b'"no"']
)
@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_a_body_of_any_kind_is_a_fault_with_words(family: Family, body: bytes) -> None:
    found = fault_of(family, 502, {}, body, now=NOW)
    assert (found.kind, found.status) == ("server", 502)
    assert found.message


def test_an_error_in_an_answer_of_status_200_bears_its_own_status() -> None:
    assert fault_in("openai", {"error": SHARED_POOL}).kind == "upstream_limited"
    assert fault_in("anthropic", {"type": "error", "error": {"type": "rate_limit_error"}}).kind == "rate_limited"
    assert fault_in("openai", {"error": {"message": "broken"}}).kind == "server"
