"""What stands in a prompt for a long result of a tool: the parts of it that tell what it is. Pure.

Taken from the text, never worded anew: its shape, its head and tail, what failed, what warns, and names by which later
calls may speak. The same bytes give the same digest. The whole is fetched by its reference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from routing.compression.cues import CONSTRAINT, ERROR
from routing.compression.names import names

_LINE = 160  # characters of a line that is shown
_HEAD, _TAIL, _FAILED, _WARNING, _KINDS, _NAMES = 4, 2, 6, 4, 6, 24
_SEARCHED = 200_000  # characters in which names are looked for
_NUMBER = re.compile(r"\d+")
_DIGITS = str.maketrans("0123456789", "##########")
_HIT = re.compile(r"([\w./@-]+\.\w+):\d+[:-]")


def digest(text: str, *, most: int) -> str:
    """The digest of a result, of about `most` characters at most: whole lines, the telling ones first."""
    value = _json(text)
    lines = _of_value(value) if value is not None else _of_lines(text)
    kept, room = [], most
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def _json(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return None


def _of_lines(text: str) -> Iterable[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    yield from map(_short, lines[:_HEAD])
    if len(lines) > _HEAD:
        yield "…"
        yield from map(_short, lines[max(_HEAD, len(lines) - _TAIL) :])
    inner = lines[_HEAD : len(lines) - _TAIL]
    yield from _listed("failed", ERROR.among(inner), _FAILED)
    yield from _listed("warns", CONSTRAINT.among(inner), _WARNING)
    hits = Counter(found[1] for line in lines if (found := _HIT.match(line)))
    if hits:
        yield "hits: " + ", ".join(f"{name} {count}" for name, count in hits.most_common(_NAMES))
    else:
        kinds = Counter(kind[:_LINE] for kind in numberless("\n".join(inner)).split("\n"))
        yield from _listed(
            "often", (f"{count} × {kind}" for kind, count in kinds.most_common(_KINDS) if count > 2), _KINDS
        )
    if met := names(text[:_SEARCHED], _NAMES):
        yield "names: " + ", ".join(met)


def _of_value(value: Any) -> Iterable[str]:
    """The shape of a JSON value, its first and last items, the range of its numbers, and names."""
    if type(value) is list:
        rows = [row for row in value if type(row) is dict]
        yield f"array of {len(value)}" + (f", keys: {', '.join(_keys(rows))}" if rows else "")
        shown = value[:2] + value[2:][-1:]
        yield from (_short(_written(one)) for one in shown)
        yield from _ranges(rows)
    elif type(value) is dict:
        yield f"object, keys: {', '.join(map(str, list(value)[:40]))}"
        for key, inner in list(value.items())[:20]:
            yield _short(f"{key}: {_size(inner)}")
    written = _written(value)
    yield from _listed("failed", _failing(value), _FAILED)
    if found := names(written[:_SEARCHED], _NAMES):
        yield "names: " + ", ".join(found)


def numberless(text: str) -> str:
    """A text with # for each number; for most without a pattern, which is slower."""
    if not text.isascii() or "#" in text:
        return _NUMBER.sub("#", text)
    text = text.translate(_DIGITS)
    while "##" in text:
        text = text.replace("##", "#")
    return text


def _keys(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows[:50] for key in row))[:30]


def _ranges(rows: list[dict[str, Any]]) -> Iterable[str]:
    for key in _keys(rows):
        numbers = [row[key] for row in rows if type(row.get(key)) in (int, float)]
        if len(numbers) > 2:
            yield f"{key}: {min(numbers)} to {max(numbers)}"


def _size(value: Any) -> str:
    if type(value) is list:
        return f"array of {len(value)}"
    if type(value) is dict:
        return f"object of {len(value)}: {', '.join(list(value)[:12])}"
    return _written(value)


def _failing(value: Any) -> Iterable[str]:
    """The texts inside of a value that say that something failed."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            waiting += one.values()
        elif type(one) is list:
            waiting += one
        elif type(one) is str and ERROR.is_in(one):
            yield one


def _listed(title: str, lines: Iterable[str], most: int) -> Iterable[str]:
    shown = list(dict.fromkeys(map(_short, lines)))[:most]
    if shown:
        yield f"{title}:"
        yield from shown


def _written(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError:
        return ""


def _short(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"
