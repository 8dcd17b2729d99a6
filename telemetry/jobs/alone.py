"""One of a worker's processes at most does what takes long, so that another is left for what must not wait.

A lock of the system on a file without a name, opened before the worker forks: its processes share the file and never
the lock, which ends with whoever has it, killed or not. Other workers have files of their own.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def _nameless() -> int:
    handle, name = tempfile.mkstemp(prefix="tloi-alone-")
    os.unlink(name)  # noqa: PTH108 (a name that mkstemp gave)
    return handle


_FILE = _nameless()


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other process of this worker is inside; then none is until this one leaves."""
    try:
        fcntl.lockf(_FILE, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.lockf(_FILE, fcntl.LOCK_UN)
