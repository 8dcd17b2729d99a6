"""Bodies that nobody should send, by name: single items that must be refused, and bodies that are bad as a whole."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, get_type_hints

from telemetry.contracts import Call

NOON = "2025-10-24T12:00:00Z"
MIB = 2**20
GZIP = {"Content-Encoding": "gzip"}
LINES = {"Content-Type": "application/x-ndjson"}
UNKNOWN = ("deflate", "br", "zstd", "gzip, gzip", "gzip;q=1")
Make = Callable[[], bytes]
NOT_A_COUNT = (
    "-1",
    "9007199254740993",
    "1.5",
    "5.0",
    "1e999",
    "NaN",
    "Infinity",
    "-Infinity",
    "true",
    '"5"',
    "[1]",
    "{}",
)
NOT_A_TEXT = {
    "NUL": r'"a\u0000b"',
    "a lone high surrogate": r'"a\ud800"',
    "a lone low surrogate": r'"\udc00a"',
    "201 letters and more": f'"{"x" * 301}"',
    "a number": "7",
    "true": "true",
    "an array": '["a"]',
    "an object": '{"a": "b"}',
}
NOT_A_TIME = (
    *("", "yesterday", "2025-10-24", "2025-10-24T12:00:00", "2025-02-30T12:00:00Z", "2025-13-01T00:00:00Z"),
    *("2025-10-24T24:00:00Z", "2025-10-24T25:00:00Z", "2016-12-31T23:59:60Z", "2025-10-24T12:00:00+24:00"),
    *("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2025-10-24T12:00:00 Europe/Madrid", "\u0662\u0660\u0662\u0665"),
    *("2025-10-24T12:00:00Z; DROP TABLE telemetry_call", "-2025-10-24T12:00:00Z"),
)
STRANGE_TIMES = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00", "1970-01-01T00:00:00Z"),
    *("2019-12-31T23:59:59Z", "2020-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"),
    *("9999-12-31T23:59:59+14:00",),
)
NOT_A_COST = ('"NaN"', '"sNaN"', '"Infinity"', "-0.01", '"-1"', "1000000.01", "1e400", '"one"', "true", "[]", '""')
DEEP = "[" * 100_000 + "]" * 100_000
DEEP_OBJECT = '{"a":' * 100_000 + "1" + "}" * 100_000


def _names(kind: type, wanted: str) -> list[str]:
    """The fields of a record whose type says that they are counts (`int`) or texts (`str`)."""
    hints = get_type_hints(kind)
    optional = {"int": (int, int | None), "str": (str,)}[wanted]
    return [name for name, hint in hints.items() if hint in optional]


def _item(kind: type, **raw: str) -> str:
    """An item that is good but for its fields `raw`, which are JSON texts."""
    fields = {"started_at": f'"{NOON}"', "model": '"m"', "id" if kind is Call else "execution_id": '"bad"', **raw}
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


@cache
def bad_items(kind: type) -> dict[str, str]:
    """Items that must be refused, each a piece of text between two commas that leaves the others readable."""
    found: dict[str, str] = {}
    for name in _names(kind, "int"):
        found |= {f"{name} is {text}": _item(kind, **{name: text}) for text in (*NOT_A_COUNT, "1" + "0" * 400)}
    for name in _names(kind, "str"):
        found |= {f"{name} holds {what}": _item(kind, **{name: text}) for what, text in NOT_A_TEXT.items()}
    for moment in NOT_A_TIME:
        found[f"started_at is {moment!r}"] = _item(kind, started_at=json.dumps(moment))
    for text in ("1761307200", "null", "true", "[]"):
        found[f"started_at is {text}"] = _item(kind, started_at=text)
    if kind is Call:
        found |= {f"cost_usd is {text}": _item(kind, cost_usd=text) for text in NOT_A_COST}
        found |= {f"quality is {text}": _item(kind, quality=text) for text in ('["good"]', '"x"', "[1]")}
    else:
        found |= {f"skills is {text}": _item(kind, skills=text) for text in ('["\\u0000"]', '"x"', "[1]")}
        found |= {
            f"execution_time is {text}": _item(kind, execution_time=text) for text in ("-1", "NaN", '"5"', "1e10")
        }
    return found | dict(_bad_shapes(kind))


def _bad_shapes(kind: type) -> Iterator[tuple[str, str]]:
    for text in ("null", "true", "7", "1e999", "NaN", '"text"', "[]", "[[]]", "{}", '{"a": 1}'):
        yield f"it is {text}", text
    yield "it is deep arrays", DEEP
    yield "it is deep objects", DEEP_OBJECT
    for name, text in {
        "deep": DEEP,
        "deep objects": DEEP_OBJECT,
        "33 levels": "[" * 33 + "]" * 33,
        "a text": '"x"',
        "an array": "[]",
        "NUL": r'{"a": {"b": ["\u0000"]}}',
        "NUL in a name": r'{"a\u0000": 1}',
        "half a character": r'{"a": "\ud83d"}',
        "NaN": '{"a": NaN}',
        "1e999": '{"a": 1e999}',
        "5,000 digits": '{"a": ' + "9" * 5000 + "}",
        "17 KiB": json.dumps({"a": "x" * 17 * 1024}),
    }.items():
        yield f"attributes are {name}", _item(kind, attributes=text)
        yield f"an unknown field is {name}", _item(kind, zzz=text if name not in ("a text", "an array") else DEEP)
    yield "200,000 names", _item(kind, **{f"name{n}": "1" for n in range(200_000)})
    yield "a text of 1 MiB", _item(kind, agent=f'"{"x" * MIB}"')
    yield "a name of 1 MiB", _item(kind, **{"x" * MIB: "1"})
    yield "no model and no time", '{"id": "bad"}'
    yield "a comma too many", _item(kind)[:-1] + ",}"
    yield "no comma", _item(kind).replace(",", " ")
    yield "single quotes", _item(kind).replace('"', "'")
    yield "a name without quotes", _item(kind).replace('"model"', "model")
    yield "a comment", _item(kind).replace("{", "{/* hello */")
    yield "a raw newline in a text", _item(kind, agent='"a\nb"')
    yield "two objects", _item(kind) + _item(kind)
    yield "nothing", ""


def names_of_bad_bodies() -> list[str]:
    """The names of bodies of which nothing may be stored."""
    return list(_bad_bodies())


def bad_body(name: str) -> tuple[bytes, dict[str, str]]:
    """The body of that name, made only now, for some are large; and its headers."""
    make, headers = _bad_bodies()[name]
    return make(), headers


@cache
def _bad_bodies() -> dict[str, tuple[Make, dict[str, str]]]:
    good = _item(Call).encode()
    array = b"[" + good + b"," + good.replace(b"bad", b"two") + b"]"
    packed = gzip.compress(array)
    small = _broken(good, array) | {f"cut at {cut}": array[:cut] for cut in range(1, len(array) - 1, 7)}
    zipped = _zipped(array, packed) | {f"gzip cut at {cut}": packed[:cut] for cut in range(1, len(packed), 9)}
    bodies: dict[str, tuple[Make, dict[str, str]]] = {name: (partial(bytes, body), {}) for name, body in small.items()}
    bodies |= {name: (make, {}) for name, make in _large(good, array).items()}
    bodies |= {name: (partial(bytes, body), GZIP) for name, body in zipped.items()}
    bodies |= {name: (make, GZIP) for name, make in _bombs(packed).items()}
    bodies |= {
        f"{encoding}, which is not known": (lambda: packed, {"Content-Encoding": encoding}) for encoding in UNKNOWN
    }
    bodies["an array called lines"] = (lambda: array, LINES)
    bodies["lines of garbage"] = (lambda: b"a\nb\nc", LINES)
    bodies["20 MiB of newlines"] = (lambda: b"\n" * (20 * MIB), LINES)
    bodies["20 MiB of blank lines, then one"] = (lambda: b"\n \n" * (6 * MIB) + b"x", LINES)
    return bodies


def _broken(good: bytes, array: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "blank": b" \r\n\t ",
        "only a byte order mark": b"\xef\xbb\xbf",
        "a word": b"hello",
        "HTML": b"<html><body>502 Bad Gateway</body></html>",
        "a form": b"started_at=now&model=m",
        "XML": b'<?xml version="1.0"?><a/>',
        "SQL": b"'; DROP TABLE telemetry_call; --",
        "null": b"null",
        "a number": b"7",
        "a text": b'"calls"',
        "NaN": b"NaN",
        "raw NUL": b"\x00" * 1000,
        "bytes": bytes(range(256)) * 10,
        "raw invalid UTF-8": good.replace(b'"m"', b'"\xff\xfe"'),
        "an encoded surrogate": good.replace(b'"m"', b'"\xed\xa0\x80"'),
        "Latin-1": '{"started_at": "x", "model": "é"}'.encode("latin-1"),
        "UTF-16": array.decode().encode("utf-16"),
        "UTF-32": array.decode().encode("utf-32"),
        "arrays of arrays": b"[" + array + b"," + array + b"]",
        "garbage after the array": array + b"garbage",
        "two arrays": array + array,
        "a comma at the end": array[:-1] + b",]",
        "the wrong bracket": array[:-1] + b"}",
        "an open text": array[:-3],
        "gzip that nobody said": gzip.compress(array),
    }


def _large(good: bytes, array: bytes) -> dict[str, Make]:
    return {
        "deep arrays": DEEP.encode,
        "deep objects": DEEP_OBJECT.encode,
        "deep and never closed": lambda: b"[" * 100_000,
        "20 MiB of brackets": lambda: b"[" * (20 * MIB),
        "20 MiB of braces": lambda: b"{" * (20 * MIB),
        "20 MiB of quotes": lambda: b"[" + b'"' * (20 * MIB - 1),
        "20 MiB of backslashes": lambda: b'["' + b"\\" * (20 * MIB - 2),
        "20 MiB of commas": lambda: b"[" + b"," * (20 * MIB - 1),
        "20 MiB of zeros in an array": lambda: b"[[" + b"0," * (10 * MIB - 4) + b"0]]",
        "20 MiB of empty arrays": lambda: b"[[" + b"[]," * (6 * MIB) + b"0]]",
        "20 MiB of empty objects in attributes": lambda: b'[{"attributes":[' + b"{}," * (6 * MIB) + b"0]}]",
        "20 MiB of one text": lambda: b'[{"agent":"' + b"x" * (19 * MIB) + b'"}]',
        "20 MiB of one number": lambda: b'[{"output":' + b"9" * (19 * MIB) + b"}]",
        "20 MiB and one byte": lambda: b" " * (20 * MIB + 1 - len(array)) + array,
        "28 MiB": lambda: array + b" " * (28 * MIB),
        "a million names": lambda: b"{" + b",".join(b'"k%d":1' % n for n in range(1_000_000)) + b"}",
        "10,001 items": lambda: b"[" + b",".join([good] * 10_001) + b"]",
        "10,001 bad items": lambda: b"[" + b",".join([b"{}"] * 10_001) + b"]",
    }


def _bombs(packed: bytes) -> dict[str, Make]:
    return {
        "a bomb": bomb,
        "a bomb of JSON": lambda: gzip.compress(b"[" + b"{}," * (20 * MIB), 1),
        "a bomb in two members": lambda: packed + bomb(),
        "a million empty members": lambda: gzip.compress(b"") * MIB,
    }


def _zipped(array: bytes, packed: bytes) -> dict[str, bytes]:
    return {
        "gzip with garbage after it": packed + b"garbage",
        "gzip with a wrong checksum": packed[:-8] + b"\0\0\0\0" + packed[-4:],
        "gzip that is none": array,
        "gzip twice, said once": gzip.compress(packed),
        "nothing, as gzip": b"",
    }


@cache
def bomb() -> bytes:
    """512 MiB of zeros in half a MiB of gzip."""
    return gzip.compress(bytes(512 * MIB), 1)


def harmless(kind: type) -> dict[str, Any]:
    """Texts that look like an attack and are just texts: they are stored as they are."""
    texts: tuple[str, ...] = (
        "' OR 1=1 --",
        "'; DROP TABLE telemetry_call; --",
        "../../../etc/passwd",
        "%00",
        "${jndi:ldap://x}",
    )
    texts += ("<script>alert(1)</script>", "{{7*7}}", "=cmd|' /C calc'!A0", "\u202eevil", "\ufeff", "\U0001f600" * 100)
    identity = "id" if kind is Call else "execution_id"
    return {text: {"started_at": NOON, "model": text, identity: text, "agent": text, "extra": text} for text in texts}
