"""What real agents exported, sent again byte for byte: each call counted once, by every route and in any order."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from telemetry.database import connection
from telemetry.importer.importing import import_files
from telemetry.importer.registry import LOCAL_SOURCES
from telemetry.models import Project
from tests.api_calls import ask
from tests.otlp_replay import CAPTURED, Captured, captured, replay

pytestmark = pytest.mark.shared_data
LOOP = "claude-code-2.1.329_http-protobuf-gzip-cumulative"
SMALL = "claude-code-2.1.329_http-json"
CODEX = "codex-0.169.0"
GEMINI = "gemini-cli-0.61.0"
Step = Callable[[], None]


def send(web: str, key: str, requests: list[Captured]) -> None:
    """Replay requests; each must be taken whole."""
    for request in requests:
        answer = replay(web, key, request)
        assert answer.status == 200
        assert answer.content in (b"", b"{}"), answer.content


def read_file(project: Project, source: str, path: Path) -> None:
    """Import a file beside the captured requests."""
    (known,) = (one for one in LOCAL_SOURCES if one.name == source)
    report = import_files(
        connection(),
        project_id=project.pk,
        source=known,
        files=[path],
        host="laptop",
        clock=lambda: datetime.now(UTC),
    )
    assert not report.unreadable
    assert not report.skipped


def totals(web: str, key: str) -> dict[str, Any]:
    """What the API says of everything in November 2026."""
    query = "from=2026-11-01&to=2026-11-30&tz=UTC&by=model"
    return dict(ask(web, "GET", f"/api/v1/usage/?{query}", key=key).json["total"])


def loop_totals() -> dict[str, int]:
    """The recorded sums of the long run, as TLOI names them."""
    expected = json.loads((CAPTURED / LOOP / "expected.json").read_text())["sums_from_events"]
    assert expected["cost_usd"] == 10.10442
    return {
        "calls": 664,
        "input_uncached": expected["input_tokens"],
        "output": expected["output_tokens"],
        "cache_read": expected["cache_read_tokens"],
        "cache_write_1h": expected["cache_creation_1h_tokens"],
        "cache_write_5m": expected["cache_creation_tokens"] - expected["cache_creation_1h_tokens"],
        "cache_write_unknown": 0,
        "unpriced_calls": 0,
    }


def test_the_logs_of_a_long_run_of_claude_code_are_its_recorded_sums(web: str, key: str) -> None:
    for _ in range(2):
        send(web, key, captured(LOOP, "logs"))
        found = totals(web, key)
        assert {name: found[name] for name in loop_totals()} == loop_totals()
        assert Decimal(found["cost_usd"]) == Decimal("10.10442")


@pytest.mark.parametrize("order", [0, 3, *(pytest.param(order, marks=pytest.mark.slow) for order in (1, 2))])
def test_logs_spans_metrics_and_transcript_of_one_run_are_counted_once(
    web: str, project: Project, key: str, order: int
) -> None:
    transcript = CAPTURED / "claude-code-2.1.329_transcript_tool_loop.jsonl"
    steps: list[Step] = [partial(send, web, key, captured(LOOP, signal)) for signal in ("logs", "traces", "metrics")]
    steps.append(partial(read_file, project, "claude-code", transcript))
    random.Random(order).shuffle(steps)
    if order == 3:  # and once shuffled down to the single request
        steps = [partial(send, web, key, [request]) for request in captured(LOOP)] + steps[-1:]
        random.Random(order).shuffle(steps)
    for step in steps:
        step()
    found = totals(web, key)
    assert {name: found[name] for name in loop_totals()} == loop_totals()
    assert Decimal(found["cost_usd"]) == Decimal("10.10442")


@pytest.mark.parametrize("order", list(itertools.permutations(("traces", "logs", "metrics"))), ids=" ".join)
def test_a_small_run_of_claude_code_is_two_calls(web: str, key: str, order: tuple[str, ...]) -> None:
    for signal in order:
        send(web, key, captured(SMALL, signal))
    found = totals(web, key)
    assert (found["calls"], found["input_uncached"], found["output"], found["cache_read"]) == (2, 25, 284, 6_800)
    assert (found["cache_write_5m"], found["cache_write_1h"], found["cache_write_unknown"]) == (2_000, 400, 0)
    assert Decimal(found["cost_usd"]) == Decimal("0.016275")


@pytest.mark.parametrize("order", list(itertools.permutations(("traces", "logs", "rollout"))), ids=" ".join)
def test_codex_is_counted_once_by_turn_by_event_and_by_rollout(
    web: str, project: Project, key: str, order: tuple[str, ...]
) -> None:
    for signal in order:
        if signal == "rollout":
            read_file(project, "codex", CAPTURED / "codex-0.169.0_rollout.jsonl")
        else:
            send(web, key, captured(CODEX, signal, "metrics"))
    found = totals(web, key)
    assert (found["calls"], found["input_uncached"], found["cache_read"]) == (2, 10_003 - 8_192, 8_192)
    assert (found["output"], found["reasoning"]) == (420, 128)


def test_spans_of_codex_alone_count_the_turn(web: str, key: str) -> None:
    send(web, key, captured(CODEX, "traces"))
    found = totals(web, key)
    assert (found["calls"], found["input_uncached"], found["cache_read"], found["output"]) == (1, 1_811, 8_192, 420)


@pytest.mark.parametrize("order", list(itertools.permutations(("traces", "logs", "chat"))), ids=" ".join)
def test_gemini_is_counted_once_by_event_and_by_chat_and_its_bodies_are_chunked(
    web: str, project: Project, key: str, order: tuple[str, ...]
) -> None:
    assert all(request.is_chunked for request in captured(GEMINI))
    for signal in order:
        if signal == "chat":
            read_file(project, "gemini", CAPTURED / "gemini-cli-0.61.0_chat.jsonl")
        else:
            send(web, key, captured(GEMINI, signal, "metrics"))
    found = totals(web, key)
    assert (found["calls"], found["input_uncached"], found["cache_read"]) == (1, 901 - 512, 512)
    assert (found["output"], found["reasoning"]) == (55 + 120, 120)


@pytest.mark.parametrize(("folder", "calls"), [(SMALL, 2), (LOOP, 664), (GEMINI, 1)])
def test_metrics_count_where_nothing_else_arrives_and_give_way_to_calls(
    web: str, key: str, folder: str, calls: int
) -> None:
    for _ in range(2):
        send(web, key, captured(folder, "metrics"))
    measured = totals(web, key)
    send(web, key, captured(folder, "logs"))
    counted = totals(web, key)
    assert (measured["calls"], counted["calls"]) == (1, calls)
    for sum_of in (("input_uncached",), ("cache_read",), ("output",), ("cache_write_5m", "cache_write_1h")):
        unsplit = measured["cache_write_unknown"] if len(sum_of) > 1 else 0
        assert sum(measured[name] for name in sum_of) + unsplit == sum(counted[name] for name in sum_of)
    send(web, key, captured(folder, "metrics"))
    assert totals(web, key) == counted
