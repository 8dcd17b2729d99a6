"""Server-sent events: bytes as they arrive, cut anywhere, to whole events. Pure.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html. Ends of lines become line feeds: a payload of
JSON holds none of its own.
"""

from __future__ import annotations

MAX_EVENT = 16 * 2**20  # bytes of one event: an image is a few millions
DONE = b"[DONE]"


class EventTooLong(ValueError):
    """An event that does not end."""


class Splitter:
    """Whole events of a stream, without the empty line that ends each."""

    __slots__ = ("_parts", "_return_held", "_waiting")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._waiting = 0
        self._return_held = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completes. Raises EventTooLong."""
        if self._return_held or b"\r" in chunk:
            chunk = self._line_feeds(chunk)
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        if self._parts:
            chunk = b"".join([*self._parts, chunk])
            self._parts.clear()
            self._waiting = 0
        *events, rest = chunk.split(b"\n\n")
        self._keep(rest)
        return [whole for event in events if (whole := event.strip(b"\n"))]

    def rest(self) -> bytes:
        """What came after the last whole event, at the end of the stream."""
        rest = b"".join(self._parts).strip(b"\n")
        self._parts.clear()
        return rest

    def _keep(self, part: bytes) -> None:
        if part:
            self._parts.append(part)
            self._waiting += len(part)
            if self._waiting > MAX_EVENT:
                raise EventTooLong

    def _line_feeds(self, chunk: bytes) -> bytes:
        if self._return_held:
            chunk = b"\r" + chunk
        self._return_held = chunk.endswith(b"\r")
        if self._return_held:
            chunk = chunk[:-1]
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def data_of(event: bytes) -> bytes | None:
    """The data of a whole event, its lines joined; None where it has none: a comment, an id."""
    if event.startswith(b"data:") and b"\n" not in event:
        return event[5:].strip()
    lines = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines).strip() if lines else None


def event_of(data: bytes, name: str = "") -> bytes:
    """One event for a client."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data) if name else b"data: %b\n\n" % data
