"""The demo has a kind of tasks that no skill of the catalogue covers, and the concierge finds that one alone."""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks.skills_retrieval import catalogue
from skills.concierge.looking import look
from skills.matching.index import Index, entry
from telemetry.contracts import TaskRun
from telemetry.sources.demo import invent
from telemetry.usage import DONE

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_of_the_demos_tasks_translations_lack_a_skill() -> None:
    days = list(invent(now=NOW, days=28, agents=1))
    tokens = {call.execution_id: call.input_uncached + call.output for day in days for call in day.calls}
    runs = [
        TaskRun(
            at=run.started_at,
            text=run.task_id,
            agent=run.agent,
            is_well=None if any("429" in error for error in run.errors) else run.status in DONE,
            tokens=tokens[run.execution_id],
        )
        for day in days
        for run in day.executions
    ]
    index = Index([entry(**skill) for skill in catalogue()])
    found = look(runs, index, shelved=(), loads={}, alike=(), now=NOW)
    assert ["translate" in gap.terms for gap in found.gaps] == [True]
    assert found.gaps[0].fails
