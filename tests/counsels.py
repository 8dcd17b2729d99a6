"""Proposals of the concierge that tests write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import json

from skills.concierge.draft import draft
from skills.concierge.gaps import Gap
from skills.models import Advice

AT = datetime(2025, 10, 24, tzinfo=UTC)


def gap_of(word: str, **said: Any) -> Gap:
    """A gap of tasks that say a word."""
    usual: dict[str, Any] = {
        "words": ((word, 2.0),),
        "terms": (word, "polish"),
        "runs": 40,
        "days": 10,
        "looked": 40,
        "fitting": 2,
        "ended": 40,
        "failed": 30,
        "expected": 4.0,
        "times": 1.1,
        "fails": True,
        "costs": False,
        "tokens": 40_000,
        "cost_nanousd": 80_000_000_000,
        "saved_tokens": 26_000,
        "saved_nanousd": 52_000_000_000,
        "nearest": (("aria-health", 30, 0.1234),),
        "examples": (f"polish the {word}",),
    }
    return Gap(**usual | said)


def counsel_of(project_id: int, word: str, **said: Any) -> Advice:
    """A proposal of a skill for tasks that say a word."""
    gap = gap_of(word, **said)
    found = {"gap": json.decode(json.encode(gap)), "draft": json.decode(json.encode(draft(gap)))}
    return Advice.objects.create(project_id=project_id, kind="gap", key=word, weight=gap.runs, found=found, found_at=AT)


def idle_of(project_id: int, skill: str) -> Advice:
    """A flag of a skill that nobody needs."""
    idle = {
        "skill": skill,
        "since": "2025-08-01T00:00:00Z",
        "days": 84,
        "loads": 1,
        "last_at": "2025-08-02T00:00:00Z",
        "fitting": 3,
        "tasks": 900,
        "tokens": 219,
        "a_year": 18.2,
    }
    return Advice.objects.create(
        project_id=project_id, kind="idle", key=skill, weight=84, found={"idle": idle}, found_at=AT
    )


def double_of(project_id: int, one: str, other: str) -> Advice:
    """Two skills that say the same."""
    double = {
        "one": one,
        "other": other,
        "alike": 0.81,
        "runs": 12,
        "days": 4,
        "saved_tokens": 2_400,
        "saved_nanousd": 30_000_000,
        "examples": ["count herons"],
    }
    return Advice.objects.create(
        project_id=project_id, kind="double", key=f"{one} {other}", weight=12, found={"double": double}, found_at=AT
    )
