"""Anomalies as rows: what a list of them prints, the evidence that a row opens, and their table for a CSV. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from telemetry.dashboards import formats
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text
from telemetry.observer import wording

INFINITE = "\N{INFINITY}"
STATES = {"new": "New", "acknowledged": "Acknowledged", "not_waste": "Not waste", "resolved": "Resolved"}
SEVERITIES = {"high": "High", "medium": "Medium"}
COLUMNS = (
    Column("started_at", "Began", "text"),
    Column("severity", "Severity", "text"),
    Column("type", "Type", "text"),
    Column("task", "Task", "text"),
    Column("task_type", "Task type", "text"),
    Column("agent", "Agent", "text"),
    Column("model", "Model", "text"),
    Column("execution", "Execution", "text"),
    Column("session", "Session", "text"),
    Column("issue", "Issue", "text"),
    Column("tokens", "Tokens"),
    Column("tokens_wasted", "Wasted"),
    Column("state", "State", "text"),
    Column("state_at", "Judged", "text"),
    Column("state_by", "By", "text"),
    Column("note", "Note", "text"),
)
_NAMES = {
    "ratio": "Input / output",
    "input": "Input",
    "output": "Output",
    "total": "Input and output",
    "threshold": "Limit",
    "allowance": "No waste up to",
    "floor": "From tokens",
    "seconds": "Seconds",
    "earlier": "Earlier run",
    "status": "Status",
    "errors": "Errors",
    "verified": "Verified",
    "measure": "Input counted",
}
_PLACES = {name: place for place, name in enumerate(_NAMES)}
_MEASURES = {"weighted": "weighed by price", "gross": "each token once"}


class Found(Protocol):
    """An anomaly as `observer/anomalies.py` lists it."""

    @property
    def execution_id(self) -> str: ...
    @property
    def detector(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def task_id(self) -> str: ...
    @property
    def task_type(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def session_id(self) -> str: ...
    @property
    def tokens(self) -> int: ...
    @property
    def tokens_wasted(self) -> int: ...
    @property
    def evidence(self) -> Mapping[str, Any]: ...
    @property
    def state(self) -> str: ...
    @property
    def state_at(self) -> datetime | None: ...
    @property
    def state_by(self) -> str: ...
    @property
    def note(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Way:
    """A link to what is narrowed by, or tells more of, a value."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """An anomaly as a row and what it opens. `key` names it in forms with the state that was seen, `mark` in ids."""

    mark: str
    key: str
    severity: str
    severity_title: str
    title: str
    task: str
    agent: str
    model: str
    began: str
    began_exact: str
    figure: str
    wasted: str
    wasted_exact: str
    state: str
    state_title: str
    issue: str
    suggestion: str
    numbers: tuple[tuple[str, str], ...]
    verdict: str
    note: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """Ways from a row: to a run, to a session, and to the list narrowed to a value."""

    run: Callable[[str], str]
    session: Callable[[str], str]
    narrowed: Callable[[str, str], str]


def key_of(detector: str, execution_id: str, state: str) -> str:
    """An anomaly and the state that is shown of it, as a form says them: any id survives that."""
    return msgspec.json.encode((detector, execution_id, state)).decode()


def read_key(words: str) -> tuple[str, str, str]:
    """(detector, execution, state) of what `key_of` made. Raises ValueError."""
    try:
        return msgspec.json.decode(words, type=tuple[str, str, str])
    except (msgspec.DecodeError, UnicodeError):
        raise ValueError("This is no anomaly of a list.") from None


def line(one: Found, *, state: PageState, links: Links) -> Line:
    """A row of the list."""
    local = one.started_at.astimezone(state.window.tz)
    return Line(
        mark=hashlib.blake2s(f"{one.detector} {one.execution_id}".encode(), digest_size=8).hexdigest(),
        key=key_of(one.detector, one.execution_id, one.state),
        severity=one.severity,
        severity_title=SEVERITIES.get(one.severity, one.severity),
        title=wording.title(one.detector),
        task=one.task_id or one.task_type or one.execution_id,
        agent=one.agent,
        model=one.model,
        began=formats.short_moment(one.started_at, state.window),
        began_exact=local.isoformat(timespec="seconds"),
        figure=figure(one.detector, one.evidence),
        wasted=formats.whole(one.tokens_wasted),
        wasted_exact=str(one.tokens_wasted),
        state=one.state,
        state_title=STATES.get(one.state, one.state),
        issue=wording.issue(one.detector, one.evidence),
        suggestion=wording.suggestion(one.detector),
        numbers=_numbers(one),
        verdict=_verdict(one, state),
        note=one.note,
        ways=_ways(one, links),
    )


def figure(detector: str, evidence: Mapping[str, Any]) -> str:
    """The figure that broke the rule, in a word or two; empty where the evidence does not say it."""
    if detector == "context_bloat" and {"input", "output"} <= evidence.keys():
        return f"{formats.ratio(evidence['input'], evidence['output']) or INFINITE}:1"
    if detector in ("duplicate_work", "inefficient_task") and isinstance(evidence.get("seconds"), int | float):
        return formats.long_duration(round(evidence["seconds"] * 1000))
    if detector == "false_completion" and evidence.get("errors"):
        return formats.counted(evidence["errors"], "error", "errors")
    return f"{formats.whole(evidence['total'])}" if isinstance(evidence.get("total"), int) else ""


def table(found: Sequence[Found], *, state: PageState, links: Links) -> Table:
    """The same anomalies with all their words, for a CSV."""
    return Table(COLUMNS, tuple(Row(_cells(one, state, links)) for one in found))


def _cells(one: Found, state: PageState, links: Links) -> tuple[Cell, ...]:
    return (
        _moment(one.started_at, state),
        text(one.severity),
        text(one.detector),
        text(one.task_id),
        text(one.task_type),
        text(one.agent),
        text(one.model),
        text(one.execution_id, url=links.run(one.execution_id)),
        text(one.session_id),
        text(wording.issue(one.detector, one.evidence)),
        count(one.tokens),
        count(one.tokens_wasted),
        text(one.state),
        _moment(one.state_at, state),
        text(one.state_by),
        text(one.note),
    )


def _moment(at: datetime | None, state: PageState) -> Cell:
    local = at.astimezone(state.window.tz) if at else None
    return Cell(formats.moment(at, state.window) if at else "", local.isoformat(timespec="seconds") if local else "")


def _numbers(one: Found) -> tuple[tuple[str, str], ...]:
    """What the rule compared, each with its name, and how the waste follows from it."""
    names = sorted(one.evidence, key=lambda name: (_PLACES.get(name, len(_PLACES)), name))
    shown = [(_NAMES.get(name, name.replace("_", " ").capitalize()), _said(name, one)) for name in names]
    wasted = f"{formats.whole(one.tokens_wasted)}{_sum(one)} of {formats.whole(one.tokens)} tokens"
    return (*shown, ("Wasted", wasted))


def _said(name: str, one: Found) -> str:
    value = one.evidence[name]
    if name == "ratio":
        return f"{INFINITE if value is None else f'{value:,}'}:1"
    if name == "measure":
        return _MEASURES.get(value, str(value))
    if name in ("threshold", "allowance") and isinstance(value, int | float):
        return f"{value:,.10g}{unit(name, one.detector, value)}"
    if value is None:
        return "not said"
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def unit(name: str, detector: str, number: float | Decimal) -> str:
    """What a detector's `threshold` or `allowance` counts, to stand behind the number."""
    if detector == "context_bloat":
        return ":1"
    if name == "threshold" and detector in ("duplicate_work", "inefficient_task"):
        return " s"
    what = " error" if name == "threshold" and detector == "false_completion" else " token"
    return what if number == 1 else f"{what}s"


