"""The agents whose local files can be imported: one line each, in the order in which `--all` reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemetry.sources import Reader, claude_code


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """An agent's files: how it is called, where it keeps them, in which order they are read, and who reads them.

    `folders` takes the environment and the home folder; `variable` is what changes its answer.
    """

    name: str
    title: str
    suffix: str
    variable: str
    folders: Callable[[Mapping[str, str], Path], list[Path]]
    order: Callable[[Path], Any]
    read: Reader


LOCAL_SOURCES = (
    LocalSource(
        name="claude-code",
        title="Claude Code",
        suffix=claude_code.SUFFIX,
        variable=claude_code.FOLDER_VARIABLE,
        folders=claude_code.folders,
        order=claude_code.reading_order,
        read=claude_code.read,
    ),
)
