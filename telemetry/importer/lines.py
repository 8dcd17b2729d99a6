"""Whole lines of a growing file of JSON lines, a few megabytes at a time; memory is bounded whatever the file holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

BLOCK = 4 * 2**20
MAX_LINE = 16 * 2**20
_SAMPLE = 1024
_json = msgspec.json.Decoder(msgspec.Raw)


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive whole lines. `end` is where the next piece begins; `too_long` lines were passed over."""

    lines: list[bytes]
    end: int
    too_long: int = 0


def whole_lines(file: BinaryIO, offset: int) -> Iterator[Piece]:
    """The lines of `file` from `offset` on. A last line without its newline is still being written: it is left for
    the next time, unless it is a whole JSON object already."""
    file.seek(offset)
    rest, is_too_long = b"", False
    while block := file.read(BLOCK):
        rest += block
        cut = rest.rfind(b"\n") + 1
        if cut == 0 and (is_too_long or len(rest) > MAX_LINE):
            is_too_long, offset, rest = True, offset + len(rest), b""
        elif cut:
            lines = rest[:cut].split(b"\n")[:-1]
            offset, rest = offset + cut, rest[cut:]
            yield Piece(lines[1:] if is_too_long else lines, offset, int(is_too_long))
            is_too_long = False
    if not is_too_long and _is_whole_object(rest):
        yield Piece([rest], offset + len(rest))


def fingerprint(file: BinaryIO, offset: int) -> bytes:
    """SHA-256 of the first and the last KiB before `offset`: tells a file that grew from one written anew. Leaves the
    position of `file` where it is."""
    length = min(_SAMPLE, offset)
    head, tail = (os.pread(file.fileno(), length, begin) for begin in (0, offset - length))
    return hashlib.sha256(head + tail).digest()


def _is_whole_object(text: bytes) -> bool:
    if not text.rstrip().endswith(b"}"):
        return False
    try:
        _json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
