"""Skills as tables and figures: what was loaded, what could be, and how runs that had them ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.contracts import SkillBroken, SkillOffered, SkillsAlike, SkillShelf
from telemetry.dashboards import formats
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.panels.cards import Card
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text
from telemetry.series.skill_reading import SkillSuccess, SkillTotal

FEWEST = 5  # runs on either side, below which two shares are not set beside each other
COLUMNS = (
    Column("skill", "Skill", "text"),
    Column("loads", "Loads"),
    Column("loads_percent", "Share", "share", hint="Of all loads of the range"),
    Column("tokens_a_load", "Tokens a load", hint="On average, of its body, in o200k_base"),
    Column("tokens", "Tokens", hint="What its loads put into contexts, in all"),
    Column("load_us_p50", "Load time", hint="Half of its loads took no longer"),
    Column("load_us_p99", "Load time p99", hint="99 of 100 loads took no longer"),
    Column("success_percent", "Well with it", hint="Of the runs that had it and said how they ended"),
    Column("peers_percent", "Without it", hint="Of runs of the same types of task that had it not, in the same mix"),
    Column("runs", "Runs", hint="That had it and said how they ended"),
    Column("contents", "Contents", hint="Different contents of it that were loaded"),
    Column("context_tokens", "Context", hint="Tokens that it would put into a context now"),
    Column("last_at", "Last load", "text"),
)
ALIKE_COLUMNS = (
    Column("skill", "Skill", "text"),
    Column("other", "And", "text"),
    Column("alike_percent", "Alike", hint="By their words, each by its weight and its rarity"),
    Column("tokens", "Of the smaller", hint="Tokens that a context has for nothing where both are loaded"),
)
BROKEN_COLUMNS = (Column("skill", "Skill", "text"), Column("root", "Root", "text"), Column("reason", "Why", "text"))


@dataclass(frozen=True, slots=True)
class Told:
    """All that the page knows of a window's skills."""

    totals: Sequence[SkillTotal]
    success: Sequence[SkillSuccess]
    shelf: SkillShelf


def skill_table(told: Told, state: PageState) -> Table:
    """One row a skill, the most often loaded first; those that nobody loaded stand at the end."""
    success = {one.skill: one for one in told.success}
    offered = {one.name: one for one in told.shelf.skills}
    loads = sum(one.loads for one in told.totals)
    rows = [_row(one, loads, success.get(one.skill), offered.get(one.skill), state) for one in told.totals]
    loaded = {one.skill for one in told.totals}
    rows += [_unused(one) for one in told.shelf.skills if one.name not in loaded]
    return Table(COLUMNS, tuple(rows))


def broken_table(broken: Sequence[SkillBroken]) -> Table | None:
    """What cannot be given out; None where all can."""
    rows = tuple(
        Row((text(one.name or "–"), text(one.root), Cell(one.reason, one.reason, words=True))) for one in broken
    )
    return Table(BROKEN_COLUMNS, rows) if rows else None


def alike_table(pairs: Sequence[SkillsAlike]) -> Table | None:
    """Skills of which one might do for both; None where there are none."""
    rows = tuple(
        Row(
            (
                text(pair.one, shown=formats.clipped(pair.one, 40)),
                text(pair.other, shown=formats.clipped(pair.other, 40)),
                Cell(f"{100 * pair.alike:.0f}%", f"{100 * pair.alike:.1f}"),
                count(pair.tokens),
            )
        )
        for pair in pairs
    )
    return Table(ALIKE_COLUMNS, rows) if rows else None


