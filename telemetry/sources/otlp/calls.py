"""One span as one call: the names that libraries have for the same things, and what their dialects share. Pure.

Nothing of OTel's gen_ai.* is stable, and names of 2024 to 2026 stand side by side on the wire: of the names of one
thing the first that is there wins. What was said to a model and what it answered is never looked at.
Source: formats.md §1 and §9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from telemetry.contracts import MAX_TOKENS, Call, Execution, Quality
from telemetry.providers import is_identity, provider_name
from telemetry.sources.otlp.records import Attributes, BadRecord, Span, count, dollars, milliseconds, text
from telemetry.usage import uncached

INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
)
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.input_cached_tokens",
    "gen_ai.usage.input_tokens.cached",
    "llm.token_count.prompt_details.cache_read",
    "llm.token_count.prompt_details.cache_input",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.reasoning_output_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
)
RESPONSE_MODEL = ("gen_ai.response.model", "llm.response.model_name", "ai.response.model")
REQUEST_MODEL = (
    "gen_ai.request.model",
    "llm.request.model_name",
    "llm.model_name",
    "ai.model.id",
    "embedding.model_name",
)
RESPONSE_ID = ("gen_ai.response.id", "ai.response.id")
OPERATION = "gen_ai.operation.name"
PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
COST = (
    "gen_ai.cost.total_cost",
    "llm.cost.total",
    "gen_ai.usage.cost",
    "gen_ai.usage.total_cost",
    "litellm.cost.total",
)
SESSION = ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")
AGENT = ("gen_ai.agent.name", "agent.name", "traceloop.entity.name")
SERVICE_TIER = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
TTFT_S = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
TTFT_MS = ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk")

INFERENCE = frozenset(("chat", "text_completion", "generate_content", "embeddings", "completion"))
"""Operations that are a request to a model: one that reports tokens and no model cannot be read."""

RUNS = frozenset(("invoke_agent", "invoke_workflow"))
"""Operations that are a run: at the root of a trace they are an execution."""

NO_CALLS = RUNS | {"create_agent", "agent_step", "plan", "execute_tool", "fetch_response", "retrieval", "handoff"}
"""Operations that bear the tokens of others again, or should bear none: they count nothing."""

_KEPT = (
    OPERATION,
    "gen_ai.response.finish_reasons",
    "gen_ai.request.max_tokens",
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "gen_ai.request.top_k",
    "gen_ai.request.stream",
    "gen_ai.is_streaming",
    "gen_ai.request.reasoning.level",
    "gen_ai.request.reasoning_effort",
    "server.address",
)
_KEPT_LENGTH = 100
_KEPT_TOGETHER = 200
_KEPT_VALUES = 8
_TOLD = (*RESPONSE_MODEL, *REQUEST_MODEL, *PROVIDER, *AGENT, *SERVICE_TIER, "error.type")
_TOLD_LENGTH = 400
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class _There(Struct, frozen=True, gc=False):
    """Of the names of each thing, those that a span's attributes have; most have one."""

    input: tuple[str, ...]
    output: tuple[str, ...]
    cache_read: tuple[str, ...]
    cache_write: tuple[str, ...]
    reasoning: tuple[str, ...]
    cost: tuple[str, ...]
    response_id: tuple[str, ...]
    session: tuple[str, ...]
    ttft_s: tuple[str, ...]
    ttft_ms: tuple[str, ...]
    told: tuple[str, ...]
    kept: tuple[str, ...]


@lru_cache(maxsize=1024)
def _there(names: tuple[str, ...]) -> _There:
    """Spans of one program have the same attributes, so what they have is looked up once."""
    present = frozenset(names)
    every: tuple[tuple[str, ...], ...] = (INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, REASONING, COST)
    every += (RESPONSE_ID, SESSION, TTFT_S, TTFT_MS, _TOLD, _KEPT)
    return _There(*(tuple(name for name in one if name in present) for one in every))


