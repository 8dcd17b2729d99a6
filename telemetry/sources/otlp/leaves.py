"""Of the spans of one trace only the leaves count: what bears tokens above tokens bears the same ones again. Pure.

Dialects know which of their own spans repeat others. This is for those that none knows, and for two libraries that
each tell the same call, one inside the other. It sees what one batch holds: a span that came before its parent did is
known only to its dialect. Source: formats.md §1; mlflow #22746 and #17852.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.records import Span, text

Read = tuple[Span, Call | Execution | None]
_Key = tuple[str, str]


def leaves(read: Sequence[Read]) -> list[Call | Execution | None]:
    """What counts of each span of a batch: `read` is each with what its dialect read in it, and also spans that mean
    nothing, for they lead from one to another. A call above another call is None. An execution whose totals stand
    alone in a trace loses them where the same program's calls are in the batch."""
    repeating = _above_calls(read)
    has_runs = any(isinstance(record, Execution) for _, record in read)
    if not repeating and not has_runs:
        return [record for _, record in read]
    callers = _callers(read) if has_runs else set()
    counted: list[Call | Execution | None] = []
    for span, record in read:
        if isinstance(record, Execution):
            is_alone = not span.parent_id and (_program(span), span.scope) in callers
            counted.append(_without_totals(record) if is_alone else record)
        else:
            counted.append(None if (span.trace_id, span.span_id) in repeating else record)
    return counted


def _callers(read: Sequence[Read]) -> set[tuple[tuple[str, str], str]]:
    return {(_program(span), span.scope) for span, record in read if isinstance(record, Call)}


def _program(span: Span) -> tuple[str, str]:
    return text(span.resource, "service.name"), text(span.resource, "service.instance.id")


def _without_totals(execution: Execution) -> Execution:
    if execution.tokens_input is None and execution.tokens_output is None:
        return execution
    return msgspec.structs.replace(execution, tokens_input=None, tokens_output=None, cache_read=None, cache_write=None)


def _above_calls(read: Sequence[Read]) -> set[_Key]:
    """The spans that have a call below them, however far. From the leaves up, so that spans that name each other as
    parents are never reached: such a circle is counted, not lost."""
    if not any(span.parent_id for span, _ in read):
        return set()
    parents = {(span.trace_id, span.span_id): (span.trace_id, span.parent_id) for span, _ in read if span.span_id}
    calls = {(span.trace_id, span.span_id) for span, record in read if isinstance(record, Call)}
    if len(calls) < 2 or parents.keys().isdisjoint(parents.values()):
        return set()
    waiting = Counter(parents.values())
    above: set[_Key] = set()
    ready = [key for key in parents if not waiting[key]]
    while ready:
        key = ready.pop()
        parent = parents[key]
        if parent not in parents:
            continue
        if key in calls or key in above:
            above.add(parent)
        waiting[parent] -= 1
        if not waiting[parent]:
            ready.append(parent)
    return above
