"""Files below a root, opened step by step so that no name and no link leads out of it.

Each part of a path is opened in the folder before it (openat) and never followed where it is a link; what was opened
is looked at once more by its descriptor, so that something else put in its place in between is found. Names are held
to rules too, but nothing rests on that alone. Source: docs/skills.md#what-is-refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from itertools import islice

MOST_PARTS = 4
MOST_CHARACTERS = 400
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_TRIES = 3
_KINDS = {
    stat.S_IFLNK: "a link; make what it leads to a root of its own",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
Stamp = tuple[int, int, int, int, int]


class Refused(RuntimeError):
    """What lies there is not read; the text says why, as a clause that begins with what it is."""


class Missing(LookupError):
    """Nothing lies there."""


def stamp_of(found: os.stat_result) -> Stamp:
    """What is another when a file was written, replaced or exchanged. The time of its inode can be set by nobody."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def open_root(path: str) -> int:
    """The descriptor of a root, which is what it was named and may be a link. Raises Missing."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except (OSError, ValueError):
        raise Missing from None


def parts_of(path: str) -> tuple[str, ...]:
    """The parts of a path below a skill's folder. Raises Refused for one that no honest file has."""
    parts = tuple(path.split("/"))
    if len(path) > MOST_CHARACTERS or len(parts) > MOST_PARTS:
        raise Refused(f"a path of more than {MOST_PARTS} parts or {MOST_CHARACTERS} characters")
    for part in parts:
        if not part or part.startswith(".") or "\\" in part or not part.isprintable():
            raise Refused("a path with a part that is empty, hidden, goes up, or cannot be printed")
    return parts


def read(
    root: int, parts: Sequence[str], *, most: int, hard_links: bool, first: int | None = None
) -> tuple[bytes, Stamp]:
    """A regular file below an open root: all of it, or its `first` bytes, and its stamp. It may have `most` bytes in
    all, and several names only where `hard_links` are allowed, for one of them may lie outside. Raises Missing,
    Refused."""
    file = _open(root, parts)
    try:
        for _ in range(_TRIES):
            before = _checked(os.fstat(file), most=most, hard_links=hard_links)
            content = os.pread(file, before[2] + 1 if first is None else first, 0)
            if stamp_of(os.fstat(file)) == before and (first is not None or len(content) == before[2]):
                return content, before
    finally:
        os.close(file)
    raise Refused("a file that changes while it is read")


def _open(root: int, parts: Sequence[str], kind: int = stat.S_IFREG) -> int:
    """The descriptor of what lies at the end of a path, if it is of that kind. Raises Missing, Refused."""
    folder = root
    try:
        for part in parts[:-1]:
            inner = _step(folder, part, stat.S_IFDIR)
            _close(folder, root)
            folder = inner
        return _step(folder, parts[-1], kind)
    finally:
        _close(folder, root)


def _close(folder: int, root: int) -> None:
    if folder != root:
        os.close(folder)


def _step(folder: int, name: str, kind: int) -> int:
    """What bears a name in an open folder, opened if it is of a kind: looked at before, for to open a device may do
    something, and after, for it may have been exchanged. Raises Missing, Refused."""
    try:
        _of_kind(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode, kind)
        opened = os.open(name, _FLAGS, dir_fd=folder)
    except FileNotFoundError:
        raise Missing from None
    except PermissionError:
        raise Refused("a file that this account may not read") from None
    except (OSError, ValueError):
        raise Refused("a name that cannot be opened, or was exchanged meanwhile") from None
    try:
        _of_kind(os.fstat(opened).st_mode, kind)
    except BaseException:
        os.close(opened)
        raise
    return opened


def _of_kind(mode: int, kind: int) -> None:
    found = stat.S_IFMT(mode)
    if found != kind:
        raise Refused(_KINDS.get(found, "a file, where a folder should be"))


def _checked(found: os.stat_result, *, most: int, hard_links: bool) -> Stamp:
    if found.st_size > most:
        raise Refused(f"a file of {found.st_size:,} bytes, and {most:,} are the most")
    if found.st_nlink > 1 and not hard_links:
        raise Refused("a file with another name (a hard link), which may lie outside the root")
    return stamp_of(found)


def below(root: int, name: str, *, most: int) -> list[str]:
    """The regular files below a folder that `read` could be asked for, as paths, sorted. At most so many entries are
    looked at. Raises Missing, Refused."""
    found: list[str] = []
    left = most
    waiting: list[tuple[str, ...]] = [(name,)]
    while waiting and left > 0:
        parts = waiting.pop()
        folder = _open(root, parts, stat.S_IFDIR)
        try:
            with os.scandir(folder) as entries:
                for entry in islice(entries, left):
                    left -= 1
                    inner = (*parts, entry.name)
                    if entry.name.startswith(".") or not entry.name.isprintable():
                        continue
                    if entry.is_dir(follow_symlinks=False) and len(inner) <= MOST_PARTS:
                        waiting.append(inner)
                    elif entry.is_file(follow_symlinks=False):
                        found.append("/".join(inner[1:]))
        finally:
            os.close(folder)
    return sorted(found)