class Counts(Struct, frozen=True, kw_only=True, gc=False):
    """Tokens as a source counts them. `is_exclusive`: its input holds no cached tokens."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_write_unknown: int = 0
    reasoning: int | None = None
    is_exclusive: bool = False

    @property
    def cached(self) -> int:
        """Input that was read from a cache or written to one."""
        return self.cache_read + self.cache_write_5m + self.cache_write_1h + self.cache_write_unknown


def counts_of(attributes: Attributes, *, is_exclusive: bool = False) -> Counts:
    """The tokens of a span by any of their names; what is not there is 0. Raises BadRecord for what is no count."""
    return _counted(attributes, _there(tuple(attributes)), is_exclusive=is_exclusive)


def _counted(attributes: Attributes, there: _There, *, is_exclusive: bool = False) -> Counts:
    return Counts(
        input=count(attributes, *there.input) or 0,
        output=count(attributes, *there.output) or 0,
        cache_read=count(attributes, *there.cache_read) or 0,
        cache_write_unknown=(count(attributes, *there.cache_write) or 0) if there.cache_write else 0,
        reasoning=count(attributes, *there.reasoning) if there.reasoning else None,
        is_exclusive=is_exclusive,
    )


def call_of(
    span: Span,
    counts: Counts | None = None,
    *,
    ids: tuple[str, ...] = (),
    quality: tuple[Quality, ...] = (),
    **known: Any,
) -> Call | None:
    """The call that a span stands for; None where it bears neither tokens nor a cost.

    `ids` are those that the dialect knows before the response's own; `known` are fields of the call that it knows
    better. Raises BadRecord for tokens without a model, where the span says that it is a request to one.
    """
    attributes = span.attributes
    there = _there(tuple(attributes))
    counts = _counted(attributes, there) if counts is None else counts
    cost = known.pop("cost_usd", None) or (cost_of(attributes) if there.cost else None)
    if not (counts.input or counts.output or counts.cached or cost):
        return None
    draft = _draft(span, there)
    model = known.pop("model", "") or draft.model
    if not model:
        if text(attributes, OPERATION) in INFERENCE or text(attributes, *there.response_id):
            raise BadRecord("tokens without a model")
        return None
    names = _names_of(span, there, ids)
    call = replace(
        _with_usage(draft, counts, quality),
        started_at=span.started_at,
        model=model,
        id=names[0] if names else "",
        aliases=names[1:],
        cost_usd=cost,
        duration_ms=duration_ms(span),
        ttft_ms=_ttft_ms(attributes) if there.ttft_s or there.ttft_ms else None,
        session_id=text(attributes, *there.session),
        execution_id=run_of(span),
        attributes=_kept(attributes, there.kept) if there.kept else None,
    )
    return replace(call, **known) if known else call


def execution_of(span: Span, **known: Any) -> Execution | None:
    """The run that the root of a trace stands for; None for a span below another. It bears no tokens: those are its
    calls'."""
    if span.parent_id or not span.trace_id:
        return None
    milliseconds_taken = duration_ms(span)
    failure = text(span.attributes, "error.type") if span.has_failed else ""
    fields: dict[str, Any] = {"agent": text(span.attributes, *AGENT) or service_of(span), **known}
    return Execution(
        started_at=span.started_at,
        execution_id=f"trace:{span.trace_id}",
        action=span.name.replace("\0", "")[:200],
        execution_time=None if milliseconds_taken is None else milliseconds_taken / 1000,
        status="failed" if span.has_failed else "done",
        errors=(failure,) if failure else (),
        session_id=text(span.attributes, *SESSION),
        **fields,
    )


def run_of(span: Span) -> str:
    """The execution that a span belongs to: its trace. A span that is the whole trace belongs to none."""
    return f"trace:{span.trace_id}" if span.parent_id and span.trace_id else ""


def service_of(span: Span) -> str:
    """The name of the program that sent a span, or "" where its SDK only says that it does not know."""
    return _service(span.resource)


def cost_of(attributes: Attributes) -> Decimal | None:
    """US dollars that the sender says a call cost, in the fewest digits that are the same number; None for none."""
    cost = dollars(attributes, *COST)
    return Decimal(repr(cost)) if cost else None


def duration_ms(span: Span) -> int | None:
    """How long a span took; None where it ends before it begins, or after more than 30 years."""
    taken = (span.duration_ns + 500_000) // 10**6
    return taken if 0 <= taken <= 10**12 else None


def _names_of(span: Span, there: _There, ids: tuple[str, ...]) -> tuple[str, ...]:
    """What a call is known by: ids that the dialect knows, the response's own, and the span's, so that a span that is
    exported again is the same call. Those that are no believable id of one response are left out."""
    own = f"span:{span.trace_id}:{span.span_id}" if span.trace_id and span.span_id else ""
    if not ids and not there.response_id:
        return (own,) if own else ()
    named = (*ids, text(span.attributes, *there.response_id, most=301))
    believed = [name for name in named if name and is_identity(name)]
    return tuple(dict.fromkeys((*believed, own) if own else believed))


