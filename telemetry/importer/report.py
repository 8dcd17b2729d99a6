"""What an import did, and how it is said to a person: the same words whether the database or a server took it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from telemetry.contracts import Receipt
from telemetry.importer.lines import MAX_LINE
from telemetry.importer.reading import Bookmark, Step, path_key
from telemetry.importer.registry import LocalSource

TOO_LONG = f"longer than {MAX_LINE >> 20} MiB"


@dataclass(slots=True)
class Report:
    """`new` records (calls; executions where a source brings those, and then changed ones too) were stored; `known`
    ones stand in the files that were named, but were stored before. `unreadable` counts lines by file and reason;
    `skipped` says why a file was not read to its end. `met` are the records of this import, so that one in two files
    is not taken for known."""

    files: int = 0
    changed: set[Path] = field(default_factory=set)
    new: int = 0
    known: int = 0
    quarantined: int = 0
    unreadable: dict[Path, Counter[str]] = field(default_factory=dict)
    skipped: dict[Path, str] = field(default_factory=dict)
    met: set[int] = field(default_factory=set)
    duplicates: int = 0

    def shares(self, source: LocalSource, steps: Sequence[tuple[Path, Step]], receipt: Receipt) -> Counter[Path]:
        """How many records more each file's bookmark stands for. Of new calls as many as its steps can have brought;
        of executions those that this import had not met."""
        shares: Counter[Path] = Counter()
        left = receipt.accepted
        for path, step in steps:
            if source.brings == "execution":
                shares[path] += sum(hash(one.execution_id) not in self.met for one in step.reading.executions)
            else:
                share = min(left, len(step.reading.calls))
                shares[path] += share
                left -= share
        return shares

    def take(
        self, source: LocalSource, steps: Sequence[tuple[Path, Step]], *, calls: Receipt, executions: Receipt
    ) -> None:
        """Count what became of steps, whose records were taken in their order."""
        self.quarantined += calls.quarantined + executions.quarantined
        for path, step in steps:
            self.changed.add(path)
            self._refuse(path, TOO_LONG, step.too_long)
            for reason, lines in step.reading.unreadable.items():
                self._refuse(path, reason, lines)
        self._reject(steps, calls, lambda step: len(step.reading.calls))
        self._reject(steps, executions, lambda step: len(step.reading.executions))
        is_run = source.brings == "execution"
        receipt = executions if is_run else calls
        keys = (
            [one.execution_id for _, step in steps for one in step.reading.executions]
            if is_run
            else [call.id for _, step in steps for call in step.reading.calls]
        )
        repeated = sum(map(self._is_met, keys))
        # A run that only completes what another file of this import says is none more.
        self.new += max(0, receipt.accepted - repeated) if is_run else receipt.accepted
        self.duplicates += max(0, receipt.duplicates - repeated)

    def settle(self, source: LocalSource, marks: Mapping[Path, Bookmark]) -> None:
        """Count what was known, at the end; `marks` are the bookmarks before this import."""
        if source.brings == "execution":
            self.known = self.duplicates + sum(mark.calls for path, mark in marks.items() if path not in self.changed)
        else:
            self.known = max(self.duplicates, sum(mark.calls for mark in marks.values()))

    def _is_met(self, key: str) -> bool:
        """Whether a record was met in this import before; it is from now on."""
        is_met = hash(key) in self.met
        self.met.add(hash(key))
        return is_met

    def _reject(self, steps: Sequence[tuple[Path, Step]], receipt: Receipt, held: Callable[[Step], int]) -> None:
        """Count refused records by the file that they came from."""
        ends = list(accumulate(held(step) for _, step in steps))
        for rejection in receipt.rejected:
            place = min(bisect_right(ends, rejection.index), len(steps) - 1)
            self._refuse(steps[place][0], rejection.reason)

    def _refuse(self, path: Path, reason: str, lines: int = 1) -> None:
        """Count lines that were not stored."""
        if lines:
            self.unreadable.setdefault(path, Counter())[reason] += lines


def sentences(source: LocalSource, report: Report) -> Iterator[str]:
    """Each file that was not read whole, why, and last the sums."""
    for path, reason in report.skipped.items():
        yield f"{path_key(path)}: not read: {reason}"
    for path, reasons in report.unreadable.items():
        for reason, lines in reasons.most_common():
            yield f"{path_key(path)}: {lines:,} unreadable: {reason}"
    unreadable = sum(sum(reasons.values()) for reasons in report.unreadable.values())
    noun = "line" if source.read else "record"
    new = "new or changed" if source.brings == "execution" else "new"
    yield (
        f"{many(report.new + report.known, source.brings)} ({report.new:,} {new}, {report.known:,} known),"
        f" {many(report.files, 'file')}, {many(unreadable, f'unreadable {noun}')}, {report.quarantined:,} quarantined"
    )
    if not report.changed and not report.skipped:
        yield f"Nothing in the files of {source.title} has changed since they were imported."


def many(number: int, noun: str) -> str:
    """A number with its noun: 1 file, 2,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
