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
from dataclasses import replace
from pathlib import Path
from typing import Any

from telemetry.contracts import Receipt
from telemetry.importer import budgets
from telemetry.importer.files import Find, MissingPath
from telemetry.importer.gathering import gathered, last_steps
from telemetry.importer.notebook import Notebook, folder
from telemetry.importer.options import BadWords, Seen, add_words, again_and_again, asked_files, has_changed
from telemetry.importer.report import Report, sentences
from telemetry.importer.sending import MAX_ITEMS, Away, Refused, Server

URL, KEY = "TLOI_URL", "TLOI_API_KEY"
_LOCAL = ("--project", "--create-project")  # words that ask for this machine's database


def is_asked_for(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether `tloi` with these words sends: by `--to`, or because TLOI_URL says where, unless a word asks for the
    database here."""
    if not words or words[0] not in ("import", "budget") or {"-h", "--help"} & set(words):
        return False
    options = {word.split("=")[0] for word in words[1:]}
    return "--to" in options or bool(environment.get(URL, "").strip() and not options & set(_LOCAL))


def main(words: Sequence[str]) -> int:
    """`tloi import` or `tloi budget` with the words after it; the exit code."""
    if words[:1] == ["budget"]:
        return budgets.main(words[1:], url=os.environ.get(URL, ""), key=os.environ.get(KEY, ""))
    return _import(words[1:])


def _import(words: Sequence[str]) -> int:
    parser = ArgumentParser(prog="tloi import", description="Send what agents have written on this machine.")
    add_words(parser)
    options = vars(parser.parse_args(words))
    url = (options["to"] or os.environ.get(URL, "")).strip()
    key = (options["key"] or os.environ.get(KEY, "")).strip()
    if not url:
        return _fail(f"Say where to send what is read: --to URL, or {URL}.")
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
    seen: Seen = {}
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
    report = Report(files=len(found.files))
    if not is_quiet:
        _say(found.sentence())
    is_done = False
    try:
        _send(found, server, book, report)
        is_done = bool(found.files)
    finally:
        if report.changed or report.skipped or (is_done and not is_quiet):
            for sentence in sentences(found.source, report):
                _say(sentence)
    return int(bool(report.skipped))


def _send(found: Find, server: Server, book: Notebook, report: Report) -> None:
    """Send what is new in each file, executions first; when all of a batch is stored, move the bookmarks. Raises
    Refused, Away, and OSError where the notebook cannot be written."""
    source = found.source
    marks = {path: book.bookmark(source.name, path) for path in found.files}
    brought: Counter[Path] = Counter()

    def post(kind: str, records: Sequence[Any]) -> Receipt:
        return server.send(records, kind=kind, source=source.name) if records else Receipt()

    try:
        for batch in gathered(source, marks, host=platform.node()[:200], report=report, most=MAX_ITEMS):
            executions = post("executions", [one for _, step in batch for one in step.reading.executions])
            calls = post("calls", [one for _, step in batch for one in step.reading.calls])
            receipt = executions if source.brings == "execution" else calls
            brought += report.shares(source, batch, receipt)
            for path, step in last_steps(batch).items():
                book.put(source.name, path, replace(step.bookmark, calls=step.bookmark.calls + brought[path]))
            book.save()
            report.take(source, batch, calls=calls, executions=executions)
    finally:
        report.settle(source, marks)


def _say(sentence: str) -> None:
    sys.stdout.write(sentence.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def _fail(sentence: str) -> int:
    sys.stderr.write(f"tloi: {sentence}\n")
    sys.stderr.flush()
    return 1
