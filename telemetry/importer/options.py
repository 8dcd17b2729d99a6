"""The words of `tloi import` that mean the same with a server and without one, and what they ask for."""

from __future__ import annotations

import contextlib
import os
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from telemetry.importer.files import Find, find
from telemetry.importer.reading import stamps
from telemetry.importer.registry import LOCAL_SOURCES, SOURCES, LocalSource

EVERY_S = 5.0


class BadWords(ValueError):
    """The command line does not say whose files to read; the text says what it may."""


def add_words(parser: ArgumentParser) -> None:
    """What to read, whether to go on, and where it is sent instead of into this machine's database."""
    parser.add_argument("source", nargs="?", choices=sorted(SOURCES), help="whose files to read")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files and folders; default: the usual")
    parser.add_argument("--all", action="store_true", dest="is_all", help="every agent's usual folders")
    parser.add_argument("--watch", action="store_true", help="go on until Ctrl-C: read what is new every few seconds")
    parser.add_argument("--every", type=_seconds, default=EVERY_S, metavar="SECONDS", help="how often --watch looks")
    parser.add_argument("--to", metavar="URL", help="send to the server at URL instead; also TLOI_URL")
    parser.add_argument("--key", metavar="KEY", help="the API key for --to, which may send; also TLOI_API_KEY")


def _seconds(said: str) -> float:
    """A time to wait. Raises ValueError, of which argparse makes a sentence."""
    seconds = float(said)
    if not 0 < seconds <= 86_400:
        raise ValueError(said)
    return seconds


def asked_sources(options: dict[str, Any]) -> tuple[LocalSource, ...]:
    """Whose files to read. Raises BadWords."""
    if options["is_all"] == bool(options["source"]):
        raise BadWords(f"Say whose files to read ({', '.join(sorted(SOURCES))}), or --all.")
    return LOCAL_SOURCES if options["is_all"] else (SOURCES[options["source"]],)


def asked_files(options: dict[str, Any]) -> list[Find]:
    """The files of each source that was asked for. Raises BadWords, MissingPath."""
    named = options["paths"]
    return [find(source, named=named, environment=os.environ, home=Path.home()) for source in asked_sources(options)]


Seen = dict[Path, list[tuple[int, int]]]


def has_changed(finds: Iterable[Find], seen: Seen) -> bool:
    """Whether a file is new, or has another size or time than in `seen`, which is brought up to date."""
    now: Seen = {}
    for file in (file for found in finds for file in found.files):
        with contextlib.suppress(OSError):
            now[file] = stamps(file)
    changed = now != seen
    seen.clear()
    seen.update(now)
    return changed


def again_and_again(turn: Callable[[bool], None], *, every: float, sleep: Callable[[float], None]) -> None:
    """Call `turn` for ever, `every` so many seconds, told whether it is the first time. Ctrl-C ends it, between turns
    or within one."""
    is_first = True
    try:
        while True:
            turn(is_first)
            is_first = False
            sleep(every)
    except KeyboardInterrupt:
        return