def _sum(one: Found) -> str:
    """How the waste follows from the evidence, where it does so to the token: input less 10 × output, say."""
    known = one.evidence
    allowance, output = known.get("allowance"), known.get("output")
    over, factor = (known.get("input"), output) if one.detector == "context_bloat" else (known.get("total"), 1)
    if not all(isinstance(number, int | float) for number in (allowance, over, factor)):
        return ""
    taken = Decimal(str(allowance)) * Decimal(str(factor))
    if Decimal(str(over)) - taken != one.tokens_wasted or not taken:
        return ""
    less = (
        f"{allowance:,.10g}" if factor == 1 and one.detector != "context_bloat" else f"{allowance:,.10g} × {factor:,}"
    )
    return f" = {over:,} {formats.MINUS} {less}"


def _verdict(one: Found, state: PageState) -> str:
    """Who judged it and when; empty where nobody did."""
    if one.state_at is None:
        return ""
    by = f" by {one.state_by}" if one.state_by else ""
    return f"{STATES.get(one.state, one.state)}{by}, {formats.moment(one.state_at, state.window)}"


def _ways(one: Found, links: Links) -> tuple[Way, ...]:
    """Where to look further."""
    found = [Way("The execution", links.run(one.execution_id))]
    earlier = one.evidence.get("earlier")
    if isinstance(earlier, str) and earlier:
        found.append(Way("The earlier run", links.run(earlier)))
    if one.session_id:
        found.append(Way("Its session", links.session(one.session_id)))
    for name, value, title in (("agent", one.agent, "this agent"), ("task_type", one.task_type, "this task type")):
        if value:
            found.append(Way(f"Only {title}", links.narrowed(name, value)))
    return tuple(found)
