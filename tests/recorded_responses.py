"""386 responses of real providers, as OpenLLMetry told of them and as the providers counted them."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from telemetry.contracts import Call
from telemetry.sources.otlp import wire
from telemetry.sources.otlp.dialects import openllmetry
from telemetry.sources.otlp.records import Span
from tests.conftest import SHARED_DATA


@cache
def recorded_spans() -> list[Span]:
    """The spans, in the order that the responses were replayed in; both encodings say the same."""
    folder = SHARED_DATA / "otlp_openllmetry"
    decoded = wire.spans((folder / "traces.otlp.json").read_bytes(), is_json=True)
    assert not decoded.rejected
    assert decoded.records == wire.spans((folder / "traces.otlp.pb").read_bytes(), is_json=False).records
    return sorted(decoded.records, key=lambda one: one.started_at)


@cache
def recorded() -> list[tuple[dict[str, Any], Call | None]]:
    """Each recorded response, in the order that they were replayed in, with the call that its span is read as."""
    spans = recorded_spans()
    expected = SHARED_DATA / "otlp_openllmetry" / "expected_usage.jsonl"
    lines = [msgspec.json.decode(line) for line in expected.read_bytes().splitlines()]
    assert [line["spans"] for line in lines] == [1] * len(spans)
    read = []
    for one in spans:
        assert openllmetry.owns_span(one)
        record = openllmetry.read_span(one)
        assert record is None or isinstance(record, Call)
        read.append(record)
    return list(zip(lines, read, strict=True))


def provided(line: dict[str, Any]) -> tuple[int, int, int, int, int, int]:
    """The buckets of a response as its provider counted it; a time to live is nothing that this library tells."""
    usage = line["usage"]
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    if line["kind"] == "msg":
        return usage["input_tokens"], read, 0, 0, written, usage["output_tokens"]
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    cached = details.get("cached_tokens") or 0
    inputs = usage.get("prompt_tokens", usage.get("input_tokens"))
    return inputs - cached, cached, 0, 0, 0, usage.get("completion_tokens", usage.get("output_tokens", 0))


def is_streamed_by_anthropic(line: dict[str, Any]) -> bool:
    return (line["kind"], line["stream"]) == ("msg", True)
