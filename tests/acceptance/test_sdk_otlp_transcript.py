"""One run told three times, by the agents' SDK, by OTLP and by its transcript: counted once, in any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from telemetry.client import TokenTelemetry
from telemetry.models import Execution, Project
from tests.acceptance.test_otlp_captured import SMALL, read_file, send, totals
from tests.otlp_replay import CAPTURED, captured

pytestmark = pytest.mark.shared_data
SESSION = "7af20a39-55c8-47ed-8777-511e9df7dc05"
BEGAN = datetime(2026, 11, 20, 17, 56, tzinfo=UTC)


@pytest.mark.parametrize("order", list(itertools.permutations(("sdk", "otlp", "transcript"))), ids=" ".join)
def test_a_run_told_three_times_is_counted_once(
    web: str, project: Project, key: str, tmp_path: Path, order: tuple[str, ...]
) -> None:
    def by_sdk() -> None:
        telemetry = TokenTelemetry(web, key, spool_dir=str(tmp_path))
        took = (datetime.now(UTC) - BEGAN).total_seconds()
        telemetry.record_completion(
            task_id="sync",
            tokens_input=9_000,
            tokens_output=300,
            execution_time=took,
            session_id=SESSION,
            status="done",
        )
        assert telemetry.flush(20)
        telemetry.close()

    routes: dict[str, Callable[[], None]] = {
        "sdk": by_sdk,
        "otlp": lambda: send(web, key, captured(SMALL)),
        "transcript": lambda: read_file(
            project, "claude-code", CAPTURED / "claude-code-2.1.329_transcript_small.jsonl"
        ),
    }
    for route in order:
        routes[route]()
    found = totals(web, key)
    assert (found["calls"], found["input_uncached"], found["output"], found["cache_read"]) == (2, 25, 284, 6_800)
    assert (found["cache_write_5m"], found["cache_write_1h"], found["cache_write_unknown"]) == (2_000, 400, 0)
    assert Decimal(found["cost_usd"]) == Decimal("0.016275")
    run = Execution.objects.get(project_id=project.pk, task_id="sync")
    assert (run.sent_input_tokens, run.sent_output_tokens, run.has_calls, run.status) == (9_000, 300, True, "done")


def test_the_sdk_alone_counts_what_it_was_told(web: str, key: str, tmp_path: Path) -> None:
    telemetry = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    took = (datetime.now(UTC) - BEGAN).total_seconds()
    telemetry.record_completion(task_id="sync", tokens_input=9_000, tokens_output=300, execution_time=took)
    telemetry.flush(20)
    telemetry.close()
    found = totals(web, key)
    assert (found["calls"], found["input_uncached"], found["output"]) == (1, 9_000, 300)
