"""OTel's semantic conventions for generative AI, by every name they have had, and vendors' spellings of them. Pure.

Asked last: it reads what no other dialect knows. Input holds what was read from and written to a cache, output holds
reasoning. Spans of agents, workflows and tools repeat the tokens of the calls below them and count nothing.
OpenRouter's Broadcast is of this dialect, with scope and service `openrouter`: its cost is what the account was
charged. Source: formats.md §1 and §3.6.
"""

from __future__ import annotations

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.calls import (
    COST,
    INPUT,
    NO_CALLS,
    OPERATION,
    OUTPUT,
    RUNS,
    call_of,
    execution_of,
    service_of,
)
from telemetry.sources.otlp.records import Span, text

NAME = "gen_ai"
_OPENROUTER = "openrouter"
_SIGNS = (OPERATION, "gen_ai.system", "gen_ai.provider.name", "gen_ai.request.model", *INPUT, *OUTPUT, *COST)


def owns_span(span: Span) -> bool:
    """A span that says something of a model, or bears tokens or a cost, by any name."""
    return not span.attributes.keys().isdisjoint(_SIGNS)


def read_span(span: Span) -> Call | Execution | None:
    """The call of a request to a model; the execution of an agent or workflow at the root of a trace."""
    operation = text(span.attributes, OPERATION)
    if operation in NO_CALLS or operation.endswith("_memory"):
        return execution_of(span) if operation in RUNS else None
    if span.scope == _OPENROUTER or service_of(span) == _OPENROUTER:
        return call_of(span, provider=_OPENROUTER, cost_kind="provider")
    return call_of(span)
