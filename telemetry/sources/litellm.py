"""LiteLLM's webhook (`callback_type: generic_api`): one StandardLoggingPayload a request becomes one call. Pure.

`prompt_tokens` holds cached tokens, whoever the provider is; `metadata.usage_object` tells them apart. The id is
LiteLLM's own, by which its spans know the call too; the response's id is another name. An answer from LiteLLM's own
cache, a request that failed without tokens, and a tool of a server cost nothing and are no calls. Messages and
responses are never looked at. Source: formats.md §3.5; litellm 1.106.2.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from telemetry.contracts import Call, Tokens
from telemetry.providers import is_identity, provider_name
from telemetry.usage import uncached

AGENT = "litellm"
_LABEL = 200
_UUID = 36
_LONGEST_LENIENT = 2**20
_Seconds = Annotated[float, Meta(ge=0, le=253_402_300_799)]
_Dollars = Annotated[float, Meta(ge=0, le=10**6)]
_TOOLS = frozenset(("call_mcp_tool", "list_mcp_tools"))


class BadPayload(ValueError):
    """A payload that says too little to be counted."""


class _CacheWrites(Struct):
    ephemeral_5m_input_tokens: Tokens | None = None
    ephemeral_1h_input_tokens: Tokens | None = None


class _PromptDetails(Struct):
    cached_tokens: Tokens | None = None
    cache_creation_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    cache_creation_token_details: _CacheWrites | None = None


class _CompletionDetails(Struct):
    reasoning_tokens: Tokens | None = None


class _Usage(Struct):
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    service_tier: str | None = None


class _Metadata(Struct):
    usage_object: _Usage | None = None
    user_api_key_alias: str | None = None
    user_api_key_team_alias: str | None = None


class _Error(Struct):
    error_class: str | None = None


class _Payload(Struct):
    start_time: _Seconds = field(name="startTime")
    id: str | None = None
    litellm_call_id: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    call_type: str | None = None
    status: str | None = None
    stream: bool | None = None
    cache_hit: bool | str | None = None
    custom_llm_provider: str | None = None
    model: str | None = None
    model_group: str | None = None
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    response_cost: _Dollars | None = None
    end_time: _Seconds | None = field(default=None, name="endTime")
    completion_start_time: _Seconds | None = field(default=None, name="completionStartTime")
    metadata: _Metadata | None = None
    error_information: _Error | None = None


_payload = msgspec.json.Decoder(_Payload)


def read(item: bytes) -> Call | None:
    """The call of one payload, or None for one that is no call. Raises ValueError (of which BadPayload,
    msgspec's errors and UnicodeDecodeError are kinds) and RecursionError."""
    payload = _decode(item)
    if payload.cache_hit in (True, "True", "true") or payload.call_type in _TOOLS:
        return None
    if not (payload.prompt_tokens or payload.completion_tokens or payload.response_cost):
        return None
    model = _label(payload.model).removeprefix(f"{payload.custom_llm_provider or ''}/")
    if not model:
        raise BadPayload("tokens or a cost without a model")
    metadata = payload.metadata or _Metadata()
    names = [name for name in (payload.litellm_call_id or "", payload.id or "") if is_identity(name)]
    return Call(
        started_at=datetime.fromtimestamp(payload.start_time, UTC),
        model=model,
        id=names[0] if names else "",
        aliases=tuple(dict.fromkeys(names[1:])),
        provider=provider_name(_label(payload.custom_llm_provider)),
        output=payload.completion_tokens or 0,
        cost_usd=Decimal(repr(payload.response_cost)) if payload.response_cost else None,
        duration_ms=_between_ms(payload.start_time, payload.end_time),
        ttft_ms=_between_ms(payload.start_time, payload.completion_start_time) if payload.stream else None,
        agent=_label(metadata.user_api_key_alias) or _label(metadata.user_api_key_team_alias) or AGENT,
        session_id=_session(payload),
        error_type=_failure(payload),
        attributes=_attributes(payload),
        **_counts(payload, metadata.usage_object or _Usage()),
    )


def _decode(item: bytes) -> _Payload:
    """A payload, even where a message holds NaN or half a character: LiteLLM writes what Python's `json` writes."""
    try:
        return _payload.decode(item)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if len(item) > _LONGEST_LENIENT:
            raise
        try:
            lenient = json.loads(item)
        except ValueError:
            lenient = None
        if lenient is None:
            raise
        return msgspec.convert(lenient, _Payload)


def _counts(payload: _Payload, usage: _Usage) -> dict[str, Any]:
    """The input buckets of a call, and what else its usage tells."""
    prompt = usage.prompt_tokens_details or _PromptDetails()
    split = prompt.cache_creation_token_details or _CacheWrites()
    read_ = prompt.cached_tokens or usage.cache_read_input_tokens or 0
    write_5m, write_1h = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
    written = prompt.cache_creation_tokens or prompt.cache_write_tokens or usage.cache_creation_input_tokens or 0
    write_unknown = max(0, written - write_5m - write_1h)
    cached = read_ + write_5m + write_1h + write_unknown
    input_uncached, quality = uncached(payload.prompt_tokens or 0, cached)
    return {
        "input_uncached": input_uncached,
        "cache_read": read_,
        "cache_write_5m": write_5m,
        "cache_write_1h": write_1h,
        "cache_write_unknown": write_unknown,
        "reasoning": usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None,
        "service_tier": _label(usage.service_tier),
        "quality": (*quality, "ttl_unknown") if write_unknown else quality,
    }


def _session(payload: _Payload) -> str:
    """The session that was named. LiteLLM puts it into `trace_id` unless told otherwise, and where none was named, a
    random UUID that is another for each request."""
    named = payload.trace_id or ""
    is_random = len(named) == _UUID and named.count("-") == 4
    return _label(payload.session_id) or ("" if is_random else _label(named))


def _failure(payload: _Payload) -> str:
    if payload.status != "failure":
        return ""
    return _label(payload.error_information.error_class if payload.error_information else "") or "error"


def _attributes(payload: _Payload) -> dict[str, Any] | None:
    named = (("call_type", _label(payload.call_type)), ("model_group", _label(payload.model_group)))
    return {name: value for name, value in named if value} or None


def _label(said: str | None) -> str:
    return (said or "").replace("\0", "")[:_LABEL].encode("utf-8", "replace").decode()


def _between_ms(start: float, end: float | None) -> int | None:
    taken = -1 if end is None else round((end - start) * 1000)
    return taken if 0 <= taken <= 10**12 else None
