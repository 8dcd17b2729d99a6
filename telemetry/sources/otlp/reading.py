"""From records to calls: each record goes to the first dialect that knows it. Pure.

A record that a dialect cannot read is set aside with its reason; one that nobody knows, or that counts nothing, is
none of our business. Logs come first, then spans: where an agent sends both, the ledger knows them by their id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from telemetry.contracts import Call, Execution, MeterReading
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
from telemetry.sources.otlp.records import BadRecord, Log, Point, Span

SPAN_DIALECTS: tuple[SpanDialect, ...] = (
    *(claude_code, codex, gemini, openclaw, litellm),  # agents and programs, on whose spans others may write
    *(vercel, openinference, openllmetry, gen_ai),
)
LOG_DIALECTS: tuple[LogDialect, ...] = (claude_code, codex, gemini)
POINT_DIALECTS: tuple[PointDialect, ...] = (claude_code, gemini)

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


class _Named(Protocol):
    NAME: str


Record = TypeVar("Record", Log, Point)
Dialect = TypeVar("Dialect", bound=_Named)


def read_spans(spans: Iterable[Span]) -> dict[str, Heard]:
    """By dialect, what spans say; of the spans of a trace only the leaves count."""
    heard: defaultdict[str, Heard] = defaultdict(Heard)
    read: list[Read] = []
    owners: list[Heard | None] = []
    for span in spans:
        owner = record = None
        for dialect in SPAN_DIALECTS:
            if dialect.owns_span(span):
                owner = heard[dialect.NAME]
                try:
                    record = dialect.read_span(span)
                except BadRecord as error:
                    owner.rejected.append(str(error))
                break
        read.append((span, record))
        owners.append(owner)
    for owner, counted in zip(owners, leaves(read), strict=True):
        if owner:
            owner.keep(counted)
    return heard


def read_logs(logs: Iterable[Log]) -> dict[str, Heard]:
    """By dialect, what log records say."""
    return _read(logs, LOG_DIALECTS, lambda one, log: one.owns_log(log), lambda one, log: one.read_log(log))


def read_points(points: Iterable[Point]) -> dict[str, Heard]:
    """By dialect, what numbers of metrics say."""
    return _read(
        points, POINT_DIALECTS, lambda one, point: one.owns_point(point), lambda one, point: one.read_point(point)
    )


def _read(
    records: Iterable[Record],
    dialects: tuple[Dialect, ...],
    owns: Callable[[Dialect, Record], bool],
    read: Callable[[Dialect, Record], Said],
) -> dict[str, Heard]:
    heard: defaultdict[str, Heard] = defaultdict(Heard)
    for record in records:
        for dialect in dialects:
            if owns(dialect, record):
                said = heard[dialect.NAME]
                try:
                    said.keep(read(dialect, record))
                except BadRecord as error:
                    said.rejected.append(str(error))
                break
    return heard
