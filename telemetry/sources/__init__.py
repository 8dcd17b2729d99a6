"""One file a source, pure: lines of a local file, or bytes from the wire, become calls and executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from telemetry.contracts import Call, Execution


class Reading(Struct, frozen=True, kw_only=True):
    """One reading of consecutive whole lines, of a document, or of some rows. Each response is there once; of its
    copies, the fullest.

    `unreadable` counts the lines (or entries, or rows) that could not be read by reason. `state` is what the next
    reading of the same file has to be given; it is small and survives JSON.
    """

    calls: tuple[Call, ...] = ()
    executions: tuple[Execution, ...] = ()
    unreadable: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


class Reader(Protocol):
    """Reads the next `lines` (without their newline) of the file `file_name`, which lies on `host`."""

    def __call__(self, lines: Sequence[bytes], *, file_name: str, host: str, state: Mapping[str, Any]) -> Reading: ...


class DocumentReader(Protocol):
    """Reads the whole file `file_name`, which lies on `host`. Bytes that are no document are counted as unreadable."""

    def __call__(self, data: bytes, *, file_name: str, host: str) -> Reading: ...


class RowReader(Protocol):
    """Reads the next rows of a database, as mappings by column. `state` lives as long as one reading of the database,
    which begins with an empty one."""

    def __call__(
        self, rows: Sequence[Mapping[str, Any]], *, file_name: str, host: str, state: Mapping[str, Any]
    ) -> Reading: ...
