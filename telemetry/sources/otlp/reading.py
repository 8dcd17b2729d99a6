"""From records to calls: each record goes to the first dialect that knows it. Pure.

A record that a dialect cannot read is set aside with its reason; one that nobody knows, or that counts nothing, is
none of our business. Logs come first, then spans: where an agent sends both, the ledger knows them by their id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.dialects import LogDialect, SpanDialect, claude_code, codex, gemini
from telemetry.sources.otlp.records import BadRecord, Log, Span

SPAN_DIALECTS: tuple[SpanDialect, ...] = (claude_code, codex, gemini)
LOG_DIALECTS: tuple[LogDialect, ...] = (claude_code, codex, gemini)


@dataclass(slots=True)
class Heard:
    """What one dialect had to say."""

    calls: list[Call] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    def keep(self, record: Call | Execution | None) -> None:
        """Put a record to its likes."""
        if isinstance(record, Call):
            self.calls.append(record)
        elif isinstance(record, Execution):
            self.executions.append(record)


class _Named(Protocol):
    NAME: str


Record = TypeVar("Record", Span, Log)
Dialect = TypeVar("Dialect", bound=_Named)


def read_spans(spans: Iterable[Span]) -> dict[str, Heard]:
    """By dialect, what spans say."""
    return _read(spans, SPAN_DIALECTS, lambda one, span: one.owns_span(span), lambda one, span: one.read_span(span))


def read_logs(logs: Iterable[Log]) -> dict[str, Heard]:
    """By dialect, what log records say."""
    return _read(logs, LOG_DIALECTS, lambda one, log: one.owns_log(log), lambda one, log: one.read_log(log))


def _read(
    records: Iterable[Record],
    dialects: tuple[Dialect, ...],
    owns: Callable[[Dialect, Record], bool],
    read: Callable[[Dialect, Record], Call | Execution | None],
) -> dict[str, Heard]:
    heard: dict[str, Heard] = {}
    for record in records:
        for dialect in dialects:
            if owns(dialect, record):
                said = heard.setdefault(dialect.NAME, Heard())
                try:
                    said.keep(read(dialect, record))
                except BadRecord as error:
                    said.rejected.append(str(error))
                break
    return heard
