"""Seeds made worse: JSON by its structure, protobuf by its fields, either by its bytes. Chance is an argument."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.hostile_bodies import NOT_A_COST, NOT_A_COUNT, NOT_A_TEXT, NOT_A_TIME, STRANGE_TIMES

Mutate = Callable[[bytes, Random], bytes]
_COUNTS = (0, 1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
_TEXTS = (
    *(
        "",
        "\0",
        "a\0b",
        "w" * 190,
        "y" * 200,
        "x" * 201,
        "z" * 290,
        "x" * 301,
        "x" * 5000,
        "--5",
        "-5",
        "٣",
        "1_0",
        " 7 ",
        "0x10",
        "1e3",
        "+1",
    ),
    *("NaN", "sNaN", "inf", "-Infinity", "1e999999", "true", "null", "é\U0001f600", "\ufffe", "{}", "[[]]", "a:b,c"),
    *(NOT_A_TIME + STRANGE_TIMES),
)
_RAW = (
    *(*NOT_A_COUNT, *NOT_A_TEXT.values(), *NOT_A_COST, "null", "0", "1", "0.1", "-0", "-0.0", "1e308", "5e-324"),
    *(str(count) for count in _COUNTS),
    *(str(-count) for count in _COUNTS),
    *("1" + "0" * 25, "9" * 400, "1" + "0" * 5000, "1e-400", r'"\u0000"', r'"\ud83d\ude00"', r'{"a\u0000": 1}'),
    *("[" * 40 + "]" * 40, "[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000),
    *('{"a": 1, "a": 2}', "[null]", "[[], {}]", '{"stringValue": 5}', '{"values": null}'),
)
_PLACE = "\u27e6{}\u27e7"
_PLACED = re.compile('"\u27e6([0-9]+)\u27e7"')
_PIECES = (*(text.encode() for text in ('"', "\\", "{", "}", "[", "]", ",", ":", "\\u0000", "\\ud800")), b"\xff\n")


def mutated_json(seed: bytes, chance: Random) -> bytes:
    """A JSON value with some of its parts changed, removed, repeated or moved; one in five is broken in its bytes."""
    try:
        tree = [json.loads(seed)]
    except (ValueError, RecursionError):
        return mutated_bytes(seed, chance)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 6))):
        _change(tree, chance)
    text = json.dumps(tree[0] if tree else None, ensure_ascii=False)
    text = _PLACED.sub(lambda found: _RAW[int(found[1])], text)
    body = text.encode("utf-8", "surrogatepass")
    return mutated_bytes(body, chance) if chance.random() < 0.2 else body


def mutated_lines(seed: bytes, chance: Random) -> bytes:
    """JSON a line, with some lines changed, and some repeated, moved, removed or joined."""
    lines = seed.split(b"\n")
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(len(lines))
        lines[place] = mutated_json(lines[place], chance)
    seeds = seed.split(b"\n")
    for _ in range(chance.choice((0, 0, 1, 3))):
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                lines.insert(one, chance.choice(seeds))
            case 1:
                lines[one], lines[other] = lines[other], lines[one]
            case 2 if len(lines) > 1:
                del lines[one]
            case _:
                lines.insert(one, lines[other])
    body = b"\n".join(lines)
    return mutated_bytes(body, chance) if chance.random() < 0.05 else body


def mutated_csv(seed: bytes, chance: Random) -> bytes:
    """A table with some cells changed and some rows repeated; one in five is broken in its bytes."""
    rows = [line.split(",") for line in seed.decode().split("\n")]
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        row = chance.choice(rows)
        row[chance.randrange(len(row))] = chance.choice((*_TEXTS, *map(str, _COUNTS), "-1", "1e300", "$1", '"', '""'))
    rows += [chance.choice(rows)] * chance.choice((0, 0, 3, 200))
    body = "\n".join(map(",".join, rows)).encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-16")))
    return mutated_bytes(body, chance) if chance.random() < 0.2 else body


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every part of a tree as (what holds it, under which name or number)."""
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def _change(tree: list[Any], chance: Random) -> None:
    places = list(_places(tree))
    if not places:
        return
    leaves = [(holder, key) for holder, key in places if not isinstance(holder[key], dict | list)]
    if leaves and chance.random() < 0.6:
        holder, key = chance.choice(leaves)
        holder[key] = _alike(holder[key], chance)
        return
    holder, key = chance.choice(places)
    match chance.randrange(9):
        case 0 | 1 | 2:
            holder[key] = _PLACE.format(chance.randrange(len(_RAW)))
        case 3:
            holder[key] = chance.choice(_TEXTS)
        case 4:
            other, name = chance.choice(places)
            holder[key] = json.loads(json.dumps(other[name])) if name in range(len(other)) or name in other else None
        case 5:
            del holder[key]
        case 6 if isinstance(holder, list):
            holder[key:key] = [json.loads(json.dumps(holder[key]))] * chance.choice((1, 2, 20))
        case 7 if isinstance(holder, dict):
            holder[chance.choice((str(key).upper(), f"{key}\0", *_names(places)))] = holder.pop(key)
        case _:
            holder[key] = [holder[key]] if chance.random() < 0.5 else {str(key): holder[key]}


