"""How soon a run repeats another is noted as runs are added up: never more than it is, whatever comes when."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from telemetry.contracts import Execution
from telemetry.models import Run
from tests.ledger_reading import new_tenant, send
from tests.run_reading import added_up

pytestmark = pytest.mark.usefixtures("database")
AT = datetime(2026, 11, 10, 8, tzinfo=UTC)


def execution(key: str, seconds: float, task: str = "t") -> Execution:
    return Execution(execution_id=key, started_at=AT + timedelta(seconds=seconds), task_id=task)


def noted(tenant: int) -> dict[str, int | None]:
    return dict(Run.objects.filter(project_id=tenant).values_list("execution_id", "repeats_after_s"))


def true_gaps(tenant: int) -> dict[str, int | None]:
    """The same, found by looking at all runs."""
    before: dict[str, datetime] = {}
    gaps: dict[str, int | None] = {}
    for run in Run.objects.filter(project_id=tenant).order_by("started_at", "execution_id"):
        earlier = before.get(run.task_key) if run.task_key else None
        gaps[run.execution_id] = None if earlier is None else (run.started_at - earlier) // timedelta(seconds=1)
        before[run.task_key] = run.started_at
    return gaps


def is_within(found: int | None, gap: int) -> bool:
    return found is not None and found <= gap


def test_runs_of_one_batch_are_noted_in_whole_seconds() -> None:
    tenant = new_tenant()
    send(tenant, executions=[execution("a", 0), execution("b", 59.9), execution("c", 59.9), execution("x", 1, "other")])
    added_up(tenant)
    assert noted(tenant) == {"a": None, "b": 59, "c": 0, "x": None}


def test_one_that_comes_late_is_noted_with_the_one_after_it() -> None:
    tenant = new_tenant()
    send(tenant, executions=[execution("a", 0), execution("c", 9_000)])
    added_up(tenant)
    assert noted(tenant) == {"a": None, "c": 9_000}
    send(tenant, executions=[execution("b", 6_000)])
    added_up(tenant)
    assert noted(tenant) == {"a": None, "b": 6_000, "c": 3_000}


def test_what_was_cut_out_of_a_transcript_repeats_nothing() -> None:
    tenant = new_tenant()
    send(tenant, executions=[execution("a", 0)])
    send(tenant, executions=[execution("b", 5)], source="claude-code")
    send(tenant, executions=[execution("c", 9)])
    added_up(tenant)
    assert noted(tenant) == {"a": None, "b": None, "c": 9}


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_no_note_says_more_than_there_is(seed: int) -> None:
    """Runs come, begin earlier than was known, and name their task later. Where nothing moves, each note is exact."""
    dice, tenant = Random(seed), new_tenant()
    starts: dict[str, float] = defaultdict(lambda: dice.randrange(40_000) / 2)
    for _ in range(8):
        some = [f"r-{dice.randrange(25)}" for _ in range(dice.randrange(1, 7))]
        for key in some:
            starts[key] -= dice.choice((0, 0, 400 * (seed % 2)))
        send(tenant, executions=[execution(key, starts[key], f"t-{int(key[2:]) % 4}") for key in sorted(set(some))])
        added_up(tenant)
        found, true = noted(tenant), true_gaps(tenant)
        if seed % 2:
            assert [key for key, gap in true.items() if gap is not None and not is_within(found[key], gap)] == []
        else:
            assert found == true
    assert any(gap is not None for gap in found.values())
