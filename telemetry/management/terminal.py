"""What commands show a person: a console, and how far a long reading has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_WIDTH = 200
_PLAIN_STEP_S = 5.0
_MIB = 2**20


def console_on(stream: OutputWrapper) -> Console:
    """A console that writes where a command writes; where that is no terminal, lines are long and plain."""
    stream.ending = ""  # rich ends its own lines
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=cast(TextIO, stream), width=width, highlight=False)


@contextmanager
def reading(console: Console, what: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` bytes have been read: a bar on a terminal, else a line every few seconds. Yields what
    has to be told of each step in bytes."""
    if not console.is_terminal:
        yield _plain_steps(console, what, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.advance(task, done)


def _plain_steps(console: Console, what: str, total: int) -> Callable[[int], None]:
    read, shown_at = 0, time.monotonic()

    def step(done: int) -> None:
        nonlocal read, shown_at
        read += done
        if time.monotonic() - shown_at >= _PLAIN_STEP_S:
            shown_at = time.monotonic()
            console.print(f"{what}: {read / _MIB:,.0f} of {total / _MIB:,.0f} MiB")

    return step
