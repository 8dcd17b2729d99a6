"""A report as data: the same for a day, a week and a month, and all that its Markdown, HTML and JSON are made of. Pure.

Tokens are integers; money is an exact decimal text of US dollars; a moment is UTC. Figures that add up are kept whole:
the anomalies that are listed and those that are only counted are all anomalies, leaders and others are all tasks.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from telemetry.limits.account import Account
from telemetry.observer.report.periods import Kind, Period

VERSION = 1
MOST_LISTED = 200  # anomalies of one severity
MOST_LEADERS = 5
MOST_UNUSUAL = 10
TARGET_RATIO = 10  # input to output
SEVERITIES = ("high", "medium")
Measure = Literal["weighted", "gross"]


class Usage(Struct, frozen=True, kw_only=True):
    """What calls add up to. `tokens` is all input and output, each once; `cost_usd` of those calls that have a price,
    which `unpriced_calls` have not."""

    calls: int = 0
    tokens: int = 0
    cost_usd: str = "0.00"
    unpriced_calls: int = 0


class Summary(Struct, frozen=True, kw_only=True):
    """The executive summary. Tasks are the runs that began in the period, and all figures those of their calls.

    `input_tokens` is as the project measures, in whole tokens; the ratio is input to output in sum, None where nothing
    was put out. `tokens_wasted` counts each task once, `tokens_wasted_overlapping` each anomaly. `not_waste` are the
    anomalies that somebody marked so: they are in no other figure.
    """

    tasks: int
    tokens: int
    average_tokens: int
    input_tokens: int
    output_tokens: int
    average_io_ratio: float | None
    anomalies: int
    anomalies_by_severity: dict[str, int]
    anomalies_by_type: dict[str, int]
    tokens_wasted: int
    tokens_wasted_overlapping: int
    not_waste: int = 0

    @property
    def measured_tokens(self) -> int:
        """All tokens as the project measures them: what waste is a share of."""
        return self.input_tokens + self.output_tokens


class Item(Struct, frozen=True, kw_only=True):
    """One anomaly. `figure` is what its rule compared: a ratio, tokens, seconds or errors; None: infinite."""

    execution_id: str
    task_id: str
    type: str
    started_at: datetime
    issue: str
    figure: float | int | None
    tokens: int
    tokens_wasted: int
    suggestion: str

    @property
    def name(self) -> str:
        """The task's id, or its execution's where it has none."""
        return self.task_id or self.execution_id


class Group(Struct, frozen=True, kw_only=True):
    """The anomalies of a severity: the dearest `MOST_LISTED` in the order in which they began, and how many more."""

    severity: str
    anomalies: int
    tokens_wasted_overlapping: int
    listed: tuple[Item, ...] = ()

    @property
    def more(self) -> int:
        """How many are only counted."""
        return self.anomalies - len(self.listed)

    @property
    def more_tokens_wasted(self) -> int:
        """What those waste, overlapping."""
        return self.tokens_wasted_overlapping - sum(item.tokens_wasted for item in self.listed)


class Leader(Struct, frozen=True, kw_only=True):
    """An agent, model or task type, or `names` of them, with what its tasks used; waste counts each task once."""

    name: str
    tasks: int
    tokens: int
    cost_usd: str
    tokens_wasted: int
    unpriced_calls: int = 0
    names: int = 1


class Leaders(Struct, frozen=True, kw_only=True):
    """The few with the most tokens; `others` sums up the rest, None where there is none."""

    by: str
    rows: tuple[Leader, ...] = ()
    others: Leader | None = None


class Recommendation(Struct, frozen=True, kw_only=True):
    """What to do next, and how soon."""

    kind: str
    priority: Literal["urgent", "high", "normal"]
    text: str


class Unusual(Struct, frozen=True, kw_only=True):
    """A day of a series that is not as the days before make likely. `what`: tokens a run (`intensity`) or runs
    (`volume`), as `value`; `usual` is the baseline of thirty days, `low` to `high` where nineteen of twenty days lie,
    and `times` the one over the other. `at_stake_usd`: what the day cost above what was expected. `root_…`: the series
    that explains it, empty where none does."""

    day: date
    dimension: str
    name: str
    what: str
    value: float | None
    usual: float | None
    low: float | None
    high: float | None
    times: float | None
    cost_usd: str
    at_stake_usd: str
    is_shift: bool = False
    root_dimension: str = ""
    root_name: str = ""


class DayCost(Struct, frozen=True, kw_only=True):
    """What the tasks of a day cost on average, against a day of the `days_before` days before the period, and what the
    difference is made of: the four add up to it, to the nano-dollar."""

    days_before: int
    before_usd: str
    after_usd: str
    difference_usd: str
    volume_usd: str
    mix_usd: str
    tokens_per_run_usd: str
    price_usd: str


class Trends(Struct, frozen=True, kw_only=True):
    """The period's days against those before. Each series is judged twice a day: its tokens a run and its runs;
    `judged` and `learning` count that. `unusual` are the dearest MOST_UNUSUAL, those that others explain last."""

    judged: int = 0
    learning: int = 0
    flagged: int = 0
    unusual: tuple[Unusual, ...] = ()
    cost: DayCost | None = None


class Document(Struct, frozen=True, kw_only=True):
    """One report. `apart` are calls of the period that belong to no task, in no average; None: some have expired.
    `trends`: None in reports that were written before there were any. `objectives` says what was spent for what; None:
    the project has no objective."""

    version: int = VERSION
    project: str
    kind: Kind
    period: str
    first_day: date
    last_day: date
    time_zone: str
    start_at: datetime
    end_at: datetime
    made_at: datetime
    is_whole: bool
    measure: Measure
    summary: Summary
    spend: Usage
    apart: Usage | None = None
    severities: tuple[Group, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    leaders: tuple[Leaders, ...] = ()
    trends: Trends | None = None
    objectives: Account | None = None

    @property
    def days(self) -> Period:
        """Its period."""
        return Period(self.kind, self.first_day, self.last_day)

    @property
    def title(self) -> str:
        """What stands at its top: which report, of what, of when."""
        return f"{self.kind.capitalize()} report: {self.days.title}"


class UnknownVersion(ValueError):
    """A document that a newer TLOI wrote; this one cannot print it."""


def as_plain(document: Document) -> dict[str, Any]:
    """The document as plain values: what its row keeps, and what JSON shows."""
    plain: dict[str, Any] = msgspec.to_builtins(document)
    return plain


def from_plain(plain: dict[str, Any]) -> Document:
    """The document that `as_plain` wrote. Raises UnknownVersion."""
    if plain.get("version") != VERSION:
        raise UnknownVersion(f"This report has version {plain.get('version')!r}; it has to be made anew.")
    try:
        return msgspec.convert(plain, Document)
    except msgspec.ValidationError as error:
        raise UnknownVersion(f"This report cannot be read ({error}); it has to be made anew.") from None


def as_json(document: Document) -> bytes:
    """The document as JSON for people to read, too."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
