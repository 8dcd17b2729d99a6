"""A report as its page prints it: every cell a text, every task a way to its execution. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from telemetry.limits.account import Account
from telemetry.observer import wording
from telemetry.observer.report import lines, objective_lines, trendlines
from telemetry.observer.report.document import Document, Group, Leaders, Unusual

Address = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Found:
    """One anomaly: which task, where its execution is shown, what is wrong, what that wastes, what to do."""

    task: str
    url: str
    type: str
    issue: str
    wasted: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class Severity:
    """The anomalies of a severity; `more` says how many are not listed, `url` leads to all of them."""

    name: str
    title: str
    rows: tuple[Found, ...]
    more: str
    url: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """A short table of agents, models or task types."""

    name: str
    title: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Deviation:
    """A day of a series that is not as usual, with the page that says what changed."""

    name: str
    url: str
    what: str
    at_stake: str
    note: str


@dataclass(frozen=True, slots=True)
class Trending:
    """The days beside those before: a sentence, figures, and what is unusual; `more` says how much is not listed."""

    title: str
    said: str
    figures: tuple[tuple[str, str], ...]
    rows: tuple[Deviation, ...]
    more: str
    heads: tuple[str, ...] = trendlines.HEADS


@dataclass(frozen=True, slots=True)
class Purposes:
    """What was spent for each objective: a sentence, and a row each."""

    summary: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    title: str = objective_lines.TITLE
    heads: tuple[str, ...] = objective_lines.HEADS
    note: str = objective_lines.NOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The whole page, from top to bottom."""

    title: str
    about: str
    nothing: str
    figures: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    spend: tuple[tuple[str, str], ...]
    severities: tuple[Severity, ...]
    recommendations: tuple[tuple[str, str, str], ...]
    rankings: tuple[Ranking, ...]
    trends: Trending | None
    purposes: Purposes | None
    heads: tuple[str, ...] = lines.LEADER_HEADS


def sheet(
    document: Document,
    *,
    run_address: Address,
    anomalies_address: Address,
    trend_address: Callable[[Unusual], str],
) -> Sheet:
    """The page of a report; an execution's id, a severity and a day of a series become the addresses of what they
    name."""
    summary = document.summary
    return Sheet(
        title=document.title,
        about=lines.about(document),
        nothing=lines.nothing(document),
        figures=tuple(lines.summary(document)) if summary.tasks or summary.anomalies else (),
        notes=tuple(lines.notes(document)),
        spend=tuple(lines.spend(document)),
        severities=tuple(_severity(group, run_address, anomalies_address) for group in document.severities),
        recommendations=tuple(
            (one.priority, lines.PRIORITIES[one.priority], one.text) for one in document.recommendations
        ),
        rankings=tuple(_ranking(group) for group in document.leaders if group.rows),
        trends=_trending(document, trend_address),
        purposes=_purposes(document.objectives) if document.objectives else None,
    )


def _severity(group: Group, run_address: Address, anomalies_address: Address) -> Severity:
    rows = tuple(
        Found(
            task=lines.one_line(item.name),
            url=run_address(item.execution_id),
            type=wording.title(item.type),
            issue=lines.one_line(item.issue),
            wasted=f"{item.tokens_wasted:,}",
            suggestion=item.suggestion,
        )
        for item in group.listed
    )
    url = anomalies_address(group.severity) if group.anomalies else ""
    return Severity(group.severity, lines.group_title(group), rows, lines.more(group), url)


def _trending(document: Document, address: Callable[[Unusual], str]) -> Trending | None:
    trends = document.trends
    if trends is None:
        return None
    rows = []
    for one in trends.unusual:
        name, what, at_stake, note = trendlines.figures(one, dated=document.kind != "daily")
        rows.append(Deviation(name, address(one), what, at_stake, note))
    return Trending(
        title=trendlines.TITLE,
        said=trendlines.summary(trends),
        figures=tuple(trendlines.cost(document)),
        rows=tuple(rows),
        more=trendlines.more(trends),
    )


def _purposes(account: Account) -> Purposes:
    rows = objective_lines.rows(account)
    return Purposes(
        objective_lines.summary(account),
        tuple((lines.one_line(name), tuple(map(lines.one_line, cells))) for name, cells in rows),
    )


def _ranking(group: Leaders) -> Ranking:
    title = lines.leaders_title(group)
    rows = [*group.rows, *([group.others] if group.others else [])]
    return Ranking(
        group.by, title, tuple((lines.one_line(lines.leader_name(row)), lines.leader_figures(row)) for row in rows)
    )
