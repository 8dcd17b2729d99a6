"""OTLP that nobody should send, by name: single records in both encodings, and bodies that are bad as a whole.

A bad record stands between two good ones of the same body. They are stored whatever it is, wherever the encoding lets
a reader find them.
"""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Iterator
from functools import partial

from tests.fuzz.mutation import encoded
from tests.hostile_bodies import DEEP, DEEP_OBJECT, GZIP, MIB, UNKNOWN, bomb

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
NOON_NS = 1_761_307_200 * 10**9  # 2025-10-24T12:00:00Z
MOST_RECORDS = 50_000
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
_GROUPS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
_SERVICE = '{"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}'
Body = tuple[bytes, dict[str, str]]


def body_of(signal: str, *records: str) -> bytes:
    """A JSON body of records, which are JSON texts."""
    group, scoped, kept = _GROUPS[signal]
    scope = f'{{"scope": {{}}, "{kept}": [{", ".join(records)}]}}'
    text = f'{{"{group}": [{{"resource": {_SERVICE}, "{scoped}": [{scope}]}}]}}'
    return text.encode("utf-8", "surrogatepass")


def good(signal: str, model: str) -> str:
    """A record that counts one call of `model`, whose name is its session and id too."""
    named = {"model": model, "request_id": f"req {model}", "session.id": model, "event.name": "api_request"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in named.items()]
    counted = [*attributes, {"key": "output_tokens", "value": {"intValue": "9"}}]
    if signal == "logs":
        return json.dumps({"timeUnixNano": str(NOON_NS), "attributes": counted})
    if signal == "traces":
        times = {"startTimeUnixNano": str(NOON_NS), "endTimeUnixNano": str(NOON_NS + 10**9)}
        return json.dumps({"name": "claude_code.llm_request", "traceId": TRACE, **times, "attributes": counted})
    return point(attributes=json.dumps([*attributes, {"key": "type", "value": {"stringValue": "output"}}]))


def point(**raw: str) -> str:
    """A metric of one number, whose fields `raw` are JSON texts."""
    fields = {"startTimeUnixNano": f'"{NOON_NS}"', "timeUnixNano": f'"{NOON_NS}"', "asInt": '"9"', **raw}
    metric = '{{"name": "claude_code.token.usage", "sum": {{"aggregationTemporality": 2, "dataPoints": [{}]}}}}'
    return metric.format(_object(fields))


