"""OpenLLMetry (Traceloop), versions of 2024 to 0.62: OTel's names and older ones of its own. Pure.

Input holds cached tokens, for Anthropic too. Its spans of workflows, tasks, agents and tools count nothing. OTel's own
instrumentations have scopes of the same beginning and are read alike.
Its instrumentation of Anthropic adds the output that a stream begins with to the stream's cumulative count: each
streamed call bears 1 to 8 tokens too many. What was added is not told, so the call is kept as it is and marked
`output_suspect`. Source: formats.md §1; measured on 386 recorded responses.
"""

from __future__ import annotations

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.calls import NO_CALLS, OPERATION, PROVIDER, RUNS, call_of, execution_of
from telemetry.sources.otlp.records import Attributes, Span, text

NAME = "openllmetry"
_SCOPES = ("opentelemetry.instrumentation.", "@traceloop/", "traceloop.")
_SIGNS = ("traceloop.span.kind", "traceloop.workflow.name", "traceloop.entity.name")
_RUNS = frozenset(("workflow", "agent"))
_IS_STREAMING = ("gen_ai.is_streaming", "llm.is_streaming")


def owns_span(span: Span) -> bool:
    """A span of one of its instrumentations, or within one of its workflows."""
    return span.scope.startswith(_SCOPES) or not span.attributes.keys().isdisjoint(_SIGNS)


def read_span(span: Span) -> Call | Execution | None:
    """The call of a request to a model; the execution of a workflow or agent at the root of a trace."""
    kind = text(span.attributes, "traceloop.span.kind").lower()
    operation = text(span.attributes, OPERATION)
    if kind or operation in NO_CALLS:
        return execution_of(span) if kind in _RUNS or operation in RUNS else None
    return call_of(span, quality=("output_suspect",) if _counts_too_much(span.attributes) else ())


def _counts_too_much(attributes: Attributes) -> bool:
    is_streaming = any(str(attributes.get(name)).lower() == "true" for name in _IS_STREAMING)
    return is_streaming and text(attributes, *PROVIDER).lower() == "anthropic"
