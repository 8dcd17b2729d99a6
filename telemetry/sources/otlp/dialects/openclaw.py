"""OpenClaw's plugin diagnostics-otel: `openclaw.model.call` a request, `openclaw.model.usage` a run. Pure.

Both bear the same tokens once. A request is a call; a run's usage is the totals of an execution, which count only
where no calls of its trace arrive. `gen_ai.usage.input_tokens` holds cached tokens here (in its metrics it does not).
Under OTel's newest names the span of a request is called `chat MODEL`; its observation unit tells it. A request of
unit `turn` is a whole turn of another agent's command line, with requests of its own inside: marked `turn_level`.
Source: formats.md §3.4; docs.openclaw.ai, "Exported spans".
"""

from __future__ import annotations

from telemetry.contracts import MAX_TOKENS, Call, Execution
from telemetry.providers import provider_name
from telemetry.sources.otlp.calls import (
    OPERATION,
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    RUNS,
    Counts,
    call_of,
    counts_of,
    execution_of,
    service_of,
)
from telemetry.sources.otlp.records import BadRecord, Span, text
from telemetry.usage import uncached

NAME = "openclaw"
_UNIT = "openclaw.model_call.observation_unit"
_MODEL = (*RESPONSE_MODEL, *REQUEST_MODEL, "openclaw.model")
_RUNS = frozenset(("openclaw.run", "openclaw.message.processed"))


def owns_span(span: Span) -> bool:
    """A span of the plugin, whatever it is called."""
    return span.scope == NAME or span.name.startswith("openclaw.") or _UNIT in span.attributes


def read_span(span: Span) -> Call | Execution | None:
    """The call of a request; the totals of a run; the execution of a run at the root of its trace."""
    agent = text(span.attributes, "openclaw.agent") or service_of(span) or NAME
    if span.name == "openclaw.model.usage":
        return _totals(span, counts_of(span.attributes), agent)
    if span.name != "openclaw.model.call" and _UNIT not in span.attributes:
        return execution_of(span, agent=agent) if span.name in _RUNS else None
    is_turn = text(span.attributes, _UNIT) == "turn" or text(span.attributes, OPERATION) in RUNS
    return call_of(
        span,
        model=text(span.attributes, *_MODEL),
        provider=provider_name(text(span.attributes, *PROVIDER, "openclaw.provider")),
        agent=agent,
        execution_id=_run(span),
        quality=("turn_level",) if is_turn else (),
    )


def _run(span: Span) -> str:
    """The execution of a request and of a run's usage: their trace, for no attribute names the run."""
    return f"trace:{span.trace_id}" if span.trace_id else ""


def _totals(span: Span, counts: Counts, agent: str) -> Execution | None:
    """A run's totals, under the trace that its requests are in. An execution's input holds cached tokens."""
    if not counts.input and not counts.output:
        return None
    inputs = uncached(counts.input, counts.cached)[0] + counts.cached
    if inputs > MAX_TOKENS:
        raise BadRecord("input and cached input are no count from 0 to 2**53")
    return Execution(
        started_at=span.started_at,
        execution_id=_run(span),
        model=text(span.attributes, *_MODEL),
        agent=agent,
        tokens_input=inputs,
        tokens_output=counts.output,
        cache_read=counts.cache_read,
        cache_write=counts.cache_write_unknown,
    )