def _alike(value: Any, chance: Random) -> Any:
    """Another value of the same type, which a decoder that checks types lets in."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return chance.choice((*_COUNTS, -1, -value, value * 2, 0.5, 1e300, value + 1))
    if isinstance(value, str):
        if value.startswith("2026-") and chance.random() < 0.5:
            return chance.choice(NOT_A_TIME + STRANGE_TIMES)
        return chance.choice((*_TEXTS, *map(str, _COUNTS), value[:1], value * 9, value + "\0", value + "\U0001f600"))
    return value


def _names(places: list[tuple[Any, Any]]) -> list[str]:
    return [key for _, key in places if isinstance(key, str)]


def mutated_bytes(body: bytes, chance: Random) -> bytes:
    """Bytes flipped, cut, repeated, removed or put in."""
    raw = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(raw) + 1)
        upto = at + chance.choice((1, 2, 8, 64))
        match chance.randrange(6):
            case 0 if at < len(raw):
                raw[at] ^= 1 << chance.randrange(8)
            case 1:
                del raw[at:upto]
            case 2:
                raw[at:at] = raw[at:upto] * chance.choice((1, 3))
            case 3:
                raw[at:at] = chance.choice(_PIECES)
            case 4:
                del raw[at:]
            case _:
                raw[at:upto] = chance.randbytes(chance.choice((1, 4)))
    return bytes(raw)


def mutated_protobuf(seed: bytes, chance: Random) -> bytes:
    """A message with fields changed, removed, repeated or of another kind; one in five is broken in its bytes."""
    body = seed
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
        body = _change_message(body, chance)
    return mutated_bytes(body, chance) if chance.random() < 0.2 else body


Field = tuple[int, int, int | bytes]
_VARINT, _FIXED64, _BYTES, _GROUP, _END_GROUP, _FIXED32 = range(6)


def _change_message(body: bytes, chance: Random) -> bytes:
    fields = fields_of(body)
    if not fields:
        return chance.choice(_TEXTS).encode()
    place = chance.randrange(len(fields))
    number, wire, value = fields[place]
    if isinstance(value, bytes) and fields_of(value) and chance.random() < 0.85:
        fields[place] = number, wire, _change_message(value, chance)
        return encoded(fields)
    match chance.randrange(6):
        case 0 | 1:
            fields[place] = number, wire, _another(value, chance)
        case 2:
            del fields[place]
        case 3:
            fields[place:place] = [fields[place]] * chance.choice((1, 2, 20))
        case 4:
            fields[place] = chance.choice((number + 1, number - 1 or 1, chance.randrange(1, 20), 2**28)), wire, value
        case _:
            kind = chance.randrange(6)
            fields[place] = number, kind, _another(b"" if kind == _BYTES else 0, chance)
    return encoded(fields)


def _another(value: int | bytes, chance: Random) -> int | bytes:
    if isinstance(value, int):
        return chance.choice((*_COUNTS, -value, value + 1))
    return chance.choice((*(text.encode() for text in _TEXTS), b"\xff\xfe", b"\xed\xa0\x80", bytes(16), bytes(24)))


def fields_of(body: bytes) -> list[Field] | None:
    """The fields of a message in order, or None where the bytes are none."""
    fields: list[Field] = []
    place = 0
    while place < len(body):
        tag, place = _varint(body, place)
        number, wire = tag >> 3, tag & 7
        value: int | bytes
        if wire == _VARINT:
            value, place = _varint(body, place)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            value, place = int.from_bytes(body[place : place + size], "little"), place + size
        elif wire == _BYTES:
            size, place = _varint(body, place)
            value, place = body[place : place + size], place + size
        else:
            return None
        if place > len(body) or number == 0:
            return None
        fields.append((number, wire, value))
    return fields


def _varint(body: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(body) and shift < 70:
        byte = body[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    return 0, len(body) + 1


def encoded(fields: list[Field]) -> bytes:
    """A message of these fields, right or wrong."""
    return b"".join(_varint_of(number << 3 | wire) + _value_of(wire, value) for number, wire, value in fields)


def _value_of(wire: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return _varint_of(len(value)) + value
    if wire in (_FIXED64, _FIXED32):
        size = 8 if wire == _FIXED64 else 4
        return (value % (1 << 8 * size)).to_bytes(size, "little")
    return b"" if wire in (_GROUP, _END_GROUP) else _varint_of(value % 2**64)


def _varint_of(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)