def _draft(span: Span, there: _There) -> Call:
    """What a span's texts say of its call: who asked whom, where, and how it went. Spans of one program have most of
    them alike, so those that were read before are the same object."""
    resource = span.resource
    said = (*map(span.attributes.get, there.told), resource.get("service.name", ""), resource.get("host.name", ""))
    make = _drafted if _are_short(said, _TOLD_LENGTH) else _drafted.__wrapped__
    return make(there.told, said, span.has_failed)


@lru_cache(maxsize=1024)
def _drafted(names: tuple[str, ...], said: tuple[Any, ...], has_failed: bool) -> Call:
    told = dict(zip((*names, "service.name", "host.name"), said, strict=True))
    return Call(
        started_at=_NO_TIME,
        model=text(told, *RESPONSE_MODEL, *REQUEST_MODEL),
        provider=provider_name(text(told, *PROVIDER)),
        agent=text(told, *AGENT) or _service(told),
        host=text(told, "host.name"),
        service_tier=text(told, *SERVICE_TIER),
        error_type=text(told, "error.type") or ("error" if has_failed else ""),
    )


def _service(resource: Attributes) -> str:
    name = text(resource, "service.name")
    return "" if name.startswith("unknown_service") else name


def _with_usage(draft: Call, counts: Counts, quality: tuple[Quality, ...]) -> Call:
    """Apart from `call_of`, for Python makes a dict of more than 14 keywords, which takes five times as long."""
    input_uncached, proven = uncached(counts.input, counts.cached, is_exclusive=counts.is_exclusive)
    output, doubted = _output(counts)
    unknown: tuple[Quality, ...] = ("ttl_unknown",) if counts.cache_write_unknown else ()
    return replace(
        draft,
        input_uncached=input_uncached,
        cache_read=counts.cache_read,
        cache_write_5m=counts.cache_write_5m,
        cache_write_1h=counts.cache_write_1h,
        cache_write_unknown=counts.cache_write_unknown,
        output=output,
        reasoning=counts.reasoning,
        quality=(*quality, *proven, *doubted, *unknown),
    )


def _output(counts: Counts) -> tuple[int, tuple[Quality, ...]]:
    """Output with reasoning. More reasoning than output proves that the one does not hold the other."""
    if counts.reasoning is None or counts.reasoning <= counts.output:
        return counts.output, ()
    if counts.output + counts.reasoning > MAX_TOKENS:
        raise BadRecord("output and reasoning are no count from 0 to 2**53")
    return counts.output + counts.reasoning, ("output_suspect",)


def _ttft_ms(attributes: Attributes) -> int | None:
    seconds = dollars(attributes, *TTFT_S)
    return milliseconds(attributes, *TTFT_MS) if seconds is None else round(seconds * 1000)


def _kept(attributes: Attributes, names: tuple[str, ...]) -> Mapping[str, Any] | None:
    """The few attributes that are kept, each short. None of them holds what was said. Those that were kept before are
    the same object."""
    values = tuple(map(attributes.get, names))
    if _are_short(values, _KEPT_TOGETHER):
        return _shortened(names, values)
    kinds = tuple(map(type, values))  # for 1, 1.0 and True are the same key
    return (_shortened if len(repr(values)) <= _KEPT_TOGETHER else _shortened.__wrapped__)(names, values, kinds)


@lru_cache(maxsize=1024)
def _shortened(
    names: tuple[str, ...], values: tuple[Any, ...], _kinds: tuple[type, ...] = ()
) -> Mapping[str, Any] | None:
    kept: dict[str, Any] = {}
    for name, said in zip(names, values, strict=True):
        value = said
        if isinstance(value, tuple):
            value = ", ".join(one for one in value[:_KEPT_VALUES] if isinstance(one, str))
        if isinstance(value, str):
            value = value.replace("\0", "")[:_KEPT_LENGTH]
        if value and isinstance(value, str | int | float) and (not isinstance(value, float) or isfinite(value)):
            kept[name] = value
    return kept or None


def _are_short(values: Iterable[Any], most: int) -> bool:
    """Whether values are texts of so many characters in all, so that what they mean may be remembered."""
    try:
        return len("".join(values)) <= most
    except TypeError:
        return False
