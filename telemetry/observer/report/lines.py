"""The lines of a report, as each of its printed forms says them, from its document alone. Pure.

What agents wrote is handed on in one line: the form that prints it makes it harmless.
"""

from __future__ import annotations

import re
from decimal import Decimal

from telemetry.observer import trendwords
from telemetry.observer.report.document import Document, Group, Leader, Leaders, Usage
from telemetry.series.window import time_zone

PRIORITIES = {"urgent": "Urgent", "high": "High priority", "normal": ""}
MOST_LETTERS = 200
_BREAKS = re.compile(r"[\s\x1c-\x1f\x85\u2028\u2029]+")
_INVISIBLE = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LEADERS = {"agent": "Agents", "model": "Models", "task_type": "Task types"}
_WORDS = {"daily": "day", "weekly": "week", "monthly": "month"}
LEADER_HEADS = ("Tasks", "Tokens", "Cost", "Tokens wasted, each task once")


def one_line(text: str) -> str:
    """What somebody wrote, in one line of at most MOST_LETTERS, without marks that turn the direction of text."""
    line = _INVISIBLE.sub("", _BREAKS.sub(" ", text)).strip()
    return line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 1] + "…"


def about(document: Document) -> str:
    """Whose report it is, in which zone its days are cut, and when it was written."""
    made_at = document.made_at.astimezone(time_zone(document.time_zone))
    early = "" if document.is_whole else f", before the {_WORDS[document.kind]} was over"
    return f"Project {document.project}, days of {document.time_zone}, written {made_at:%Y-%m-%d %H:%M}{early}"


def nothing(document: Document) -> str:
    """That nothing happened, where nothing did; else empty."""
    return "" if document.summary.tasks else f"No task began in this {_WORDS[document.kind]}."


def summary(document: Document) -> list[tuple[str, str]]:
    """The figures of the executive summary, each with its title, in their order."""
    said = document.summary
    ratio = said.average_io_ratio
    by_severity = ", ".join(f"{count:,} {name}" for name, count in said.anomalies_by_severity.items())
    wasted = f"{said.tokens_wasted:,}, each task once"
    if said.measured_tokens:
        wasted += f" ({100 * said.tokens_wasted / said.measured_tokens:.1f} % of all)"
    return [
        ("Total tasks", f"{said.tasks:,}"),
        ("Total tokens", f"{said.tokens:,}"),
        ("Average tokens per task", f"{said.average_tokens:,}"),
        ("Average input/output ratio", "no output" if ratio is None else f"{ratio:,.1f}:1"),
        ("Anomalies detected", f"{said.anomalies:,} ({by_severity})" if said.anomalies else "none"),
        ("Estimated tokens wasted", wasted),
        ("Sum over all anomalies", f"{said.tokens_wasted_overlapping:,} (overlapping: one task may have several)"),
    ]


def notes(document: Document) -> list[str]:
    """How input was weighed, where that is not how tokens are counted; and which anomalies are in no figure."""
    said, found = document.summary, []
    if document.measure == "weighted" and said.measured_tokens != said.tokens:
        found.append(
            "Total tokens count each token once. Ratio and waste weigh input by its price, so that what is read from"
            f" a cache counts a tenth: {said.measured_tokens:,} tokens in that measure."
        )
    if said.not_waste:
        are = "is" if said.not_waste == 1 else "are"
        found.append(f"{counted(said.not_waste, 'anomaly')} that somebody marked as no waste {are} in no figure.")
    return found


def spend(document: Document) -> list[tuple[str, str]]:
    """What the tasks of the period cost, and what calls cost that belong to none."""
    apart = document.apart
    if apart is None:
        said = "not known any more, for calls of this time have expired"
    else:
        said = usage(apart) if apart.calls else "none"
    return [("Tasks", usage(document.spend)), ("Calls that belong to no task, in no average", said)]


def usage(said: Usage) -> str:
    """What calls used and cost, in one line; calls without a price are named, never counted as free."""
    cost = "unpriced" if said.calls and said.unpriced_calls == said.calls else dollars(said.cost_usd)
    unpriced = f" + {said.unpriced_calls:,} unpriced" if 0 < said.unpriced_calls < said.calls else ""
    return f"{cost}{unpriced} for {counted(said.calls, 'call')} of {counted(said.tokens, 'token')}"


def group_title(group: Group) -> str:
    """What a severity's anomalies are headed by."""
    return f"{group.severity.capitalize()} severity: {group.anomalies:,}"


def more(group: Group) -> str:
    """What is only counted of a severity; empty where all are listed."""
    if not group.more:
        return ""
    return f"And {group.more:,} more, which waste {counted(group.more_tokens_wasted, 'token')}, overlapping."


def leaders_title(group: Leaders) -> str:
    """What a table of leaders is headed by."""
    return _LEADERS.get(group.by, group.by)


def leader_name(leader: Leader) -> str:
    """A leader's name; those without one, and the sum of others, are named by us."""
    return f"{leader.names:,} others" if leader.names > 1 else leader.name or "(none)"


def leader_figures(leader: Leader) -> tuple[str, str, str, str]:
    """The cells of LEADER_HEADS."""
    cost = dollars(leader.cost_usd) + (f" + {leader.unpriced_calls:,} unpriced" if leader.unpriced_calls else "")
    return f"{leader.tasks:,}", f"{leader.tokens:,}", cost, f"{leader.tokens_wasted:,}"


def counted(number: int, what: str) -> str:
    """1 call, 2 calls, 3 anomalies, 4 days."""
    plural = f"{what[:-1]}ies" if what.endswith("y") and what[-2] not in "aeiou" else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def dollars(text: str, *, sign: bool = False) -> str:
    """A document's exact dollars as people read them: 10.1829161 as $10.18; `sign` puts a plus before what is more."""
    return trendwords.dollars(int(Decimal(text) * 10**9), sign=sign)
