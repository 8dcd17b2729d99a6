"""`tloi import … --to URL`: reads this machine's files and sends them to a server elsewhere, without one here.

Standard library and msgspec only. What is said goes to standard output, problems to standard error; the exit code is
0 where everything was sent.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from telemetry.contracts import Receipt
from telemetry.importer.files import Find, MissingPath
from telemetry.importer.notebook import Notebook, folder
from telemetry.importer.options import BadWords, add_words, again_and_again, asked_files, has_changed
from telemetry.importer.reading import Bookmark, CannotRead, Step, steps
from telemetry.importer.report import Report, sentences
from telemetry.importer.sending import MAX_ITEMS, Away, Refused, Server

URL, KEY = "TLOI_URL", "TLOI_API_KEY"
_LOCAL = ("--project", "--create-project")  # words that ask for this machine's database


def is_asked_for(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether `tloi` with these words sends: by `--to`, or because TLOI_URL says where, unless a word asks for the
    database here."""
    if not words or words[0] != "import" or {"-h", "--help"} & set(words):
        return False
    options = {word.split("=")[0] for word in words[1:]}
    return "--to" in options or bool(environment.get(URL, "").strip() and not options & set(_LOCAL))


def main(words: Sequence[str]) -> int:
    """`tloi import` with the words after it; the exit code."""
    parser = ArgumentParser(prog="tloi import", description="Send what agents have written on this machine.")
    add_words(parser)
    options = vars(parser.parse_args(words))
    url = (options["to"] or os.environ.get(URL, "")).strip()
    key = (options["key"] or os.environ.get(KEY, "")).strip()
    try:
        server = Server(url=url, key=key)
        finds = asked_files(options)
        _say(f"Sending to {url}.")
        book = Notebook(folder(os.environ, Path.home()), url=url, key=key)
        if options["watch"]:
            return _watch(options, server, book)
        return max([_send_one(found, server, book) for found in finds], default=0)
    except (BadWords, MissingPath, Refused, Away) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or 'A file'} cannot be written ({error.strerror or error}).")
    except KeyboardInterrupt:
        return 130


def _watch(options: dict[str, Any], server: Server, book: Notebook) -> int:
    """Send what is new again and again; a server that is away is waited for, and that is said once."""
    seen: dict[Path, tuple[int, int]] = {}
    said: list[str] = []

    def turn(is_first: bool) -> None:
        finds = asked_files(options)
        if not has_changed(finds, seen) and not is_first:
            return
        try:
            for found in finds:
                _send_one(found, server, book, is_quiet=not is_first)
            said.clear()
        except Away as error:
            seen.clear()
            if not said:
                said.append(str(error))
                _fail(str(error))

    again_and_again(turn, every=options["every"], sleep=time.sleep)
    _say("Stopped.")
    return 0


def _send_one(found: Find, server: Server, book: Notebook, *, is_quiet: bool = False) -> int:
    """Send one source's files and say what became of them; `is_quiet`: only where something was new."""
    sending = _Sending(found, server, book, Report(files=len(found.files)))
    if not is_quiet:
        _say(found.sentence())
    try:
        sending.send()
    finally:
        if found.files and (sending.report.changed or sending.report.skipped or not is_quiet):
            for sentence in sentences(found.source, sending.report):
                _say(sentence)
    return int(bool(sending.report.skipped))


@dataclass(slots=True)
class _Sending:
    """The files of one source on their way. `pending` are steps that were read and not sent: small files share a
    request."""

    found: Find
    server: Server
    book: Notebook
    report: Report
    pending: list[tuple[Path, Step]] = field(default_factory=list)
    brought: Counter[Path] = field(default_factory=Counter)

    def send(self) -> None:
        """Send what is new in each file; one that cannot be read is reported. Raises Refused, Away, and OSError where
        the notebook cannot be written."""
        name = self.found.source.name
        marks = {path: self.book.bookmark(name, path) for path in self.found.files}
        try:
            for path, mark in marks.items():
                self._file(path, mark)
            self._flush()
        finally:
            self.report.settle(self.found.source, marks)

    def _file(self, path: Path, mark: Bookmark) -> None:
        pieces = steps(self.found.source, path, mark, host=platform.node()[:200], progress=lambda _: None)
        while True:
            try:
                step = next(pieces, None)
            except (OSError, CannotRead) as error:
                self.report.skipped[path] = getattr(error, "strerror", None) or str(error)
                return
            if step is None:
                return
            self.pending.append((path, step))
            if sum(len(one.reading.calls) + len(one.reading.executions) for _, one in self.pending) >= MAX_ITEMS:
                self._flush()

    def _flush(self) -> None:
        """Send the pending steps, executions first; when all of them are stored, move the bookmarks of their files."""
        executions = self._post("executions", [one for _, step in self.pending for one in step.reading.executions])
        calls = self._post("calls", [one for _, step in self.pending for one in step.reading.calls])
        receipt = executions if self.found.source.brings == "execution" else calls
        shares = self.report.shares(self.found.source, [step for _, step in self.pending], receipt)
        for (path, step), share in zip(self.pending, shares, strict=True):
            self.brought[path] += share
            after = replace(step.bookmark, calls=step.bookmark.calls + self.brought[path])
            self.book.put(self.found.source.name, path, after)
        if self.pending:
            self.book.save()
        self.report.take(self.found.source, self.pending, calls=calls, executions=executions)
        self.pending = []

    def _post(self, kind: str, records: Sequence[Any]) -> Receipt:
        return self.server.send(records, kind=kind, source=self.found.source.name) if records else Receipt()


def _say(sentence: str) -> None:
    sys.stdout.write(sentence.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def _fail(sentence: str) -> int:
    sys.stderr.write(f"tloi: {sentence}\n")
    sys.stderr.flush()
    return 1
