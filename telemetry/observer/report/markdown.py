"""A report as Markdown (CommonMark, with GitHub's tables), from its document alone. Pure.

What agents wrote is shown as they wrote it and does nothing: no link, no image, no HTML, no table, no formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from telemetry.observer import wording
from telemetry.observer.report import lines, objective_lines, trendlines
from telemetry.observer.report.document import Document, Group, Item, Leader, Unusual

_SPECIAL = re.compile(
    r"[\\`*\[\]()|!~${}]|(?<!\d):|:(?!\d)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=@#.]|(?<=www)\.", re.IGNORECASE
)
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def as_markdown(document: Document) -> str:
    """The whole report; it ends with a line break."""
    parts = (
        (f"# {document.title}", "", f"{harmless(lines.about(document))}.", ""),
        _summary(document),
        ("## Spend", "", *_bullets(lines.spend(document)), ""),
        _objectives(document),
        _trends(document),
        _anomalies(document),
        _recommendations(document),
        _leaders(document),
    )
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def harmless(text: str) -> str:
    """What somebody wrote, in one line, to be shown as it is: an address is no link, a tag is no tag, a pipe is no
    cell."""
    return _SPECIAL.sub(r"\\\g<0>", lines.one_line(text)).translate(_ENTITIES)


def _bullets(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"- **{title}:** {figure}" for title, figure in pairs)


def _summary(document: Document) -> Iterator[str]:
    yield from ("## Executive summary", "")
    if said := lines.nothing(document):
        yield from (said, "")
    if document.summary.tasks or document.summary.anomalies:
        yield from (*_bullets(lines.summary(document)), "")
    for note in lines.notes(document):
        yield from (note, "")


def _trends(document: Document) -> Iterator[str]:
    trends = document.trends
    if trends is None:
        return
    yield from (f"## {trendlines.TITLE}", "", trendlines.summary(trends), "")
    if said := trendlines.cost(document):
        yield from (*_bullets(said), "")
    if trends.unusual:
        dated = document.kind != "daily"
        yield from _table(trendlines.HEADS, (_unusual(one, dated=dated) for one in trends.unusual), numbers=())
    if said_more := trendlines.more(trends):
        yield from (said_more, "")


def _unusual(one: Unusual, *, dated: bool) -> tuple[str, ...]:
    name, what, at_stake, note = trendlines.figures(one, dated=dated)
    return harmless(name), what, at_stake, harmless(note)


def _objectives(document: Document) -> Iterator[str]:
    if account := document.objectives:
        yield from (f"## {objective_lines.TITLE}", "", objective_lines.summary(account), "")
        rows = ((harmless(name), *map(harmless, cells)) for name, cells in objective_lines.rows(account))
        yield from _table(objective_lines.HEADS, rows, numbers=(2, 3, 4, 5, 6))
        yield from (objective_lines.NOTE, "")


def _anomalies(document: Document) -> Iterator[str]:
    yield from ("## Anomalies by severity", "")
    for group in document.severities:
        yield from (f"### {lines.group_title(group)}", "")
        yield from _group(group) if group.anomalies else ("None.", "")


def _group(group: Group) -> Iterator[str]:
    head = ("Task", "Type", "Issue", "Tokens wasted", "Suggestion", "Execution")
    yield from _table(head, (_item(item) for item in group.listed), numbers=(3,))
    if said := lines.more(group):
        yield from (said, "")


def _item(item: Item) -> tuple[str, ...]:
    return (
        harmless(item.name),
        wording.title(item.type),
        harmless(item.issue),
        f"{item.tokens_wasted:,}",
        item.suggestion,
        harmless(item.execution_id),
    )


def _recommendations(document: Document) -> Iterator[str]:
    yield from ("## Recommendations", "")
    for number, one in enumerate(document.recommendations, 1):
        priority = lines.PRIORITIES[one.priority]
        yield f"{number}. {f'**{priority}.** ' if priority else ''}{one.text}"
    if not document.recommendations:
        yield "None: nothing was found that asks for one."
    yield ""


def _leaders(document: Document) -> Iterator[str]:
    for group in document.leaders:
        if group.rows:
            title = lines.leaders_title(group)
            yield from (f"## {title}", "")
            rows = [*group.rows, *([group.others] if group.others else [])]
            yield from _table((title[:-1], *lines.LEADER_HEADS), map(_leader, rows), numbers=(1, 2, 3, 4))


def _leader(leader: Leader) -> tuple[str, ...]:
    name = lines.leader_name(leader)
    return harmless(name) if leader.name else name, *lines.leader_figures(leader)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---:' if place in numbers else '---' for place in range(len(head)))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
