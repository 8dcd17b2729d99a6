"""What pages read of runs, sessions and their calls, a row each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from telemetry.contracts import UsageRow

SUMS = tuple(name for name in UsageRow.__struct_fields__ if name != "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """An execution with the sums of its calls, as `models.Run` describes it."""

    execution_id: str
    started_at: datetime
    ended_at: datetime | None
    task_key: str
    task_id: str
    task_type: str
    tool: str
    action: str
    agent: str
    host: str
    model: str
    session_id: str
    session_type: str
    objective: str
    source: str
    status: str
    errors: int
    duration_ms: int | None
    is_cut: bool
    is_provider_fault: bool
    is_verified: bool | None
    calls: int
    failed_calls: int
    subagents: int
    input_uncached: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    cache_write_unknown: int
    output: int
    reasoning: int
    cost_nanousd: int
    unpriced_calls: int
    first_call_at: datetime | None
    last_call_at: datetime | None

    @property
    def usage(self) -> UsageRow:
        """The sums of its calls."""
        return UsageRow(key=self.execution_id, **{name: getattr(self, name) for name in SUMS})

    @property
    def lasted_ms(self) -> int | None:
        """How long it took: as the sender says, else up to its last call; None where it had one alone."""
        if self.duration_ms is not None or self.ended_at is None or self.ended_at <= self.started_at:
            return self.duration_ms
        return (self.ended_at - self.started_at) // timedelta(milliseconds=1)

    @property
    def name(self) -> str:
        """What a person calls it: its task, else what kind of work it was; empty where nobody said."""
        done = " · ".join(filter(None, (self.tool, self.action)))
        return self.task_id or self.task_type or done


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session with the sums of its calls in a window; its first and its last call may lie outside."""

    session_id: str
    first_at: datetime
    last_at: datetime
    usage: UsageRow


@dataclass(frozen=True, slots=True)
class ModelShare:
    """What one model's calls of a session add up to."""

    session_id: str
    model: str
    cost_nanousd: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call in its place among others: `number` counts from 1. `cost_nanousd` is None where nobody knows a price."""

    number: int
    started_at: datetime
    model: str
    subagent_id: str
    skill: str
    input_uncached: int
    cache_read: int
    cache_write: int
    output: int
    cost_nanousd: int | None
    duration_ms: int | None
    error_type: str
    is_total: bool

    @property
    def context(self) -> int:
        """All its input."""
        return self.input_uncached + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class Point:
    """Calls in a row of the main conversation, or of sub-agents, as one point of a curve: the largest of them, its
    number and its input; and what all calls up to the last of them had cost."""

    number: int
    at: datetime
    is_subagent: bool
    calls: int
    context: int
    spent_nanousd: int


@dataclass(frozen=True, slots=True)
class Part:
    """Sums of the calls that one sub-agent made, or that used one skill; `key` is empty for the main conversation."""

    usage: UsageRow
    model: str
    first_at: datetime
    last_at: datetime
    largest_context: int