def skill_cards(told: Told) -> tuple[Card, ...]:
    """The page's figures."""
    loads, tokens = sum(one.loads for one in told.totals), sum(one.tokens for one in told.totals)
    every = sum(one.tokens for one in told.shelf.skills)
    had, well = sum(one.compared for one in told.success), sum(one.compared_well for one in told.success)
    peers = sum(one.peers_well for one in told.success)
    slowest = max(told.totals, key=lambda one: one.load_us_p99, default=None)
    unused = len({one.name for one in told.shelf.skills} - {one.skill for one in told.totals})
    mean = round(tokens / loads) if loads else 0
    of_skills = formats.counted(len(told.totals), "skill", "skills")
    there_are = formats.counted(len(told.shelf.skills), "skill", "skills")
    return (
        _card("loads", "Loads", formats.compact(loads), str(loads), f"of {of_skills}"),
        _card("tokens", "Tokens a load", formats.compact(mean), str(mean), f"{formats.compact(tokens)} in all"),
        _card(
            "context", "All skills at once", formats.compact(every), str(every), f"tokens of the {there_are} there are"
        ),
        _card("unused", "Not loaded", str(unused), str(unused), f"of {there_are}, in this range"),
        _card(
            "load_time",
            "Load time p99",
            micro(slowest.load_us_p99) if slowest else "–",
            str(slowest.load_us_p99) if slowest else "",
            f"of {formats.clipped(slowest.skill, 30)}, the slowest" if slowest else "nothing was loaded",
        ),
        _card(
            "success",
            "Well with skills",
            f"{100 * well / had:.1f}%" if had else "–",
            f"{100 * well / had:.1f}" if had else "",
            f"{100 * peers / had:.1f}% without, of the same types of task" if had else "no runs to compare",
        ),
    )


def micro(microseconds: int) -> str:
    """A short time in words: 87 µs, 1.2 ms."""
    return f"{microseconds} µs" if microseconds < 1_000 else f"{microseconds / 1_000:.1f} ms"


def _row(
    one: SkillTotal, loads: int, success: SkillSuccess | None, offered: SkillOffered | None, state: PageState
) -> Row:
    mean = round(one.tokens / one.loads)
    note = "no longer there" if offered is None else "retired" if offered.is_retired else ""
    return Row(
        (
            Cell(
                formats.clipped(one.skill, 40),
                one.skill,
                note=note,
                url=state.with_filter("skill", one.skill),
                words=True,
            ),
            count(one.loads),
            Cell(
                f"{formats.percent(one.loads, loads)}%",
                formats.percent(one.loads, loads),
                share=formats.per_mille(one.loads, loads),
            ),
            count(mean),
            count(one.tokens),
            Cell(micro(one.load_us_p50), str(one.load_us_p50)),
            Cell(micro(one.load_us_p99), str(one.load_us_p99)),
            *_success(success),
            count(one.contents),
            count(offered.tokens) if offered else Cell("–", ""),
            Cell(formats.moment(one.last_at, state.window), one.last_at.isoformat(), words=True),
        )
    )


def _success(success: SkillSuccess | None) -> tuple[Cell, Cell, Cell]:
    """How runs with it ended, and those without it where there are enough of both."""
    if success is None:
        return Cell("–", ""), Cell("–", ""), count(0)
    share = formats.percent(success.well, success.runs)
    if min(success.compared, success.peers) < FEWEST:
        return Cell(f"{share}%", share), Cell("–", ""), count(success.runs)
    peers = f"{100 * success.peers_well / success.compared:.1f}"
    return Cell(f"{share}%", share), Cell(f"{peers}%", peers), count(success.runs)


def _unused(one: SkillOffered) -> Row:
    return Row(
        (
            Cell(formats.clipped(one.name, 40), one.name, note="retired" if one.is_retired else "", words=True),
            count(0),
            Cell("0%", "0.0", share=0),
            *[Cell("–", "")] * 6,
            count(0),
            count(0),
            count(one.tokens),
            Cell("not in this range", "", words=True),
        )
    )


def _card(name: str, title: str, figure: str, value: str, note: str) -> Card:
    return Card(
        name=name, title=title, figure=figure, value=value, exact="", note=note, change=None, before="", line=""
    )
