"""One file a dialect, pure: what an agent or a library writes into spans, logs and metrics becomes calls.

A dialect says of each record whether it is its own (`owns_span`, `owns_log`, `owns_point`), and reads those that are: a
`Call`, an `Execution`, a `MeterReading`, or None for one that counts nothing. It raises BadRecord for one that it
cannot read. The first that owns a record reads it (`reading`): agents and programs come before libraries, whose
attributes may stand on their spans, and `gen_ai`, which knows every name, comes last. Whose a span is, is told by its
scope, its name, its service and which attributes it has, never by their values: so it is asked once for all alike.
"""

from __future__ import annotations

from typing import Protocol

from telemetry.contracts import Call, Execution, MeterReading
from telemetry.sources.otlp.records import Log, Point, Span


class SpanDialect(Protocol):
    """A module of this package that reads spans."""

    NAME: str

    def owns_span(self, span: Span) -> bool: ...

    def read_span(self, span: Span) -> Call | Execution | None: ...


class LogDialect(Protocol):
    """A module of this package that reads log records."""

    NAME: str

    def owns_log(self, log: Log) -> bool: ...

    def read_log(self, log: Log) -> Call | Execution | None: ...


class PointDialect(Protocol):
    """A module of this package that reads numbers of metrics."""

    NAME: str

    def owns_point(self, point: Point) -> bool: ...

    def read_point(self, point: Point) -> MeterReading | None: ...
