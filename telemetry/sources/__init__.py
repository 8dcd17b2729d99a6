"""One file a source, pure: lines of a local file, or bytes from the wire, become calls and executions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct, field

from telemetry.contracts import Call, Execution

TRANSCRIPTS = frozenset({"claude-code", "codex", "gemini", "openclaw", "opencode"})  # TLOI cuts them into turns itself


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


class Unreadable(ValueError):
    """A line of the right shape that says too little, or something that cannot be stored. The text says which."""


def read_each(lines: Sequence[bytes], read_line: Callable[[bytes], None]) -> dict[str, int]:
    """Give each line that is not blank to `read_line`. How many could not be read, by reason; the others are read all
    the same. A reason names a field, and nothing of what it held."""
    unreadable: Counter[str] = Counter()
    for line in filter(None, lines):
        try:
            read_line(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Unreadable) as error:
            if line.strip():
                unreadable[reason_of(error)] += 1
    return dict(unreadable)


def refuse_nul(line: bytes, kept: object) -> None:
    """PostgreSQL keeps no NUL in a text, so nothing that is kept of a line may hold one. Raises Unreadable."""
    if b"\\u0000" in line and b"\\u0000" in msgspec.json.encode(kept):
        raise Unreadable("a NUL character in a field")


def reason_of(error: Exception) -> str:
    """Why something could not be read, without what it held."""
    return str(error) if isinstance(error, msgspec.ValidationError | Unreadable) else "not JSON"
