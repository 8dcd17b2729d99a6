"""From the wire to bytes: gunzip with a cap, so that a bomb costs what it is allowed to and no more."""

from __future__ import annotations

import zlib
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from telemetry.access import room
from telemetry.api.errors import BadBody, TooLarge

MAX_BYTES = 20 * 2**20
MAX_MEMBERS = 10_000
_CHUNK = 2**16  # bytes looked at and unpacked in one step
_PATIENCE = 4  # bodies this many times too large are read and dropped, so that their sender sees an answer
_PIECE = 2**18
_GZIP = 31  # zlib's window bits for a gzip stream


def read_body(request: Request) -> bytes:
    """The body, unpacked: at most MAX_BYTES, packed and unpacked. Raises TooLarge, BadBody, UnsupportedMediaType, and
    NoRoom where it could not be stored, once it was read: who is cut off while sending sees no answer.

    A DRF parser would leave it on the request, which keeps it until the garbage is collected.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise UnsupportedMediaType(encoding, f"Content-Encoding {encoding!r} is not known; use gzip or none.")
    raw = _read(request.stream) if request.stream is not None else b""
    room.require()
    return gunzip(raw) if "gzip" in encoding else raw


def has_lines(request: Request) -> bool:
    """Whether a body is said to be NDJSON."""
    said = request.content_type or ""
    return "ndjson" in said or "jsonl" in said


def gunzip(raw: bytes, limit: int = MAX_BYTES) -> bytes:
    """Unpack gzip of one or more members to at most `limit` bytes. Raises TooLarge, BadBody."""
    parts: list[bytes] = []
    size = place = 0
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        while not member.eof:
            packed = raw[place : place + _CHUNK]
            try:
                part = member.decompress(packed, _CHUNK)
            except zlib.error:
                raise BadBody("The body is not gzip, although Content-Encoding says so.") from None
            if not packed and not part and not member.eof:
                raise BadBody("The gzip body is cut off.")
            place += len(packed) - len(member.unconsumed_tail) - len(member.unused_data)
            size += len(part)
            if size > limit:
                raise TooLarge(f"The body unpacks to more than {limit} bytes; send fewer items at a time.")
            parts.append(part)
        if place == len(raw):
            return b"".join(parts)
    raise TooLarge(f"The body has more than {MAX_MEMBERS} members of gzip; send fewer items at a time.")


def _read(stream: IO[Any]) -> bytes:
    """The body in pieces, for the server keeps buffers of the size that it is asked for. Raises TooLarge."""
    parts: list[bytes] = []
    size = 0
    while part := stream.read(_PIECE):
        size += len(part)
        if size <= MAX_BYTES:
            parts.append(part)
        elif size > _PATIENCE * MAX_BYTES:
            break
    if size > MAX_BYTES:
        raise TooLarge(f"The body has more than {MAX_BYTES} bytes; send fewer items at a time.")
    return b"".join(parts)
