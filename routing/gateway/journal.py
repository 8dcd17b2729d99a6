"""The journal: what was begun and what became of it, in files of this machine, before and after each attempt.

An attempt is one line before it is dispatched, as it would be charged if nothing more were known, and one when it is
over. A line is one write to the end of a file, which the kernel keeps when this process is killed, so an attempt that
cost something is in no memory alone. Before the first line is a place for what was heard since, which is written over
in place. The flusher moves what is over to the ledger; a file whose attempts are all there is deleted. A file belongs
to the process that locks it (flock), and the lock ends with the process: who finds one that is not locked has found
what a dead process left.

A line that is cut, for a process can die inside a write, is one that was not written: then nothing was dispatched yet,
or what was begun is charged as reserved, or as it was heard.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from routing.contracts import Attempt, Caller
from routing.gateway.heard import HEARD, NOTHING, Heard, as_heard, heard_of, line_of

BEGUN, OVER = b"B", b"E"
LARGEST = 4 * 2**20  # bytes, after which a new file is begun
_PIECE = 2**20  # bytes that are read at a time
_NEW_S = 60.0  # after which a file that has no name yet gets none
_encode = msgspec.json.Encoder().encode


class Entry(Struct, frozen=True):
    """An attempt, and whose it is."""

    attempt: Attempt
    caller: Caller


_decode = msgspec.json.Decoder(Entry).decode


class Segment:
    """One file of the journal, locked by this process. `stored` bytes of it are in the ledger; `open` are the
    attempts of it that go on, each with where in the file is written what was heard of it."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path, self.fd = path, fd
        self.size = os.fstat(fd).st_size
        self.stored = 0
        self.open: dict[str, int] = {}
        self.is_sealed = False

    def begin(self, entry: Entry) -> None:
        """Write that an attempt begins. Raises OSError where the disk does not take that; then it is as if it had not
        been tried."""
        place = self.size
        self._append(b"%b%b%b\n" % (NOTHING, BEGUN, _encode(entry)))
        self.open[entry.attempt.id] = place

    def hear(self, attempt_id: str, heard: Heard) -> None:
        """Write what was heard of an attempt over what was written of that before, if the disk takes it."""
        line, place = line_of(heard), self.open[attempt_id]
        try:
            os.pwrite(self.fd, line, place)
        except OSError:  # it is charged by what was heard before
            return

    def end(self, entry: Entry) -> None:
        """Write that an attempt is over. Raises OSError as `begin` does."""
        self._append(b"%b%b\n" % (OVER, _encode(entry)))
        del self.open[entry.attempt.id]

    def _append(self, lines: bytes) -> None:
        written = os.pwrite(self.fd, lines, self.size)
        if written != len(lines):
            os.ftruncate(self.fd, self.size)
            raise OSError("the disk took only a part of a line of the journal")
        self.size += written

    def over(self, limit: int) -> tuple[list[Entry], int]:
        """At most about `limit` attempts that are over and were not stored yet, and where in the file to go on."""
        entries: list[Entry] = []
        place = self.stored
        while place < self.size and len(entries) < limit:
            piece = os.pread(self.fd, min(_PIECE, self.size - place), place)
            whole = piece.rfind(b"\n") + 1
            if not whole:
                break
            entries += [_decode(line[1:]) for line in piece[:whole].split(b"\n") if line[:1] == OVER]
            place += whole
        return entries, place

    def leave(self) -> None:
        """Delete the file, then let its lock go."""
        self.path.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Let its lock go, and keep the file; who writes to it after that gets an OSError."""
        os.close(self.fd)
        self.fd = -1  # the number may be another file's from now on


class Journal:
    """This process's files in `folder`. One thread writes (the event loop's); another may read what is over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._current = _new_segment(folder)
        self._segments = [self._current]
        self._of: dict[str, Segment] = {}

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All files of this process, the oldest first."""
        return tuple(self._segments)

    @property
    def open_attempts(self) -> int:
        """How many attempts were begun and are not over."""
        return len(self._of)

    def begin(self, attempt: Attempt, caller: Caller) -> None:
        """Note that an attempt is about to be dispatched, with what it is charged if nothing more is known. Raises
        OSError where that cannot be noted; then it must not be dispatched."""
        if self._current.size > LARGEST:
            self._seal()
        segment = self._current
        segment.begin(Entry(attempt, caller))
        self._of[attempt.id] = segment

    def hear(self, attempt_id: str, heard: Heard) -> None:
        """Note what was heard of an attempt, if it goes on. What cannot be noted is charged as it was noted before."""
        segment = self._of.get(attempt_id)
        if segment is not None:
            segment.hear(attempt_id, heard)

    def end(self, attempt: Attempt, caller: Caller) -> None:
        """Note what an attempt came to, in the file in which it began. Raises OSError; it may be tried again."""
        self._of[attempt.id].end(Entry(attempt, caller))
        del self._of[attempt.id]

    def tidy(self) -> None:
        """Delete what the ledger holds: files that are sealed, and the content of the one in use. In the thread that
        writes, while nobody reads."""
        for segment in self.segments:
            if segment.open or segment.stored < segment.size:
                continue
            if segment.is_sealed:
                segment.leave()
                self._segments.remove(segment)
            elif segment.size:
                os.ftruncate(segment.fd, 0)
                segment.size = segment.stored = 0

    def close(self) -> None:
        """Let the files go, and delete those that hold nothing that the ledger does not."""
        self.tidy()
        for segment in self._segments:
            if segment.size:
                segment.let_go()
            else:
                segment.leave()
        self._segments.clear()

    def _seal(self) -> None:
        self._current.is_sealed = True
        self._current = _new_segment(self._folder)
        self._segments.append(self._current)


class Orphan:
    """A file that a dead process left, locked by us. `entries` are its attempts as the ledger should have them, those
    that were never ended as they were heard, or else begun."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        known: dict[str, Entry] = {}
        heard: Heard | None = None
        for line in _lines(segment):
            if line[:1] == HEARD:
                heard = heard_of(line)
                continue
            if (entry := _decoded(line)) is not None:
                attempt = entry.attempt if heard is None else as_heard(entry.attempt, heard)
                known[attempt.id] = Entry(attempt, entry.caller)
            heard = None
        self.entries = list(known.values())

    def leave(self) -> None:
        """Delete the file: all of it is in the ledger."""
        self._segment.leave()

    def keep(self) -> None:
        """Let it go as it is, to be tried again."""
        self._segment.let_go()


