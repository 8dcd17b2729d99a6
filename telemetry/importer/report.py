"""What an import did, and how it is said to a person: the same words whether the database or a server took it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from telemetry.contracts import Receipt
from telemetry.importer.lines import MAX_LINE
from telemetry.importer.reading import Step, path_key
from telemetry.importer.registry import LocalSource

TOO_LONG = f"longer than {MAX_LINE >> 20} MiB"


@dataclass(slots=True)
class Report:
    """`new` records (calls; executions where a source brings those) were stored; `known` ones stand in the files that
    were named, but were stored before. `unreadable` counts lines by file and reason; `skipped` says why a file was
    not read to its end. `met` are the records of this import, so that one in two files is not taken for known."""

    files: int = 0
    changed_files: int = 0
    new: int = 0
    known: int = 0
    quarantined: int = 0
    unreadable: dict[Path, Counter[str]] = field(default_factory=dict)
    skipped: dict[Path, str] = field(default_factory=dict)
    met: set[int] = field(default_factory=set)
    duplicates: int = 0

    def take(
        self, source: LocalSource, steps: Sequence[tuple[Path, Step]], *, calls: Receipt, executions: Receipt
    ) -> list[int]:
        """Count what became of steps, whose records were taken in their order. Of the source's records that were new,
        as many for each step as it can have brought."""
        receipt = executions if source.brings == "execution" else calls
        brought = [_brought(source, step) for _, step in steps]
        self.new += receipt.accepted
        self.quarantined += calls.quarantined + executions.quarantined
        self._meet([key for keys in brought for key in keys], receipt.duplicates)
        for path, step in steps:
            self.refuse(path, TOO_LONG, step.too_long)
            for reason, lines in step.reading.unreadable.items():
                self.refuse(path, reason, lines)
        self._reject(steps, calls, lambda step: len(step.reading.calls))
        self._reject(steps, executions, lambda step: len(step.reading.executions))
        left, new = receipt.accepted, []
        for keys in brought:
            new.append(min(left, len(keys)))
            left -= new[-1]
        return new

    def _reject(self, steps: Sequence[tuple[Path, Step]], receipt: Receipt, held: Callable[[Step], int]) -> None:
        """Count refused records by the file that they came from."""
        ends = list(accumulate(held(step) for _, step in steps))
        for rejection in receipt.rejected:
            place = min(bisect_right(ends, rejection.index), len(steps) - 1)
            self.refuse(steps[place][0], rejection.reason)

    def refuse(self, path: Path, reason: str, lines: int = 1) -> None:
        """Count lines that were not stored."""
        if lines:
            self.unreadable.setdefault(path, Counter())[reason] += lines

    def _meet(self, keys: Sequence[str], duplicates: int) -> None:
        """Count the records of a step that were known before this import."""
        repeated = 0
        for key in map(hash, keys):
            repeated += key in self.met
            self.met.add(key)
        self.duplicates += max(0, duplicates - repeated)


def _brought(source: LocalSource, step: Step) -> list[str]:
    """The ids of the records that the source is counted by."""
    if source.brings == "execution":
        return [execution.execution_id for execution in step.reading.executions]
    return [call.id for call in step.reading.calls]


def sentences(source: LocalSource, report: Report) -> Iterator[str]:
    """Each file that was not read whole, why, and last the sums."""
    for path, reason in report.skipped.items():
        yield f"{path_key(path)}: not read: {reason}"
    for path, reasons in report.unreadable.items():
        for reason, lines in reasons.most_common():
            yield f"{path_key(path)}: {lines:,} unreadable: {reason}"
    unreadable = sum(sum(reasons.values()) for reasons in report.unreadable.values())
    noun = "line" if source.read else "record"
    yield (
        f"{many(report.new + report.known, source.brings)} ({report.new:,} new, {report.known:,} known),"
        f" {many(report.files, 'file')}, {many(unreadable, f'unreadable {noun}')}, {report.quarantined:,} quarantined"
    )
    if not report.changed_files and not report.skipped:
        yield f"Nothing in the files of {source.title} has changed since they were imported."


def many(number: int, noun: str) -> str:
    """A number with its noun: 1 file, 2,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
