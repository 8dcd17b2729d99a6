"""The agents whose local files can be imported: one entry each, in the order in which `--all` reads them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from telemetry.importer import databases
from telemetry.sources import (
    DocumentReader,
    Reader,
    RowReader,
    claude_code,
    codex,
    gemini,
    openclaw,
    opencode,
    orchestrate,
)

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """An agent's files: how it is called, where it keeps them, in which order they are read, and who reads them.

    `folders` takes the environment and the home folder; `variable` is what changes its answer. A file under a folder
    is the agent's where `matches` says so. A source has one or more readers: `read` for lines, which go on from where
    they were left; `read_document` for a file that is one JSON value, and `read_rows` for what `rows` selects from an
    SQLite database, both read whole whenever they changed. `brings` is what the report counts.
    """

    name: str
    title: str
    variable: str
    folders: Callable[[Mapping[str, str], Path], list[Path]]
    matches: Callable[[Path], bool]
    order: Callable[[Path], Any]
    read: Reader | None = None
    read_document: DocumentReader | None = None
    read_rows: RowReader | None = None
    rows: Callable[[sqlite3.Connection], Iterator[Rows]] | None = None
    brings: Literal["call", "execution"] = "call"


LOCAL_SOURCES = (
    LocalSource(
        name="claude-code",
        title="Claude Code",
        variable=claude_code.FOLDER_VARIABLE,
        folders=claude_code.folders,
        matches=claude_code.matches,
        order=claude_code.reading_order,
        read=claude_code.read,
    ),
    LocalSource(
        name="codex",
        title="Codex CLI",
        variable=codex.FOLDER_VARIABLE,
        folders=codex.folders,
        matches=codex.matches,
        order=codex.reading_order,
        read=codex.read,
    ),
    LocalSource(
        name="gemini",
        title="Gemini CLI",
        variable=gemini.FOLDER_VARIABLE,
        folders=gemini.folders,
        matches=gemini.matches,
        order=gemini.reading_order,
        read=gemini.read,
    ),
    LocalSource(
        name="openclaw",
        title="OpenClaw and pi",
        variable=openclaw.FOLDER_VARIABLE,
        folders=openclaw.folders,
        matches=openclaw.matches,
        order=openclaw.reading_order,
        read=openclaw.read,
    ),
    LocalSource(
        name="opencode",
        title="opencode",
        variable=opencode.FOLDER_VARIABLE,
        folders=opencode.folders,
        matches=opencode.matches,
        order=opencode.reading_order,
        read_document=opencode.read_document,
        read_rows=opencode.read_rows,
        rows=databases.opencode_rows,
    ),
    LocalSource(
        name="orchestrate",
        title="OrchestrateOS",
        variable=orchestrate.FOLDER_VARIABLE,
        folders=orchestrate.folders,
        matches=orchestrate.matches,
        order=orchestrate.reading_order,
        read_document=orchestrate.read_document,
        brings="execution",
    ),
)
SOURCES = {source.name: source for source in LOCAL_SOURCES}
