"""From records to calls: each record goes to the first dialect that knows it. Pure.

A record that a dialect cannot read is set aside with its reason; one that nobody knows, or that counts nothing, is
none of our business. Logs come first, then spans: where an agent sends both, the ledger knows them by their id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from telemetry.contracts import Call, Execution, MeterReading
from telemetry.sources.otlp.content import with_content
from telemetry.sources.otlp.dialects import (
    LogDialect,
    PointDialect,
    SpanDialect,
    claude_code,
    codex,
    gemini,
    gen_ai,
    litellm,
    openclaw,
    openinference,
    openllmetry,
    vercel,
)
from telemetry.sources.otlp.leaves import Read, leaves
from telemetry.sources.otlp.purpose import with_purpose
from telemetry.sources.otlp.records import BadRecord, Log, Point, Span, text

SPAN_DIALECTS: tuple[SpanDialect, ...] = (
    *(claude_code, codex, gemini, openclaw, litellm),  # agents and programs, on whose spans others may write
    *(vercel, openinference, openllmetry, gen_ai),
)
LOG_DIALECTS: tuple[LogDialect, ...] = (claude_code, codex, gemini)
POINT_DIALECTS: tuple[PointDialect, ...] = (claude_code, gemini)

_MOST_KNOWN = 1024
_UNASKED: Any = object()
_owners: dict[tuple[str, str, str, tuple[str, ...]], SpanDialect | None] = {}

Said = Call | Execution | MeterReading | None


@dataclass(slots=True)
class Heard:
    """What one dialect had to say."""

    calls: list[Call] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    readings: list[MeterReading] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    def keep(self, record: Said) -> None:
        """Put a record to its likes."""
        if isinstance(record, Call):
            self.calls.append(record)
        elif isinstance(record, Execution):
            self.executions.append(record)
        elif isinstance(record, MeterReading):
            self.readings.append(record)


def read_spans(spans: Iterable[Span], *, keep_content: bool = False) -> dict[str, Heard]:
    """By dialect, what spans say; of the spans of a trace only the leaves count."""
    heard: defaultdict[str, Heard] = defaultdict(Heard)
    read: list[Read] = []
    owners: list[Heard | None] = []
    for span in spans:
        owner = record = None
        dialect = _dialect_of(span)
        if dialect is not None:
            owner = heard[dialect.NAME]
            try:
                record = with_purpose(dialect.read_span(span), span.attributes, span.resource)
                if keep_content and record is not None:
                    record = with_content(record, span.attributes)
            except BadRecord as error:
                owner.rejected.append(str(error))
        read.append((span, record))
        owners.append(owner)
    for owner, counted in zip(owners, leaves(read), strict=True):
        if owner:
            owner.keep(counted)
    return heard


def _dialect_of(span: Span) -> SpanDialect | None:
    """The first dialect that owns a span. What a span is told by (see dialects) is asked once."""
    told_by = span.scope, span.name, text(span.resource, "service.name"), tuple(span.attributes)
    owner: SpanDialect | None = _owners.get(told_by, _UNASKED)
    if owner is not _UNASKED:
        return owner
    owner = next((dialect for dialect in SPAN_DIALECTS if dialect.owns_span(span)), None)
    if len(_owners) >= _MOST_KNOWN:
        _owners.clear()
    _owners[told_by] = owner
    return owner


def read_logs(logs: Iterable[Log], *, keep_content: bool = False) -> dict[str, Heard]:
    """By dialect, what log records say."""
    heard: defaultdict[str, Heard] = defaultdict(Heard)
    for log in logs:
        for dialect in LOG_DIALECTS:
            if dialect.owns_log(log):
                said = heard[dialect.NAME]
                try:
                    record = with_purpose(dialect.read_log(log), log.attributes, log.resource)
                    said.keep(with_content(record, log.attributes) if keep_content and record is not None else record)
                except BadRecord as error:
                    said.rejected.append(str(error))
                break
    return heard


def read_points(points: Iterable[Point]) -> dict[str, Heard]:
    """By dialect, what numbers of metrics say."""
    heard: defaultdict[str, Heard] = defaultdict(Heard)
    for point in points:
        for dialect in POINT_DIALECTS:
            if dialect.owns_point(point):
                said = heard[dialect.NAME]
                try:
                    said.keep(dialect.read_point(point))
                except BadRecord as error:
                    said.rejected.append(str(error))
                break
    return heard
