"""OpenInference (Arize): `llm.token_count.*` on spans of kind LLM and EMBEDDING. Pure.

Prompt holds cached tokens and completion holds reasoning, for Anthropic too. Agents and chains repeat the tokens of
the calls below them. No attribute tells the response's id, so that the same call told by another library as well is
known as one only by the trace it is in. Source: formats.md §1; openinference-semantic-conventions 0.1.42.
"""

from __future__ import annotations

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.calls import call_of, execution_of
from telemetry.sources.otlp.records import Span, text

NAME = "openinference"
_KIND = "openinference.span.kind"
_SIGNS = (_KIND, "llm.token_count.prompt", "llm.token_count.completion")
_CALLS = frozenset(("", "LLM", "EMBEDDING"))
_RUNS = frozenset(("AGENT", "CHAIN"))


def owns_span(span: Span) -> bool:
    """A span that says its kind in OpenInference's way, or bears its counts."""
    return not span.attributes.keys().isdisjoint(_SIGNS) or span.scope.startswith("openinference.")


def read_span(span: Span) -> Call | Execution | None:
    """The call of a span of kind LLM or EMBEDDING; the execution of an agent or chain at the root of a trace."""
    kind = text(span.attributes, _KIND).upper()
    if kind in _CALLS:
        return call_of(span)
    return execution_of(span) if kind in _RUNS else None
