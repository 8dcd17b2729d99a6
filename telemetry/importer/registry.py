"""The agents whose local files can be imported: one line each, in the order in which `--all` reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemetry.sources import Reader, claude_code, codex, gemini, openclaw


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """An agent's files: how it is called, where it keeps them, in which order they are read, and who reads them.

    `folders` takes the environment and the home folder; `variable` is what changes its answer. A file under a folder
    is the agent's where `matches` says so.
    """

    name: str
    title: str
    variable: str
    folders: Callable[[Mapping[str, str], Path], list[Path]]
    matches: Callable[[Path], bool]
    order: Callable[[Path], Any]
    read: Reader


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
)
