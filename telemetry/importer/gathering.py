"""What is new in many files, gathered into batches: a file alone is often too small for a transaction or a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from telemetry.importer.reading import Bookmark, CannotRead, Step, steps
from telemetry.importer.registry import LocalSource
from telemetry.importer.report import Report

MOST_STEPS = 500
Batch = list[tuple[Path, Step]]


def gathered(
    source: LocalSource,
    marks: Mapping[Path, Bookmark],
    *,
    host: str,
    report: Report,
    most: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Batch]:
    """Steps of the files of `marks`, in their order, in batches of about `most` records, in which each record is
    there once: of a copy in another file the ledger has to know that it comes later. A file that cannot be read is
    noted in `report` as skipped; one that is skipped already is read no further."""
    batch: Batch = []
    held: set[str] = set()
    for path, mark in marks.items():
        try:
            for step in steps(source, path, mark, host=host, progress=progress):
                keys = _keys(step)
                if batch and (len(batch) == MOST_STEPS or len(held) + len(keys) > most or not held.isdisjoint(keys)):
                    yield batch
                    batch, held = [], set()
                if path in report.skipped:
                    break
                batch.append((path, step))
                held |= keys
        except OSError as error:
            report.skipped[path] = error.strerror or str(error)
        except CannotRead as error:
            report.skipped[path] = str(error)
    if batch:
        yield batch


def _keys(step: Step) -> set[str]:
    """The ids of what a step brings."""
    return {call.id for call in step.reading.calls} | {one.execution_id for one in step.reading.executions}


def last_steps(batch: Batch) -> dict[Path, Step]:
    """The last step of each file of a batch, in their order: its bookmark holds for them all."""
    return dict(batch)
