"""Spans of model calls over OTLP/HTTP, and how many a second are in a database: the load of benchmarks/otlp*.py.

The load generator is `../shared/tools/otlp_load.py` where it is there with what it imports, as one that prefers nobody;
`TLOI_BENCH_PYTHON` names a Python that has aiohttp, psycopg and opentelemetry-proto where ours lacks one of them. Else
it is ours, of the same shape. A span is durable when it can be counted by a statement on the receiver's tables.
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping

import psycopg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks import harness

BATCH = 100
CLIENTS = 4
TOOL = harness.ROOT.parent / "shared" / "tools" / "otlp_load.py"
WAIT_S = 300
_PROTOBUF = "application/x-protobuf"
_MODELS = ("claude-sonnet-4-5", "gpt-5-mini", "kimi-k2", "qwen3-30b-a3b")
_AGENTS = ("devops", "analyst", "creator")
_STORED = re.compile(r"codes=\{200: (\d+)\} stored=(\d+)/(\d+) stored/s=(\d+)")


def send(url: str, count: int, *, dsn: str, count_sql: str, headers: Mapping[str, str]) -> float:
    """Durable spans a second, from the first request until `count` more are counted by `count_sql` on `dsn`. Raises
    RuntimeError where a request is not answered 200, or not all spans are there within WAIT_S."""
    python = interpreter()
    if python is None:
        return _send_ours(url, count, dsn, count_sql, headers)
    command = [python, str(TOOL), url, "-n", str(count), "-b", str(BATCH), "-c", str(CLIENTS)]
    command += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command += ["--dsn", dsn, "--count-sql", count_sql, "--wait", str(WAIT_S)]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=3 * WAIT_S).stdout
    found = _STORED.search(said)
    if found is None or int(found[1]) * BATCH != count or int(found[2]) != count:
        raise RuntimeError(f"not all spans are stored: {said.strip()}")
    return float(found[4])


def interpreter() -> str | None:
    """A Python that can run the neutral tool; None where there is no tool or no such Python."""
    if not TOOL.exists():
        return None
    return sys.executable if importlib.util.find_spec("aiohttp") else os.environ.get("TLOI_BENCH_PYTHON")


def generator() -> str:
    """Which load generator is used, for the figure's detail."""
    return "own" if interpreter() is None else TOOL.name


def bodies(count: int) -> list[bytes]:
    """`count` spans that have never been sent, in bodies of BATCH, as the neutral tool makes them."""
    chance, now = random.Random(7), time.time_ns()
    return [_body(chance, now) for _ in range(count // BATCH)]


def _send_ours(url: str, count: int, dsn: str, count_sql: str, headers: Mapping[str, str]) -> float:
    sent = bodies(count)
    with psycopg.connect(dsn, autocommit=True) as connection:
        before = _counted(connection, count_sql)
        began = time.perf_counter()
        address, path = re.fullmatch(r"(https?://[^/]+)(/.*)", url).groups()  # type: ignore[union-attr]
        harness.post_all(address, path, {**headers, "Content-Type": _PROTOBUF}, sent, clients=CLIENTS)
        while _counted(connection, count_sql) - before < count:
            if time.perf_counter() - began > WAIT_S:
                raise RuntimeError("not all spans are stored")
            time.sleep(0.25)
        return count / (time.perf_counter() - began)


def _counted(connection: psycopg.Connection[tuple[int]], count_sql: str) -> int:
    row = connection.execute(count_sql.encode()).fetchone()
    return row[0] if row else 0


def _body(chance: random.Random, now: int) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(_pairs({"service.name": "bench-agent", "openinference.project.name": "bench"}))
    scope = group.scope_spans.add()
    scope.scope.name = "bench"
    scope.spans.extend(_span(chance, now) for _ in range(BATCH))
    return bytes(request.SerializeToString())


def _span(chance: random.Random, now: int) -> Span:
    model, inputs, output = chance.choice(_MODELS), chance.randint(500, 60_000), chance.randint(50, 4_000)
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": inputs,
        "gen_ai.usage.output_tokens": output,
        "gen_ai.usage.cache_read.input_tokens": inputs // 3,
        "gen_ai.conversation.id": f"s-{chance.randint(1, 500)}",
        "gen_ai.agent.name": chance.choice(_AGENTS),
        "gen_ai.response.finish_reasons": "stop",
        "openinference.span.kind": "LLM",
        "llm.model_name": model,
        "llm.token_count.prompt": inputs,
        "llm.token_count.completion": output,
    }
    return Span(
        trace_id=secrets.token_bytes(16),
        span_id=secrets.token_bytes(8),
        name=f"chat {model}",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=now - chance.randint(500, 30_000) * 10**6,
        end_time_unix_nano=now,
        attributes=_pairs(attributes),
    )


def _pairs(attributes: Mapping[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(key=name, value=AnyValue(int_value=said) if isinstance(said, int) else AnyValue(string_value=said))
        for name, said in attributes.items()
    ]
