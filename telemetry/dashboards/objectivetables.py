"""What was spent for each objective, as tables, a chart and sentences. Pure.

Progress stands beside spend and nothing here says that the one caused the other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from telemetry.dashboards import colours, formats
from telemetry.dashboards.stack import MAX_SERIES, Layer, Stack
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, summary, text
from telemetry.limits.attribution import LEVELS, Level, Target
from telemetry.limits.goals import Goal, Result
from telemetry.limits.progress import Progress, progress
from telemetry.limits.spending import NO_USE, Left, Spend, Sums
from telemetry.series.window import Window

UNATTRIBUTED = "Unattributed"
AS_A_WHOLE = "(as a whole)"
OTHERS = "Other objectives"
LEVEL_TITLES: Mapping[Level, str] = {
    "run": "The run is named",
    "tag": "Its tag",
    "work item": "Its work item",
    "parent": "An item above it",
    "rule": "A rule",
    "none": "Nothing",
}
MOST_LEFT = 20
LEAST_TOLD = 20  # so many times it is all that was spent
MOST_LETTERS = 80
MOST_OF_TITLE = 40
NOTHING = Cell("–", "")

COST = Column("cost_usd", "Cost", hint="Of the runs that began here, and of calls that belong to no run")
SHARE = Column("cost_share_percent", "Share", "share", hint="Share of all that was spent here")
RUNS = Column("runs", "Runs", hint="A run that counts towards two key results is a run of both")
RESULT_COLUMNS = (
    Column("objective", "Objective", "text", hint="And its priority"),
    Column("key_result", "Key result", "text"),
    COST,
    SHARE,
    RUNS,
    Column("succeeded_percent", "Succeeded", hint="Of the runs of which it is known how they ended"),
    Column("cost_per_success_usd", "Cost a success", hint="Cost by the runs that ended well"),
    Column("tokens", "Tokens", only_csv=True),
    Column("tokens_wasted", "Wasted", hint="Tokens, each run once"),
)
PROGRESS_COLUMNS = (
    Column("key_result", "Key result", "text"),
    Column("metric", "Metric", "text"),
    Column("now", "Now", hint="As it was measured last by the end of this range"),
    Column("target", "Target"),
    Column("progress_percent", "Progress", "share", hint="Of the way from start to target"),
    Column("moved", "Moved here", hint="What the metric moved by in this range"),
    COST,
    RUNS,
    Column(
        "spent_per_unit_usd",
        "Spent a unit",
        hint="What was spent while it moved by one unit, only where it moved towards its target by 5% of the way or"
        " more. It says nothing of what caused it.",
    ),
)
LEVEL_COLUMNS = (Column("level", "Counted by", "text"), COST, SHARE, RUNS, Column("tokens", "Tokens"))
LEFT_COLUMNS = (
    Column("tag", "Tag", "text", hint="What was sent as objective, and names nothing"),
    Column("task_type", "Task type", "text"),
    Column("agent", "Agent", "text"),
    COST,
    SHARE,
    RUNS,
    Column("calls", "Calls"),
    Column("tokens", "Tokens"),
)


def results_table(goals: Sequence[Goal], spend: Spend) -> Table:
    """A row a key result, or an objective as a whole where it has cost something or has no key result; then what is in
    no objective, which is always there; then all of it."""
    whole, rows = spend.total, []
    for goal in goals:
        for result in goal.results:
            used = spend.by_target.get(Target(goal.id, result.id), NO_USE)
            rows.append(_result_row(goal, result, used, whole))
        of_it = spend.by_target.get(Target(goal.id))
        if of_it or not goal.results:
            rows.append(_result_row(goal, None, of_it or NO_USE, whole))
    left = Row(
        (
            Cell(UNATTRIBUTED, UNATTRIBUTED, words=True),
            Cell("", "", words=True),
            *_figures(spend.unattributed, whole),
        ),
        "others",
    )
    total = summary("total", 2, _figures(whole, whole))
    return Table(RESULT_COLUMNS, (*rows, left), total)


def levels_table(spend: Spend) -> Table:
    """By what spend was counted towards something."""
    rows = tuple(
        Row(
            (
                text(level, shown=LEVEL_TITLES[level]),
                _cost(spend.by_level[level]),
                _share(spend.by_level[level], spend.total),
                count(spend.by_level[level].runs),
                count(spend.by_level[level].tokens),
            )
        )
        for level in LEVELS
        if level in spend.by_level
    )
    return Table(LEVEL_COLUMNS, rows)


def left_table(spend: Spend, *, all_rows: bool) -> Table:
    """What nothing names, the dearest first, with what it bears: a tag that is misspelled, an agent without a rule."""
    ranked = sorted(spend.left.items(), key=lambda item: (-item[1].cost_nanousd, -item[1].tokens, item[0]))
    shown = ranked if all_rows else ranked[:MOST_LEFT]
    rows = [Row((*_borne(left), *_left_figures(used, spend.total))) for left, used in shown]
    if len(shown) < len(ranked):
        rest = NO_USE
        for _, used in ranked[len(shown) :]:
            rest = rest.plus(used)
        rows.append(summary("others", 3, _left_figures(rest, spend.total)))
    return Table(LEFT_COLUMNS, tuple(rows), shortened=len(shown) < len(ranked))


def pile(goals: Sequence[Goal], spend: Spend, *, window: Window, now: datetime) -> Stack:
    """Cost by objective and bucket: the dearest objectives, the others together, and what is in none."""
    starts = tuple(window.edges())
    totals = {goal.id: spend.of(goal.id).cost_nanousd for goal in goals}
    dearest = sorted((goal for goal in goals if totals[goal.id]), key=lambda goal: (-totals[goal.id], goal.key))
    shown = dearest[: MAX_SERIES - 1]
    slots = colours.slots([goal.key for goal in shown])
    named = {goal.id for goal in shown}
    layers = [
        Layer(
            goal.key, slots[goal.key], tuple(spend.by_slice.get((start, goal.id), 0) for start in starts), _title(goal)
        )
        for goal in shown
    ]
    rest = [0] * len(starts)
    place = {start: index for index, start in enumerate(starts)}
    for (start, objective), cost in spend.by_slice.items():
        if objective is not None and objective not in named:
            rest[place[start]] += cost
    if any(rest):
        layers.append(Layer(OTHERS, _free(slots), tuple(rest)))
    left = tuple(spend.by_slice.get((start, None), 0) for start in starts)
    layers.append(Layer(UNATTRIBUTED, colours.OTHER_SLOT, left))
    runs = bisect_right(starts, now) - 1 if window.start <= now <= window.end else None
    return Stack("cost", window, starts, tuple(formats.bucket_labels(starts, window)), tuple(layers), runs)


def out_of_order(goals: Sequence[Goal], spend: Spend) -> tuple[str, ...]:
    """A sentence for each objective of low priority that cost a twentieth of all or more, and more than one of high
    priority did; the cheapest of those is named."""
    cost = {goal.id: spend.of(goal.id).cost_nanousd for goal in goals}
    high = min((goal for goal in goals if goal.priority == 1), key=lambda goal: (cost[goal.id], goal.key), default=None)
    if high is None:
        return ()
    low = sorted((goal for goal in goals if goal.priority == 3), key=lambda goal: (-cost[goal.id], goal.key))
    return tuple(
        f"{_name(goal)} has low priority and cost {formats.usd(cost[goal.id])},"
        f" {_share_of(cost[goal.id], spend)} of all: more than"
        f" {_name(high)}, which has high priority ({formats.usd(cost[high.id])})."
        for goal in low
        if cost[goal.id] > cost[high.id] and LEAST_TOLD * cost[goal.id] >= spend.total.cost_nanousd
    )


def _result_row(goal: Goal, result: Result | None, used: Sums, whole: Sums) -> Row:
    named = (
        text(goal.key, shown=_title(goal), note=goal.priority_name),
        text(result.key, shown=formats.clipped(f"{result.key} {result.title}", MOST_OF_TITLE))
        if result
        else Cell(AS_A_WHOLE, "", words=True),
    )
    return Row((*named, *_figures(used, whole)))


def _figures(used: Sums, whole: Sums) -> tuple[Cell, ...]:
    ended = used.done + used.failed
    share = formats.percent(used.done, ended)
    each = round(Fraction(used.cost_nanousd, used.done)) if used.done else 0
    return (
        _cost(used),
        _share(used, whole),
        count(used.runs),
        Cell(f"{share}%", share) if ended else NOTHING,
        Cell(formats.usd(each), formats.exact_usd(each)) if used.done else NOTHING,
        count(used.tokens),
        Cell(formats.compact(used.tokens_wasted), str(used.tokens_wasted)),
    )


def progress_table(goals: Sequence[Goal], spend: Spend, *, window: Window) -> Table | None:
    """How far each key result has come, beside what was spent meanwhile; None where nothing was measured."""
    rows = [
        _progress(result, found, spend.by_target.get(Target(goal.id, result.id), NO_USE))
        for goal in goals
        for result in goal.results
        if (found := progress_of(result, window))
    ]
    return Table(PROGRESS_COLUMNS, tuple(rows)) if rows else None


def _progress(result: Result, found: Progress, used: Sums) -> Row:
    per_mille = round(found.done * 1000)
    exact = f"{'-' if per_mille < 0 else ''}{abs(per_mille) // 10}.{abs(per_mille) % 10}"
    unit = _unit(result)
    moved = f"{found.moved_by.normalize():+,f}{unit}".replace("-", formats.MINUS, 1)
    each = found.cost_per_unit(used.cost_nanousd)
    return Row(
        (
            text(result.key, shown=formats.clipped(f"{result.key} {result.title}", MOST_LETTERS)),
            Cell(formats.clipped(result.metric or "–", MOST_OF_TITLE), result.metric, words=True),
            Cell(
                f"{plain(found.current)}{unit}", f"{found.current.normalize():f}", note=f"on {_day(found.measured_on)}"
            ),
            Cell(
                f"{plain(result.target)}{unit}", f"{result.target.normalize():f}" if result.target is not None else ""
            ),
            Cell(f"{exact}%", exact, share=min(max(per_mille, 0), 1000)),
            Cell(moved, f"{found.moved_by.normalize():f}") if found.snapshots else Cell("not measured", ""),
            _cost(used),
            count(used.runs),
            NOTHING if each is None else Cell(formats.usd(each), formats.exact_usd(each)),
        )
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def progress_of(result: Result, window: Window) -> Progress | None:
    """How a key result stood and moved in a window."""
    days = {"first_day": window.first_day, "last_day": window.last_day}
    return progress(result.values, start=result.start, target=result.target, **days)


def plain(number: Decimal | None) -> str:
    """1,234.5 without zeros at its end."""
    return "" if number is None else f"{number.normalize():,f}"


def _borne(left: Left) -> tuple[Cell, Cell, Cell]:
    task_type = text(left.task_type, note="calls of no run" if left.is_loose else "")
    return text(left.tag), task_type, text(left.agent)


def _left_figures(used: Sums, whole: Sums) -> tuple[Cell, ...]:
    return _cost(used), _share(used, whole), count(used.runs), count(used.calls), count(used.tokens)


def _cost(used: Sums) -> Cell:
    """The cost; what has no price is never said to be free."""
    if used.calls and used.unpriced_calls == used.calls:
        return Cell("unpriced", "")
    return Cell(formats.usd(used.cost_nanousd), formats.exact_usd(used.cost_nanousd))


def _share(used: Sums, whole: Sums) -> Cell:
    share = formats.percent(used.cost_nanousd, whole.cost_nanousd)
    return Cell(f"{share}%", share, share=formats.per_mille(used.cost_nanousd, whole.cost_nanousd))


def _share_of(cost: int, spend: Spend) -> str:
    return f"{formats.percent(cost, spend.total.cost_nanousd)}%"


def _name(goal: Goal) -> str:
    return formats.clipped(f"{goal.key} {goal.title}", MOST_LETTERS)


def _title(goal: Goal) -> str:
    return formats.clipped(f"{goal.key} {goal.title}", MOST_OF_TITLE)


def _unit(result: Result) -> str:
    """What stands behind a measured number: 90%, 12 hours."""
    return result.unit if result.unit == "%" or not result.unit else f" {result.unit}"


def _free(slots: Mapping[str, int]) -> int:
    """The first colour that nothing has."""
    return next(slot for slot in range(1, MAX_SERIES + 1) if slot not in slots.values())