def orphans(folder: Path) -> Iterator[Orphan]:
    """The files that dead processes left, each locked until `leave` or `keep`."""
    for unlocked in folder.glob("*.new"):  # of a process that died while it made it
        with contextlib.suppress(FileNotFoundError):
            if time.time() - unlocked.stat().st_mtime > _NEW_S:
                unlocked.unlink()
    for path in sorted(folder.glob("*.journal")):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # somebody else has just stored it
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process lives
            os.close(fd)
            continue
        if os.fstat(fd).st_nlink == 0:
            os.close(fd)
            continue
        yield Orphan(Segment(path, fd))


def _new_segment(folder: Path) -> Segment:
    """A new file, locked before it has a name by which others look for it."""
    name = f"{time.time_ns():020d}-{os.getpid()}"
    made, path = folder / f"{name}.new", folder / f"{name}.journal"
    fd = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    made.rename(path)
    return Segment(path, fd)


def _lines(segment: Segment) -> Iterator[bytes]:
    """The whole lines of a file; the last one may be cut."""
    place, rest = 0, b""
    while piece := os.pread(segment.fd, _PIECE, place):
        place += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


def _decoded(line: bytes) -> Entry | None:
    try:
        return _decode(line[1:])
    except msgspec.DecodeError:  # cut in the middle of the file: a disk that was full
        return None
