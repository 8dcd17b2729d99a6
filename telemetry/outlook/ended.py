"""Runs as they are learned from: their keys, and what they came to in each measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.limits.granted import amount
from telemetry.outlook.expected import Asked, Counts
from telemetry.outlook.keys import Key, fingerprint, keys_of
from telemetry.statements import statement
from telemetry.usage import RUNNING

_MOST = 2**63 - 1  # that is stored, however absurd the counts


@dataclass(frozen=True, kw_only=True)
class EndedRun:
    """A run with the sums of its calls, as `models.Run` describes it; what it lasted is known where it had several
    calls, or says so."""

    execution_id: str
    started_at: datetime
    ended_at: datetime
    task_id: str
    task_type: str
    tool: str
    agent: str
    session_id: str
    session_type: str
    objective: str
    status: str
    description: str
    duration_ms: int | None
    calls: int
    unpriced_calls: int
    input_uncached: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    cache_write_unknown: int
    output: int
    cost_nanousd: int

    @property
    def is_going(self) -> bool:
        """Whether nothing says that it has ended."""
        return not self.status or self.status.lower() in RUNNING

    @cached_property
    def keys(self) -> list[Key]:
        """Its keys, coarse to fine."""
        said = fingerprint(self.description, self.task_id)
        return keys_of(tool=self.tool, task_type=self.task_type, agent=self.agent, fingerprint=said)

    @cached_property
    def amounts(self) -> dict[str, int]:
        """What it came to, in each measure that is known and not nothing; costs only where each call has a price."""
        found: dict[str, int | None] = {
            "gross": self.used("gross"),
            "weighted": self.used("weighted"),
            "usd": None if self.unpriced_calls else self.cost_nanousd,
            "duration_ms": self.duration_ms,
        }
        return {measure: min(value, _MOST) for measure, value in found.items() if value and value > 0}

    def used(self, counts: Counts) -> int:
        """What it has come to so far, in the unit of a budget."""
        return min(amount(counts, self), _MOST)

    @property
    def asked(self) -> Asked:
        """What would have been asked before it."""
        return Asked(
            task_type=self.task_type,
            tool=self.tool,
            agent=self.agent,
            task_id=self.task_id,
            session_id=self.session_id,
            session_type=self.session_type,
            execution_id=self.execution_id,
            objective=self.objective,
        )


def runs_to_learn(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> list[EndedRun]:
    """These runs, in the order in which they ended; those that are gone are left out."""
    with conn.cursor(row_factory=class_row(EndedRun)) as cursor:
        arguments = {"project": project_id, "keys": list(keys)}
        return cursor.execute(statement(__package__, "runs_to_learn"), arguments).fetchall()
