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

from telemetry.usage import DONE, FAILED, RUNNING

Severity = Literal["high", "medium"]
Verdict = Literal["false", "verified", "unverifiable"]
Evidence = Mapping[str, int | float | str | None]


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
    `earlier` is looked up for runs of a task that has a name, and never for turns that TLOI cut out of a transcript.
    `is_cut_off`: of some of its output only the beginning was counted, so that `output` is the least that it was."""

    execution_id: str
    started_at: datetime
    input_hundredths: int
    output: int
    is_cut_off: bool = False
    task_type: str = ""
    status: str = ""
    errors: int = 0
    duration_ms: int | None = None
    is_verified: bool | None = None
    earlier: Earlier | None = None

    @property
    def total_hundredths(self) -> int:
        """Input and output."""
        return self.input_hundredths + 100 * self.output

    @property
    def is_done(self) -> bool:
        """Whether the sender says that it ended well."""
        return _says(self.status, DONE)


def _says(status: str, words: frozenset[str]) -> bool:
    return status.isascii() and status.lower() in words


def is_running(status: str) -> bool:
    """Whether the sender says that the run goes on."""
    return _says(status, RUNNING)


def is_changed(
    *, status: str, errors: int, digest: str, earlier_status: str, earlier_errors: int, earlier_digest: str
) -> bool:
    """Whether something else came out of a run than of the earlier one: what came out of both is known and differs, or
    the earlier one failed and this one did not. Source: redoing that is legitimate, observability.md §6."""
    if digest and earlier_digest and digest != earlier_digest:
        return True
    has_failed = earlier_errors > 0 or _says(earlier_status, FAILED)
    return has_failed and errors == 0 and _says(status, DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of one detector: what they mean stands in its file. A run below `floor_tokens` is never flagged."""

    threshold: Decimal
    allowance: Decimal = Decimal(0)
    floor_tokens: int = 0

    @property
    def threshold_hundredths(self) -> int:
        """The threshold as an integer; so many tokens, in hundredths of one."""
        return int(self.threshold * 100)

    @property
    def allowance_hundredths(self) -> int:
        """The allowance as an integer; so many tokens, in hundredths of one."""
        return int(self.allowance * 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """What the numbers of a detector mean, a phrase each, for the admin and its documentation; '' where it does not
    look at one."""

    threshold: str
    allowance: str
    floor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sieve:
    """The same as `judge`, as data that the database is told: a day has too many runs to carry each to Python. A run is
    flagged that passes all of it; None lets every run pass.

    Input and total are at least so many hundredths; input is more than `ratio_over` hundredths a token of output, of
    which all is known; it says that it took less than `below_ms`; it says that it is done, and so many errors, or
    somebody who looked, say that it is not; another run of its task, which it repeats, began less than `within_ms`
    before.

    Wasted is what of the input, or of the total, is more than `spared` hundredths, for each token of output or at all.
    `evidence` names the numbers that were compared.
    """

    input_from: int = 0
    total_from: int = 0
    ratio_over: int | None = None
    below_ms: int | None = None
    errors_from: int | None = None
    within_ms: int | None = None
    wasted_of: Literal["input", "total"] = "total"
    spared: int = 0
    is_spared_per_output: bool = False
    evidence: tuple[str, ...]


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


def ratio(input_hundredths: int, output: int) -> float | None:
    """Input tokens a token of output to one place, halves upward, for people to read; None where there is no output."""
    if not output:
        return None
    return (2 * input_hundredths + 10 * output) // (20 * output) / 10