def _object(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


def _log(**raw: str) -> str:
    """A log record that is good but for its fields `raw`, which are JSON texts."""
    attributes = _attributes(model='{"stringValue": "bad"}', request_id='{"stringValue": "bad"}')
    name = '{"stringValue": "claude_code.api_request"}'
    return _object({"timeUnixNano": f'"{NOON_NS}"', "body": name, "attributes": attributes, **raw})


def _span(**raw: str) -> str:
    times = {"startTimeUnixNano": f'"{NOON_NS}"', "endTimeUnixNano": f'"{NOON_NS}"', "traceId": f'"{TRACE}"'}
    attributes = _attributes(model='{"stringValue": "bad"}', output_tokens='{"intValue": "9"}')
    return _object({"name": '"claude_code.llm_request"', "attributes": attributes, **times, **raw})


def _attributes(**values: str) -> str:
    pairs = (f'{{"key": "{key}", "value": {value}}}' for key, value in values.items())
    return f"[{', '.join(pairs)}]"


NUMBERS = (
    *("-1", '"-1"', "9223372036854775807", "9223372036854775808", '"9223372036854775808"', '"-9223372036854775808"'),
    *('"9007199254740993"', "1" + "0" * 25, "9" * 400, f'"{"9" * 400}"', "1" + "0" * 5000, "1.5", '"1.5"', "1e999"),
    *('"NaN"', '"Infinity"', '"-Infinity"', "true", "null", "[]", "{}", '""', '" "', '"--5"', '"٣"', '"0x10"', '"1_0"'),
)
TIMES = (
    *("0", '"0"', "1", "-1", '"-1"', '"18446744073709551615"', '"18446744073709551616"', "1e30", "1e999", "true"),
    *("null", "[]", "{}", '"abc"', '""', '"253402300799999999999"', '"2025-10-24T12:00:00Z"', "9" * 400, "0.5"),
)
IDS = ('"zz"', '"f"', f'"{"f" * 48}"', f'"{"0" * 32}"', f'"{"F" * 32}"', f'"{"f" * 10_000}"', "7", "null", "[]", '"=="')
TEXTS = {
    "NUL": r'"a\u0000b"',
    "only NUL": r'"\u0000"',
    "a lone high surrogate": r'"a\ud800"',
    "a lone low surrogate": r'"\udc00a"',
    "a pair the wrong way round": r'"\udc00\ud800"',
    "301 letters": f'"{"x" * 301}"',
    "a mebibyte": f'"{"x" * MIB}"',
    "a number": "7",
    "true": "true",
    "an array": '["a"]',
    "an object": '{"a": "b"}',
    "null": "null",
    "U+FFFF": '"\uffff"',
}


def _nested(kind: str, depth: int) -> str:
    if kind == "array":
        return '{"arrayValue": {"values": [' * depth + '{"intValue": 1}' + "]}}" * depth
    return '{"kvlistValue": {"values": [{"key": "a", "value": ' * depth + "{}" + "}]}}" * depth


VALUES = {
    "an array of 30 levels": _nested("array", 30),
    "an array of 200 levels": _nested("array", 200),
    "maps of 30 levels": _nested("map", 30),
    "an array of 100,000": f'{{"arrayValue": {{"values": [{"{},".join([""] * 100_000)}{{}}]}}}}',
    "an array of nothing": '{"arrayValue": {"values": null}}',
    "an array of nulls": '{"arrayValue": {"values": [null, null]}}',
    "two kinds": '{"stringValue": "5", "intValue": 7, "boolValue": true}',
    "two of a kind": '{"intValue": 5, "intValue": 7}',
    "an unknown kind": '{"fooValue": 5}',
    "bytes": '{"bytesValue": "AAECAw=="}',
    "nothing": "{}",
    "null": "null",
    "a bare text": '"5"',
    "a bare number": "5",
    "a bool that is a text": '{"boolValue": "yes"}',
}
ATTRIBUTES = {
    "null": "null",
    "an object": '{"model": "x"}',
    "a text": '"x"',
    "nulls": "[null, null]",
    "without keys": '[{"value": {"intValue": 1}}]',
    "with a key that is a number": '[{"key": 7, "value": {"intValue": 1}}]',
    "with keys of NUL": r'[{"key": "model\u0000", "value": {"stringValue": "x"}}]',
    "10,000 of one key": "[" + ", ".join(['{"key": "model", "value": {"stringValue": "x"}}'] * 10_000) + "]",
}


def bad_json() -> Iterator[tuple[str, str, str]]:
    """(name, signal, record): records whose body is JSON all the same."""
    for text in NUMBERS:
        yield (
            f"output is the number {text[:30]}",
            "logs",
            _log(attributes=_attributes(output_tokens=f'{{"intValue": {text}}}')),
        )
        yield f"asInt is {text[:30]}", "metrics", point(asInt=text)
        yield (
            f"duration is {text[:30]}",
            "traces",
            _span(attributes=_attributes(duration_ms=f'{{"doubleValue": {text}}}')),
        )
    for text in TIMES:
        yield f"its time is {text[:30]}", "logs", _log(timeUnixNano=text)
        yield f"it ends at {text[:30]}", "traces", _span(endTimeUnixNano=text)
        yield f"a point's time is {text[:30]}", "metrics", point(timeUnixNano=text)
    for text in IDS:
        yield f"its trace is {text[:30]}", "traces", _span(traceId=text)
        yield f"its span is {text[:30]}", "logs", _log(spanId=text)
    for name, text in TEXTS.items():
        yield f"its model is {name}", "logs", _log(attributes=_attributes(model=f'{{"stringValue": {text}}}'))
        yield f"its name is {name}", "traces", _span(name=text)
    for name, text in VALUES.items():
        yield f"a value is {name}", "logs", _log(attributes=_attributes(model=text, output_tokens=text))
        yield f"the body is {name}", "logs", _log(body=text)
    for name, text in ATTRIBUTES.items():
        yield f"attributes are {name}", "traces", _span(attributes=text)
    yield from _strange_shapes()


def _strange_shapes() -> Iterator[tuple[str, str, str]]:
    for text in ("null", "7", "true", '"x"', "[]", "[[]]", "{}", '{"a": {"b": []}}'):
        for signal in _GROUPS:
            yield f"it is {text}", signal, text
    yield "its status is an unknown code", "traces", _span(status='{"code": 99}')
    yield "its status is an unknown name", "traces", _span(status='{"code": "STATUS_CODE_MAYBE"}')
    yield "its kind is unknown", "traces", _span(kind='"SPAN_KIND_WHATEVER"')
    yield "its severity is unknown", "logs", _log(severityNumber="-99")
    yield "an unknown field is of 300 levels", "logs", _log(zzz="[" * 300 + "]" * 300)
    yield "a known field stands there twice", "logs", _log()[:-1] + ', "timeUnixNano": "1", "attributes": []}'
    yield "50,000 attributes", "logs", _log(attributes=_many_attributes())
    yield (
        "its temporality is unknown",
        "metrics",
        '{"name": "claude_code.token.usage", "sum": {"aggregationTemporality": 7}}',
    )
    yield "its points are null", "metrics", '{"name": "claude_code.token.usage", "sum": {"dataPoints": [null]}}'
    yield "its sums are more than a bigint", "metrics", _many_points()


def _many_attributes() -> str:
    return "[" + ", ".join(f'{{"key": "k{n}", "value": {{"intValue": {n}}}}}' for n in range(50_000)) + "]"


def _many_points() -> str:
    """1,100 numbers of 2**53 from moment to moment, which add up to more than 2**63."""
    named = {"type": "output", "session.id": "sums", "model": "sums"}
    attributes = _attributes(**{key: f'{{"stringValue": "{value}"}}' for key, value in named.items()})
    moments = (NOON_NS + number * 10**6 for number in range(1_100))
    points = (
        f'{{"startTimeUnixNano": "{at}", "timeUnixNano": "{at}", "asInt": "{2**53}", "attributes": {attributes}}}'
        for at in moments
    )
    data = '{{"aggregationTemporality": 1, "dataPoints": [{}]}}'.format(", ".join(points))
    return f'{{"name": "claude_code.token.usage", "sum": {data}}}'


def _varint(number: int, value: int) -> bytes:
    return encoded([(number, 0, value)])


def _fixed64(number: int, value: int) -> bytes:
    return encoded([(number, 1, value)])


def held(number: int, *parts: bytes) -> bytes:
    """A field of bytes: a text, or the message that `parts` make."""
    return encoded([(number, 2, b"".join(parts))])


def _pair(key: bytes, value: bytes) -> bytes:
    return held(6, held(1, key), held(2, value))


def _double(number: float) -> bytes:
    return encoded([(4, 1, int.from_bytes(struct.pack("<d", number), "little"))])


def _recursion(depth: int) -> bytes:
    value = b""
    for _ in range(depth):
        value = held(5, held(1, value))
    return value


_TIME = _fixed64(1, NOON_NS)
_NAMED = (
    held(5, held(1, b"claude_code.api_request"))
    + _pair(b"model", held(1, b"bad"))
    + _pair(b"request_id", held(1, b"bad"))
)
BAD_PROTOBUF: dict[str, bytes] = {
    "is empty": b"",
    "has no time": _NAMED,
    "is of the last moment": _fixed64(1, 2**64 - 1) + _NAMED,
    "is of the year 9999": _fixed64(1, 253_402_300_799 * 10**9) + _NAMED,
    "has a time that is a varint": _varint(1, 5) + _NAMED,
    "has a time that is a text": held(1, b"noon") + _NAMED,
    "has attributes that are numbers": _TIME + _varint(6, 7),
    "has a body that is a number": _TIME + _varint(5, 7) + _NAMED,
    "has a field that nobody knows": _TIME + _NAMED + held(1000, bytes(MIB)),
    "has a group that nobody knows": _TIME + _NAMED + b"\xfb\x01\xfc\x01",
    "has 50,000 attributes": _TIME + _NAMED + b"".join(_pair(b"k%d" % n, b"\x18\x01") for n in range(50_000)),
    "has 50,000 of one attribute": _TIME + _NAMED + _pair(b"model", held(1, b"m")) * 50_000,
    "has an attribute without a key": _TIME + _NAMED + held(6, held(2, held(1, b"x"))),
    "has an attribute without a value": _TIME + _NAMED + held(6, held(1, b"output_tokens")),
    "has a text of 1 MiB": _TIME + _NAMED + _pair(b"session.id", held(1, b"x" * MIB)),
    "has an array of 100,000": _TIME + _NAMED + _pair(b"a", held(5, held(1, b"") * 100_000)),
    "has arrays of 20 levels": _TIME + _NAMED + _pair(b"model", _recursion(20)),
    "has NUL in its texts": _TIME + _pair(b"model", held(1, b"\0")) + _pair(b"session.id", held(1, b"a\0b")) + _NAMED,
    "has a model of bytes": _TIME + _NAMED + _pair(b"model", held(7, b"\xff\xfe")),
    "has a severity that nobody knows": _TIME + _NAMED + _varint(2, 99) + _varint(2, 2**64 - 1),
    **{f"has a trace id of {size} bytes": _TIME + _NAMED + held(9, b"\1" * size) for size in (1, 8, 16, 24, 100_000)},
    **{f"has a span id of {size} bytes": _TIME + _NAMED + held(10, b"\1" * size) for size in (1, 16, 24)},
    **{
        f"has {n} tokens": _TIME + _NAMED + _pair(b"output_tokens", _varint(3, n % 2**64))
        for n in (-1, -(2**63), 2**63 - 1)
    },
    **{
        f"costs {n}": _TIME + _NAMED + _pair(b"cost_usd", _double(n))
        for n in (float("nan"), float("inf"), float("-inf"), -1.0, 1e308, 5e-324, -0.0)
    },
    **{
        f"takes {n} ms": _TIME + _NAMED + _pair(b"duration_ms", _double(n))
        for n in (float("nan"), float("inf"), -1.0, 1e18)
    },
}


def protobuf_of(*logs: bytes) -> bytes:
    """An export of encoded log records by Claude Code."""
    service = held(1, held(1, b"service.name"), held(2, held(1, b"claude-code")))
    return held(1, held(1, service), held(2, *(held(2, log) for log in logs)))


def good_protobuf(model: str) -> bytes:
    """A log record that counts one call of `model`."""
    named = {b"event.name": b"api_request", b"model": model.encode(), b"request_id": f"req {model}".encode()}
    pairs = [_pair(key, held(1, value)) for key, value in named.items()]
    return _TIME + b"".join(pairs) + _pair(b"output_tokens", _varint(3, 9))


def bad_bodies() -> dict[str, Callable[[], Body]]:
    """Bodies of logs that are bad as a whole, each made only when it is asked for."""
    text, raw = body_of("logs", good("logs", "whole")), protobuf_of(good_protobuf("whole"))
    packed = gzip.compress(text)
    small = _broken(text, raw, packed) | _cut(text, raw, packed)
    return {name: partial(_made, body) for name, body in small.items()} | _large(text, raw, packed)


def _made(body: Body) -> Body:
    return body


def _broken(text: bytes, raw: bytes, packed: bytes) -> dict[str, Body]:
    return {
        "JSON that is empty": (b"", JSON),
        "JSON that is blank": (b" \n", JSON),
        "JSON called protobuf": (text, PROTOBUF),
        "protobuf called JSON": (raw, JSON),
        "JSON in UTF-16": (text.decode().encode("utf-16"), JSON),
        "an array": (b"[" + text + b"]", JSON),
        "two bodies": (text + text, JSON),
        "a form": (b"a=b&c=d", {"Content-Type": "application/x-www-form-urlencoded"}),
        "a multipart form": (b"--x\r\n\r\n--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
        "plain text": (text, {"Content-Type": "text/plain"}),
        "a type that is none": (text, {"Content-Type": ";;;"}),
        "gRPC": (b"\0\0\0\0\5" + raw, {"Content-Type": "application/grpc"}),
        "gzip that nobody said": (packed, JSON),
        "gzip that is none": (text, {**JSON, **GZIP}),
        "gzip with garbage after it": (packed + b"garbage", {**JSON, **GZIP}),
        "gzip that holds gzip": (gzip.compress(packed), {**JSON, **GZIP}),
        "invalid UTF-8 in protobuf": (protobuf_of(_TIME + _pair(b"model", held(1, b"\xff\xfe"))), PROTOBUF),
        "a surrogate in protobuf": (protobuf_of(_TIME + _pair(b"model", held(1, b"\xed\xa0\x80"))), PROTOBUF),
        "a length beyond the end": (raw[:1] + b"\xff\xff\xff\x7f" + raw[2:], PROTOBUF),
        "a varint without end": (b"\x08" + b"\xff" * 100, PROTOBUF),
        "a group without end": (b"\x0b" * 1_000, PROTOBUF),
        "field number 0": (b"\x02\x00", PROTOBUF),
        "wire type 7": (b"\x0f\x00", PROTOBUF),
    }


def _cut(text: bytes, raw: bytes, packed: bytes) -> dict[str, Body]:
    words = {word: text.replace(b'"9"', word.encode()) for word in ("NaN", "Infinity", "undefined")}
    kinds = {word: f'{{"resourceLogs": {word}}}'.encode() for word in ("7", '"x"', "{}", "[7]")}
    return {
        **{f"the word {word}": (body, JSON) for word, body in words.items()},
        **{f"resourceLogs are {word}": (body, JSON) for word, body in kinds.items()},
        **{f"JSON cut at {cut}": (text[:cut], JSON) for cut in range(1, len(text) - 1, 31)},
        **{f"protobuf cut at {cut}": (raw[:cut], PROTOBUF) for cut in range(3, len(raw), 11)},
        **{f"gzip cut at {cut}": (packed[:cut], {**JSON, **GZIP}) for cut in range(1, len(packed), 29)},
        **{f"{name}, which is not known": (packed, {**JSON, "Content-Encoding": name}) for name in UNKNOWN},
    }


def _large(text: bytes, raw: bytes, packed: bytes) -> dict[str, Callable[[], Body]]:
    record = good_protobuf("whole")
    deep = {
        "an array of 3,000 levels": _nested("array", 3_000),
        "maps of 30,000 levels": _nested("map", 30_000),
        "brackets of 100,000 levels": DEEP,
        "braces of 100,000 levels": DEEP_OBJECT,
    }  # each reader's own stack ends somewhere below, and nothing of such a body can be told from the rest
    nested = {f"a value is {name}": _log(attributes=_attributes(model=value)) for name, value in deep.items()}
    nested |= {f"an unknown field is {name}": _log(zzz=value) for name, value in deep.items()}
    return {name: partial(_deep_body, log) for name, log in nested.items()} | {
        "brackets of 100,000 levels": lambda: (DEEP.encode(), JSON),
        "braces of 100,000 levels": lambda: (DEEP_OBJECT.encode(), JSON),
        "resources of 100,000 levels": lambda: (b'{"resourceLogs":[' * 100_000, JSON),
        "20 MiB of brackets": lambda: (b"[" * (20 * MIB), JSON),
        "20 MiB of quotes": lambda: (b'"' * (20 * MIB), JSON),
        "20 MiB of one bad text": lambda: (b'{"resourceLogs": "' + b"\\ud800" * (3 * MIB) + b'"}', JSON),
        "21 MiB": lambda: (text + b" " * (21 * MIB), JSON),
        "21 MiB of protobuf": lambda: (raw + held(1000, bytes(21 * MIB)), PROTOBUF),
        "100,000 levels of protobuf": lambda: (b"\x0a" * 200_000, PROTOBUF),
        "AnyValue of 200 levels": lambda: (protobuf_of(_TIME + _pair(b"a", _recursion(200))), PROTOBUF),
        "AnyValue of 2,000 levels": lambda: (protobuf_of(_TIME + _pair(b"a", _recursion(2_000))), PROTOBUF),
        "50,001 records": lambda: (protobuf_of(*[b""] * MOST_RECORDS, record), PROTOBUF),
        "50,001 records in JSON": lambda: (body_of("logs", *["{}"] * MOST_RECORDS, good("logs", "whole")), JSON),
        "a bomb": lambda: (bomb(), {**JSON, **GZIP}),
        "a bomb of protobuf": lambda: (bomb(), {**PROTOBUF, **GZIP}),
        "a bomb in two members": lambda: (packed + bomb(), {**JSON, **GZIP}),
        "a million empty members": lambda: (gzip.compress(b"") * MIB, {**JSON, **GZIP}),
    }


def _deep_body(record: str) -> Body:
    return body_of("logs", good("logs", "whole"), record), JSON
