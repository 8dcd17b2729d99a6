"""The lines of a report's trends, as each of its printed forms says them. Pure.

What agents wrote is handed on in one line: the form that prints it makes it harmless.
"""

from __future__ import annotations

from decimal import Decimal

from telemetry.observer import trendwords
from telemetry.observer.report.document import Document, Trends, Unusual
from telemetry.observer.report.lines import counted, dollars, one_line

TITLE = "Trends"
HEADS = ("Series", "What", "At stake", "Note")
_DAYS = {"daily": "This day", "weekly": "A day of this week", "monthly": "A day of this month"}


def summary(trends: Trends) -> str:
    """How much was compared with the days before, and what came of it."""
    compared = trends.judged - trends.learning
    learning = ""
    if trends.learning:
        learning = f" {counted(trends.learning, 'other')}: too little is known before 8 days and 20 runs."
    if not trends.judged:
        return "No series was compared with the days before."
    if not compared:
        return "Nothing can be compared yet: too little is known of a series before 8 days and 20 runs."
    said = f"{trends.flagged:,} unusual" if trends.flagged else "nothing unusual"
    return f"{counted(compared, 'comparison')} with the thirty days before: {said}.{learning}"


def cost(document: Document) -> list[tuple[str, str]]:
    """What a day cost beside a day before, and what the difference is made of; nothing where there is none before."""
    found = document.trends and document.trends.cost
    if not found:
        return []
    parts = (
        ("volume", found.volume_usd),
        ("mix", found.mix_usd),
        ("tokens a run", found.tokens_per_run_usd),
        ("price", found.price_usd),
    )
    before = f"{dollars(found.before_usd)} on a day of the {counted(found.days_before, 'day')} before"
    made_of = ", ".join(f"{name} {dollars(part, sign=True)}" for name, part in parts)
    return [
        (f"{_DAYS[document.kind]} cost", f"{dollars(found.after_usd)}, against {before}"),
        ("Difference", f"{dollars(found.difference_usd, sign=True)}: {made_of}"),
    ]


def figures(one: Unusual, *, dated: bool) -> tuple[str, str, str, str]:
    """The cells of HEADS: which series, what it came to, what that costs, and why it counts."""
    day = f"{one.day:%a} {one.day.day} {one.day:%b}" if dated else ""
    reason = trendwords.reason(is_shift=one.is_shift, root_dimension=one.root_dimension, root_name=one.root_name)
    return (
        one_line(trendwords.series(one.dimension, one.name)),
        trendwords.issue(one.what, value=one.value, usual=one.usual, effect=one.times),
        trendwords.at_stake(_nanousd(one.at_stake_usd)),
        one_line(", ".join(filter(None, (day, reason)))),
    )


def more(trends: Trends) -> str:
    """How many are only counted; empty where all are listed."""
    missing = trends.flagged - len(trends.unusual)
    return f"And {missing:,} more." if missing > 0 else ""


def _nanousd(text: str) -> int:
    return int(Decimal(text) * 10**9)
