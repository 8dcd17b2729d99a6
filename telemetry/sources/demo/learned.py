"""Skills that the invented team loads for its tasks: those of the catalogue that fit, by what a run is called. Pure.

A load depends on nothing but its run, as everything of the demo does. What a skill changes is not modelled: runs end
as they would without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

from telemetry.contracts import Execution, SkillLoad

# Task type to skills, each with how many of a hundred runs load it.
_LOADED = {
    "feature": (("aria-review", 35), ("aria-database", 15)),
    "bugfix": (("aria-logs", 60), ("aria-database", 20), ("aria-health", 10)),
    "refactor": (("aria-review", 55),),
    "review": (("aria-review", 80), ("aria-security", 25)),
    "research": (("aria-report", 40),),
    "report": (("aria-report", 70), ("aria-tokens", 20)),
    "triage": (("aria-health", 55), ("aria-logs", 30)),
    "nightly": (("aria-backup", 60), ("aria-health", 20)),
    "release": (("aria-deploy", 70), ("aria-health", 25)),
}
_SELDOM = (("aria-health", 8), ("aria-tokens", 4))
_TOKENS = {
    "aria-review": 198,
    "aria-database": 467,
    "aria-logs": 202,
    "aria-health": 241,
    "aria-security": 233,
    "aria-report": 188,
    "aria-tokens": 205,
    "aria-deploy": 205,
    "aria-backup": 196,
}


def skill_loads(executions: Iterable[Execution]) -> list[SkillLoad]:
    """The skills that runs loaded, shortly after they began."""
    return [
        _load(execution, skill)
        for execution in executions
        for skill, percent in _LOADED.get(execution.task_type, _SELDOM)
        if _number(execution, skill, "is loaded") % 100 < percent
    ]


def _load(execution: Execution, skill: str) -> SkillLoad:
    number = _number(execution, skill, "how")
    is_cold = number % 23 == 0
    after_s = min(1 + number % 20, execution.execution_time or 0)
    return SkillLoad(
        id=uuid5(NAMESPACE_URL, f"tloi-demo:{execution.execution_id}:{skill}"),
        loaded_at=execution.started_at + timedelta(seconds=after_s),
        skill=skill,
        digest=sha256(f"demo:{skill}:{execution.started_at:%Y-%m}".encode()).hexdigest(),
        tokens=_TOKENS[skill],
        load_us=60 + number % 190 if is_cold else 5 + number % 12,
        route="api",
        agent=execution.agent,
        task_type=execution.task_type,
        session_id=execution.session_id,
        execution_id=execution.execution_id,
    )


def _number(execution: Execution, skill: str, what: str) -> int:
    return int.from_bytes(sha256(f"{execution.execution_id}:{skill}:{what}".encode()).digest()[:4])
