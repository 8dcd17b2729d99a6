"""The file: what pg_dump wrote, then the manifest, then where that begins. So pg_restore alone can read it too.

    dump · manifest (JSON) · SHA-256 of the manifest (32 bytes) · its length (8) · MARK (16)

It bears its name only when it is whole and on disk: until then it is hidden, `.NAME.half`, locked by who writes it, and
ends without a mark.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tloi_site.backup import BackupError
from tloi_site.backup.manifest import Manifest, decode, encode

MARK = b"TLOI backup v1\r\n"  # a transfer as text would change the end of the line
HALF = ".half"
_TAIL = struct.Struct(f">32sQ{len(MARK)}s")
_LARGEST_MANIFEST = 64 * 2**20
_PIECE = 2**20
_OF_PG_DUMP = b"PGDMP"


@contextmanager
def new_file(file: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A hidden file of mode 0600 that becomes `file` where all goes well, and else is gone. Raises BackupError."""
    half = file.with_name(f".{file.name}{HALF}")
    if file.exists():
        raise BackupError(f"{file} is there already; name a new file.")
    try:
        handle = os.fdopen(os.open(half, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}.") from error
    with handle:
        if not _is_ours_alone(handle):
            raise BackupError(f"Another backup is being written to {file}.")
        try:
            handle.truncate()
            yield half, handle
            handle.flush()
            os.fsync(handle.fileno())
            half.rename(file)
        except BaseException:
            half.unlink(missing_ok=True)
            raise
    _sync_folder(file.parent)


def sweep(folder: Path) -> None:
    """Remove the halves of backups that were killed."""
    for half in folder.glob(f".*{HALF}"):
        with half.open("rb") as handle:
            if _is_ours_alone(handle):
                half.unlink(missing_ok=True)


def measure(handle: IO[bytes], length: int | None = None) -> tuple[int, str]:
    """Bytes and SHA-256, in hex, of the first `length` bytes of a file, or of all."""
    digest, size = hashlib.sha256(), 0
    handle.seek(0)
    while piece := handle.read(_PIECE if length is None else min(_PIECE, length - size)):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def append(handle: IO[bytes], manifest: Manifest) -> None:
    """Put the manifest behind the dump."""
    text = encode(manifest)
    handle.seek(0, os.SEEK_END)
    handle.write(text + _TAIL.pack(hashlib.sha256(text).digest(), len(text), MARK))


def read_manifest(file: Path) -> Manifest:
    """What a file says of itself; whether that is true, `verify` tells. Raises BackupError."""
    try:
        with file.open("rb") as handle:
            return _manifest(file, handle)
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}.") from error


def verify(file: Path) -> Manifest:
    """The manifest of a file of which every byte is as it was written. Raises BackupError."""
    manifest = read_manifest(file)
    with file.open("rb") as handle:
        if measure(handle, manifest.dump_bytes) != (manifest.dump_bytes, manifest.dump_sha256):
            raise BackupError(f"{file} is damaged: its bytes are no longer those that were written.")
    return manifest


def _manifest(file: Path, handle: IO[bytes]) -> Manifest:
    begins, size = handle.read(len(_OF_PG_DUMP)), handle.seek(0, os.SEEK_END)
    handle.seek(max(size - _TAIL.size, 0))
    tail = handle.read()
    if len(tail) < _TAIL.size or not tail.endswith(MARK):
        if begins == _OF_PG_DUMP:
            raise BackupError(f"{file} is cut off, or was not made by `tloi backup`: it ends without a manifest.")
        raise BackupError(f"{file} is no backup of TLOI.")
    digest, length, _ = _TAIL.unpack(tail)
    start = size - _TAIL.size - length
    if start < 0 or length > _LARGEST_MANIFEST:
        raise BackupError(f"{file} is damaged: it cannot hold the manifest that it names.")
    handle.seek(start)
    text = handle.read(length)
    if hashlib.sha256(text).digest() != digest:
        raise BackupError(f"{file} is damaged: its manifest is no longer as it was written.")
    try:
        manifest = decode(text)
    except ValueError as error:
        raise BackupError(f"{file} cannot be restored: {error}.") from error
    if manifest.dump_bytes != start:
        raise BackupError(f"{file} is damaged: it holds {start} bytes of data, not {manifest.dump_bytes}.")
    return manifest


def _is_ours_alone(handle: IO[bytes]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """So that the new name is on disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
