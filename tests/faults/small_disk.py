"""A small disk of a test's own, to be filled and emptied: a tmpfs, which only root may mount."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MIB = 2**20


class SmallDisk:
    """A mounted disk at `folder`; what fills it is a file, so that it can be emptied at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    @property
    def free(self) -> int:
        """The bytes that are left."""
        return shutil.disk_usage(self.folder).free

    def fill(self, *, leave: int = 0) -> None:
        """Take all room but `leave` bytes. Others may take the rest meanwhile."""
        with self._filler.open("ab") as filler:
            while (room := self.free - leave) > 0:
                try:
                    os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), min(room, MIB))
                except OSError:
                    return

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(size: int) -> Iterator[SmallDisk]:
    """A disk of so many bytes. Skips the test where it cannot be had."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="tloi-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tloi-tests", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def move(place: Path, disk: SmallDisk) -> None:
    """Move a folder onto the disk, with its owners, and leave a link in its place."""
    there = disk.folder / place.name
    subprocess.run(["cp", "--archive", str(place), str(there)], check=True)
    shutil.rmtree(place)
    place.symlink_to(there)
