"""What a provider's refusal means: its status, headers and body to one Fault. Pure: `now` is passed in.

What each kind stands for is in routing.contracts, and what follows from it is the ladder's. Sources: gateways.md §3,
§6.3; OpenRouter's errors (`metadata.raw`, `provider_name`, `limit_source`); Anthropic's error types; the words by
which OpenAI, Anthropic, vLLM, llama.cpp, Ollama and OpenRouter say that a request is too long.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from routing.contracts import Family, Fault, FaultKind
from routing.wire.bodies import Body, object_of, read_object, text_of

_LONGEST = 600
_ACCOUNT = "The provider did not accept this gateway's key or account."
_UPSTREAM = "provider returned error"
_TOO_LONG = re.compile(
    r"context[_ ](?:length|window|limit|size)|maximum (?:context|prompt|input) length|prompt (?:is|was) too long"
    r"|too many (?:input )?tokens|input (?:is|length).{0,40}(?:too long|exceed)|max_model_len|reduce the length"
    r"|exceeds? (?:the )?(?:model'?s? )?(?:maximum|context|available context)|token limit exceeded",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[_ ](?:filter|policy|management)|content_policy_violation|responsibleaipolicyviolation|moderation"
    r"|input was flagged|flagged (?:as|for)|safety (?:system|policy|reasons)|prohibited_content|data_inspection_failed",
    re.IGNORECASE,
)
_POOR = re.compile(
    r"insufficient[_ ](?:quota|credits|balance|funds)|credit balance|billing|exceeded your current quota"
)
_NO_MODEL = re.compile(
    r"model[_ ]not[_ ]found|not a valid model|no endpoints found|(?:unknown|invalid) model"
    r"|model\b.{0,120}\b(?:does not exist|not found|is not available|is not supported)",
    re.IGNORECASE,
)
# What one server cannot take and another may: pictures, tools, an order of roles that its template does not know.
_UNFIT = re.compile(
    r"no endpoints found (?:that support|matching)|\b(?:does not|doesn't|do not) support\b"
    r"|\bunsupported (?:parameter|value)"
    r"|is not supported (?:with|by|for|in) |only '?text'? content|not a multimodal model|jinja|chat template"
    r"|roles must alternate|tool choice requires|prefill is not supported",
    re.IGNORECASE,
)
# mlx-lm says 404 of whatever goes wrong before its first token; of a model that is gone it says one of these.
_ABOUT_MODEL = re.compile(r"model|not found|repositor|no such|path|url|file|endpoint|route|exist", re.IGNORECASE)
_SECRETS = re.compile(r"\b(?:sk|gsk|xai|pk|rk|or|key)-[\w*.…-]{6,}|\bBearer\s+\S+", re.IGNORECASE)
_BY_TYPE: dict[str, tuple[int, FaultKind]] = {  # Anthropic's types, which say more than a status of 200 inside a stream
    "overloaded_error": (529, "server"),
    "api_error": (500, "server"),
    "timeout_error": (504, "server"),
    "rate_limit_error": (429, "rate_limited"),
    "authentication_error": (401, "account"),
    "permission_error": (403, "account"),
    "billing_error": (402, "account"),
    "not_found_error": (404, "model_missing"),
    "request_too_large": (413, "context_length"),
}
_BY_STATUS: dict[int, FaultKind] = {
    401: "account",
    402: "account",
    403: "account",
    404: "model_missing",
    405: "model_missing",
    408: "server",
    413: "context_length",
    425: "server",
    429: "rate_limited",
}


class _Refusal(Struct):
    status: int
    kind: str  # the provider's type or code, in lower case
    message: str
    reason: str  # what the provider behind the provider said
    metadata: Body


def fault_of(family: Family, status: int, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Fault:
    """What an answer that is no success means. `headers` in any case; `body` may be anything at all."""
    parsed = read_object(body)
    plain = "" if parsed is not None else body[:_LONGEST].decode("utf-8", "replace")
    named = {name.lower(): value for name, value in headers.items()}
    return _judged(_refusal(family, status, parsed or {}, plain), named, now)


def fault_in(family: Family, event: Body) -> Fault:
    """What an error means that comes inside a stream, or in the body of an answer of status 200."""
    return _judged(_refusal(family, 0, event, ""), {}, None)


def _refusal(family: Family, status: int, body: Body, plain: str) -> _Refusal:
    """The error in a body, whichever of the usual shapes it has: {"error": {…}}, {"error": "…"}, {"message": "…"}."""
    inner = body.get("error", body)
    error = object_of(inner)
    metadata = object_of(error.get("metadata"))
    message = text_of(inner) or text_of(error.get("message")) or text_of(body.get("detail")) or plain
    code = error.get("code", body.get("code"))
    kind = " ".join(text_of(one) for one in (error.get("type"), code, metadata.get("error_type"))).lower().strip()
    if type(code) is int and 400 <= code < 600 and status < 400:
        status = code
    if status < 400 and family == "anthropic":
        status = _BY_TYPE.get(text_of(error.get("type")), (status, ""))[0]
    return _Refusal(status or 500, kind, message, _behind(metadata.get("raw")), metadata)


def _behind(raw: object) -> str:
    """The words of a provider behind the provider: OpenRouter hands its body on as text, JSON or not."""
    said = text_of(raw)
    inner = read_object(said.encode("utf-8", "replace")) if said.startswith("{") else None
    if inner is None:
        return said
    error = object_of(inner.get("error", inner))
    return text_of(inner.get("error")) or text_of(error.get("message")) or said


def _judged(refusal: _Refusal, headers: Mapping[str, str], now: datetime | None) -> Fault:
    kind = _kind(refusal)
    message = refusal.message
    if refusal.reason and (not message or message.lower().startswith(_UPSTREAM)):
        message = refusal.reason
    wait = _retry_after(headers, refusal.metadata, now) if kind in _WAITING else None
    return Fault(
        kind=kind,
        message=_ACCOUNT if kind == "account" else readable(message) or f"The provider answered {refusal.status}.",
        status=refusal.status,
        retry_after_s=wait,
    )


def _kind(refusal: _Refusal) -> FaultKind:
    status, words = refusal.status, f"{refusal.kind} {refusal.message} {refusal.reason}"
    if status == 429:
        return _limited(refusal, words)
    if status in (400, 404, 422, 500, 501) and _is_unfit(status, words):
        return "unfit"
    if status >= 500 or status < 400:
        return "server"
    if refusal.metadata.get("reasons") or refusal.metadata.get("flagged_input"):
        return "content_filter"  # OpenRouter's moderation, which comes as 403
    if status in (400, 403, 422) and _FILTERED.search(words):
        return "content_filter"
    if status in (400, 413, 422) and _TOO_LONG.search(words):
        return "context_length"
    if status == 400 and _POOR.search(words):
        return "account"
    if status in (400, 422) and _NO_MODEL.search(words):
        return "model_missing"
    return _BY_STATUS.get(status, "bad_request")


def _is_unfit(status: int, words: str) -> bool:
    if _FILTERED.search(words) or _TOO_LONG.search(words):
        return False
    return bool(_UNFIT.search(words)) or (status == 404 and bool(words.strip()) and not _ABOUT_MODEL.search(words))


def _limited(refusal: _Refusal, words: str) -> FaultKind:
    """Whose limit a 429 is: an empty purse is the account's, not the minute's; and what a provider behind the provider
    refuses says nothing of the account (hermes-agent #55580)."""
    if _POOR.search(words):
        return "account"
    metadata = refusal.metadata
    is_behind = refusal.message.lower().startswith(_UPSTREAM) or "provider_name" in metadata or "raw" in metadata
    return "upstream_limited" if is_behind else "rate_limited"


_WAITING: frozenset[FaultKind] = frozenset(("rate_limited", "upstream_limited", "server"))


def _retry_after(headers: Mapping[str, str], metadata: Body, now: datetime | None) -> float | None:
    """Seconds that the provider asks to wait: `retry-after-ms`, Retry-After in seconds or as a date, or OpenRouter's
    X-RateLimit-Reset, which is a moment in milliseconds and may stand in the body."""
    if (precise := _seconds(headers.get("retry-after-ms"))) is not None:
        return precise / 1000
    asked = headers.get("retry-after")
    if (plain := _seconds(asked)) is not None:
        return plain
    if now is None:
        return None
    if asked:
        try:
            when = parsedate_to_datetime(asked)
        except ValueError:
            return None
        return max((when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds(), 0.0)
    inside = {name.lower(): value for name, value in object_of(metadata.get("headers")).items()}
    reset = _seconds(inside.get("x-ratelimit-reset", headers.get("x-ratelimit-reset")))
    is_moment = reset is not None and 1e12 < reset < 1e13
    return max(reset / 1000 - now.timestamp(), 0.0) if reset is not None and is_moment else None


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def readable(message: str) -> str:
    """A provider's words as a caller may read them: one line, no key, not longer than a few sentences."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in message[: 2 * _LONGEST]).split())
    return _SECRETS.sub("[key]", line)[:_LONGEST]
