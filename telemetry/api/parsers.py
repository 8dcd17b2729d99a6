"""From the wire to bytes: gunzip with a cap, so that a bomb costs what it is allowed to and no more."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from telemetry.api.errors import BadBody, TooLarge

MAX_BYTES = 20 * 2**20
MAX_MEMBERS = 10_000
_CHUNK = 2**16  # bytes looked at and unpacked in one step
_PATIENCE = 64  # MiB of a body that is too large which are read and dropped
_GZIP = 31  # zlib's window bits for a gzip stream


class RecordsParser(BaseParser):
    """The body as bytes, unpacked. What they mean is `records.py`'s business."""

    media_type = "*/*"

    def parse(  # type: ignore[override]  # DRF's stubs know forms and JSON only
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """At most MAX_BYTES, packed and unpacked. Raises TooLarge, BadBody, UnsupportedMediaType."""
        request = (parser_context or {})["request"]
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        raw = _read(stream)
        if encoding in ("", "identity"):
            return raw
        if encoding in ("gzip", "x-gzip"):
            return gunzip(raw)
        raise UnsupportedMediaType(encoding, f"Content-Encoding {encoding!r} is not known; use gzip or none.")


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
    raw: bytes = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        for _ in range(_PATIENCE):  # a sender who is cut off while he still sends never sees the answer
            if not stream.read(2**20):
                break
        raise TooLarge(f"The body has more than {MAX_BYTES} bytes; send fewer items at a time.")
    return raw
