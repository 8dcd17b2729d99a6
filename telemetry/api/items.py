"""A body cut into its items, unread: those of an array, one object, or an object a line. Pure but for DRF's errors.

Cutting looks at strings and brackets only, so that an item that nobody can read (NaN, 100,000 levels deep) takes none
of the others down with it, and so that a hostile body is never held as a million Python objects.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from telemetry.api.errors import BadBody, TooLarge

MAX_MARKS = 500_000
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb")*+([\[\]{},])", re.DOTALL)
_INSIDE = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+([\[\]{}])", re.DOTALL)
_TURN = {b"[": 1, b"{": 1, b",": 0, b"]": -1, b"}": -1}
_LINE = re.compile(rb"[^\s][^\n]*+")


def items(body: bytes, *, lines: bool = False) -> Iterator[bytes]:
    """The items of a body, each the bytes of what should be a JSON object. `lines`: it is NDJSON. Raises BadBody where
    the body as a whole is no JSON, TooLarge where it has more than MAX_MARKS brackets; both also while it is read."""
    body = body.removeprefix(BOM_UTF8).strip()
    if not body:
        raise BadBody("The body is empty.")
    if not lines and body.startswith(b"["):
        return _of_array(body)
    if not lines and not body.startswith(b"{"):
        raise BadBody("The body is not JSON: send an object, an array of objects, or an object a line.")
    return (line.group() for line in _LINE.finditer(body)) if lines or _has_lines(body) else iter((body,))


def _of_array(body: bytes) -> Iterator[bytes]:
    begin = 1
    for mark, end, depth in _marks(body, begin):
        if mark == b"," and depth == 0:
            yield body[begin : end - 1]
            begin = end
        if depth < 0:
            break
    else:
        raise BadBody("The body is not JSON: it is cut off.")
    if mark == b"}" or end < len(body):
        raise BadBody(f"The body is not JSON: its array ends wrongly at byte {end}.")
    last = body[begin : end - 1].strip()
    if last:
        yield last
    elif begin > 1:
        raise BadBody("The body is not JSON: a comma ends its array.")


def _has_lines(body: bytes) -> bool:
    """Whether the object that begins a body is the first of several lines: NDJSON without its content type."""
    for _, end, depth in _marks(body, 0):
        if depth == 0:
            return body[end : end + 100].lstrip(b" \t\r").startswith(b"\n")
    return False


def _marks(body: bytes, place: int) -> Iterator[tuple[bytes, int, int]]:
    """Each bracket from `place` on, and each comma that no bracket holds: what it is, where it ends, and how many
    brackets are open after it. Raises TooLarge."""
    depth = 0
    for _ in range(MAX_MARKS):
        step = (_INSIDE if depth else _BETWEEN).match(body, place)
        if step is None:
            return
        place = step.end()
        depth += _TURN[step[1]]
        yield step[1], place, depth
    raise TooLarge(f"The body has more than {MAX_MARKS} brackets; send fewer items at a time.")
