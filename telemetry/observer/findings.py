"""What a detector is told and what it answers. Pure.

Tokens are weighed in hundredths (`telemetry.usage.weighted_hundredths`), or where a project counts gross, each token is
a hundred of them; so every comparison is one of integers, and only what is shown is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Severity = Literal["high", "medium"]
Evidence = Mapping[str, int | float | str | None]
DONE = frozenset({"done", "completed", "complete", "success", "succeeded", "ok"})  # what a sender calls well ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The last run of the same task before a run. `is_exempt`: the run after it repeats nothing, for the provider
    failed the earlier one, or what came out is not what came out before."""

    execution_id: str
    started_at: datetime
    is_exempt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one run: `input_hundredths` as its project measures, `output` in tokens, `errors` their number.
    `earlier` is looked up for runs of a task that has a name, and never for turns that TLOI cut out of a transcript."""

    execution_id: str
    started_at: datetime
    input_hundredths: int
    output: int
    task_id: str = ""
    task_type: str = ""
    agent: str = ""
    model: str = ""
    session_id: str = ""
    status: str = ""
    errors: int = 0
    duration_ms: int | None = None
    earlier: Earlier | None = None

    @property
    def total_hundredths(self) -> int:
        """Input and output."""
        return self.input_hundredths + 100 * self.output

    @property
    def is_done(self) -> bool:
        """Whether the sender says that it ended well."""
        return self.status.lower() in DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of one detector: what they mean stands in its file. A run below `floor_tokens` is never flagged."""

    threshold: Decimal
    allowance: Decimal = Decimal(0)
    floor_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one detector says of one run. `tokens_wasted` is between 0 and `tokens`, the run's total; `evidence` are the
    numbers that were compared, by name."""

    detector: str
    severity: Severity
    tokens: int
    tokens_wasted: int
    evidence: Evidence


def tokens_of(hundredths: int) -> int:
    """Whole tokens, halves upward."""
    return (hundredths + 50) // 100
