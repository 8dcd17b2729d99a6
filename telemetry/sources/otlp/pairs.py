"""Attributes on the wire of protobuf, read as few times as possible. Pure.

A program's spans bear the same attributes over and over: the same names, and mostly the same values. So requests are
parsed by OTLP's own messages but for their attributes, which stay bytes: whose bytes were read before is known, and a
number behind a name that was read before is a varint. All others are read by protobuf. Source: OTLP 1.10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from telemetry.sources.otlp.records import MAX_TEXT

_LEFT_AS_BYTES = {
    "Span": ("attributes", "events", "links"),
    "LogRecord": ("attributes",),
    "NumberDataPoint": ("attributes", "exemplars"),
    "HistogramDataPoint": ("attributes", "exemplars"),
    "Resource": ("attributes",),
}
_FILES: tuple[ModuleType, ...] = (
    *(common_pb2, resource_pb2, trace_pb2, logs_pb2, metrics_pb2),
    *(trace_service_pb2, logs_service_pb2, metrics_service_pb2),
)
_KEY, _VALUE, _INT = 0x0A, 0x12, 0x18  # tags on the wire: fields 1 and 2 of KeyValue, field 3 of AnyValue
_MOST_KNOWN = 4096
_LONGEST_KNOWN = 200  # bytes

Pair = tuple[str, Any]
_pairs: dict[bytes, Pair | None] = {}
_numbered: dict[bytes, tuple[str, int]] = {}


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for module in _FILES:
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            for field in message.field:
                if field.name in _LEFT_AS_BYTES.get(message.name, ()):
                    field.type = FieldDescriptorProto.TYPE_BYTES
                    field.ClearField("type_name")
        pool.Add(file)
    return pool


_POOL = _pool()


def parser(request: type[Message]) -> Callable[[bytes], Any]:
    """Parses a request of OTLP, attributes left as bytes; raises DecodeError."""
    lean: Any = GetMessageClass(_POOL.FindMessageTypeByName(request.DESCRIPTOR.full_name))
    parse: Callable[[bytes], Any] = lean.FromString
    return parse


def attributes(encoded: Sequence[bytes]) -> dict[str, Any]:
    """Attributes as plain values, long texts cut. Raises DecodeError."""
    found: dict[str, Any] = {}
    known, numbered = _pairs.get, _numbered.get
    for raw in encoded[:]:  # a list, in one step; protobuf's own sequence makes a step of each
        pair = known(raw)
        if pair is None:
            head = numbered(raw[: raw[1] + 5]) if len(raw) > 5 else None
            number = _varint(raw, head[1]) if head and head[1] == len(raw) - raw[1] - 5 else None
            if head is not None and number is not None:
                found[head[0]] = number
                continue
            pair = _pair(raw)
        if pair:
            found[pair[0]] = pair[1]
    return found


def _pair(raw: bytes) -> Pair | None:
    """An attribute as protobuf reads it, which is remembered where it is likely to come again; None for one without a
    value. Of a number, what stands before it is remembered: the name, and how many bytes follow. Raises DecodeError."""
    pair = _read(raw)
    end = raw[1] + 2 if len(raw) > 1 else 0
    is_plain = end + 2 < len(raw) < 128 and raw[0] == _KEY and raw[end] == _VALUE and raw[end + 1] + end + 2 == len(raw)
    if pair and is_plain and raw[end + 2] == _INT:
        _remember(_numbered, raw[: end + 3], (pair[0], raw[end + 1] - 1))
    if pair and len(raw) <= _LONGEST_KNOWN and type(pair[1]) is not int:
        _remember(_pairs, raw, pair)
    return pair


def _read(raw: bytes) -> Pair | None:
    """An attribute as protobuf reads it. Raises DecodeError."""
    pair = common_pb2.KeyValue.FromString(raw)
    kind = pair.value.WhichOneof("value")
    return (pair.key, _value(pair.value, kind)) if kind else None


def _value(value: Any, kind: str) -> Any:
    if kind == "string_value":
        return value.string_value[:MAX_TEXT]
    if kind == "array_value":
        return tuple(_value(one, one.WhichOneof("value") or "") for one in value.array_value.values[:100])
    if kind in ("kvlist_value", "bytes_value", ""):
        return None
    found = getattr(value, kind)
    return None if isinstance(found, Message) else found


def _varint(raw: bytes, size: int) -> int | None:
    """The whole number below 2**56 in the last `size` bytes of `raw`, else None."""
    if size == 2 and raw[-2] > 127 > raw[-1]:
        return raw[-2] & 127 | raw[-1] << 7
    if size == 3 and raw[-3] > 127 < raw[-2] and raw[-1] < 128:
        return raw[-3] & 127 | (raw[-2] & 127) << 7 | raw[-1] << 14
    number = shift = 0
    for byte in raw[len(raw) - size :]:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number if shift == 7 * size <= 56 else None
    return None


def _remember(known: dict[bytes, Any], raw: bytes, what: object) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[raw] = what
