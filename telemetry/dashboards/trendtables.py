"""The tables of the trends page: what is unusual, how each series does, and where a difference comes from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from telemetry.dashboards import bands, formats, waterfall
from telemetry.dashboards.tables import Cell, Column, Row, Table, summary, text
from telemetry.observer import trendwords
from telemetry.outlook.decomposition import CellChange, by_part, together
from telemetry.outlook.verdicts import Verdict, What

NOTHING = Cell("\N{EN DASH}", "")
TELLING = 0.05  # of a slope: how unlikely it is by chance
MOST_CHANGES = 20
MOST_LETTERS = 44  # of a name that stands beside many figures
Address = Callable[[Verdict], str]
BY = {"agent": "Agent", "task_type": "Task type", "model": "Model"}
UNUSUAL_COLUMNS = (
    Column("series", "Series", "text"),
    Column("day", "Day", "text"),
    Column("what", "What", "text"),
    Column("value", "Came to"),
    Column(
        "baseline", "Usual", hint="What the thirty days before make likely; below it where nineteen of twenty days lie"
    ),
    Column("times", "Times usual", hint="What it came to, over what is usual"),
    Column("at_stake_usd", "At stake", hint="What the day cost beyond what was to be expected"),
    Column("q", "By chance", hint="How large a share of what is called unusual may be so by chance, up to this row"),
    Column("note", "Note", "text"),
)
CHANGE_COLUMNS = (
    Column("before_usd", "A usual day"),
    Column("after_usd", "This day"),
    Column("difference_usd", "Difference"),
    Column("volume_usd", "Volume", hint="More or fewer runs in all"),
    Column("mix_usd", "Mix", hint="Another share of the runs: other agents, tasks and models"),
    Column("tokens_per_run_usd", "Tokens a run", hint="Longer or shorter runs of the same kind"),
    Column("price_usd", "Price", hint="Another price of a token: of the model, or of more or less from the cache"),
)


def unusual(found: Iterable[Verdict], *, address: Address, one_day: bool = False) -> Table:
    """Days of series that are not as usual, in the order in which they come; the page does not repeat `one_day`."""
    columns = tuple(replace(one, only_csv=one_day and one.name == "day") for one in UNUSUAL_COLUMNS)
    rows = tuple(
        Row(
            (
                _series(one, address),
                Cell(bands.name_of(one.day), one.day.isoformat(), words=True),
                Cell(trendwords.measured(one.what).capitalize(), one.what, words=True),
                _measure(one.value),
                _measure(one.baseline, note=bands.between(one.low_30, one.high_30)),
                _times(one),
                _money(one.at_stake_nanousd),
                NOTHING if one.q is None else Cell(_chance(one.q), f"{one.q:.6g}"),
                _note(one),
            )
        )
        for one in found
    )
    return Table(columns, rows)


def series_columns(by: str) -> tuple[Column, ...]:
    """The columns of `series`."""
    return (
        Column(by, BY[by], "text"),
        Column("state", "State", "text"),
        Column("tokens_per_run", "Tokens a run", hint="Of a usual run: the geometric mean. Below it what is usual"),
        Column("tokens_per_run_times", "Times usual"),
        Column(
            "tokens_per_run_slope", "Trend", hint="By how much a day changes it over thirty days, where that is sure"
        ),
        Column("runs", "Runs", hint="Below it what is usual"),
        Column("runs_times", "Times usual"),
        Column("runs_slope", "Trend", hint="By how much a day changes it over thirty days, where that is sure"),
        Column("cost_usd", "Cost"),
        Column("at_stake_usd", "At stake", hint="What the day cost beyond what was to be expected"),
    )


def series(names: Sequence[str], found: Mapping[tuple[str, What], Verdict], *, by: str, address: Address) -> Table:
    """How each series of a dimension did on a day."""
    rows = [_of_series(found.get((name, "intensity")), found.get((name, "volume")), address) for name in names]
    return Table(series_columns(by), tuple(row for row in rows if row is not None))


def changes(cells: Iterable[CellChange], *, by: str, address: Callable[[str], str], all_rows: bool) -> Table:
    """Where a difference comes from, by one part of the cells' keys; all columns and rows add up."""
    groups = by_part(cells, tuple(BY).index(by))
    shown = groups if all_rows else groups[:MOST_CHANGES]
    rows = [Row((_name(group.key[0], address), *_parts(group))) for group in shown]
    if rest := groups[len(shown) :]:
        rows.append(summary("others", 1, _parts(together((), rest))))
    total = summary("total", 1, _parts(together((), groups)))
    return Table((Column(by, BY[by], "text"), *CHANGE_COLUMNS), tuple(rows), total, shortened=bool(rest))


def _name(name: str, address: Callable[[str], str]) -> Cell:
    return text(name, shown=formats.clipped(name, MOST_LETTERS), url=address(name))


def _parts(group: CellChange) -> tuple[Cell, ...]:
    ends = (group.before_nanousd, group.after_nanousd)
    return (
        *(Cell(formats.usd(cost), formats.exact_usd(cost)) for cost in ends),
        *(_money(part) for part in (group.effects.total, *group.effects)),
    )


def _of_series(intensity: Verdict | None, volume: Verdict | None, address: Address) -> Row | None:
    one = volume or intensity
    if one is None:
        return None
    stake = sum(
        verdict.at_stake_nanousd for verdict in (intensity, volume) if verdict is not None and verdict.is_flagged
    )
    return Row(
        (
            _series(one, address, named=True),
            _state([verdict for verdict in (intensity, volume) if verdict is not None]),
            *_measured(intensity),
            *_measured(volume),
            Cell(formats.usd(one.cost_nanousd), formats.exact_usd(one.cost_nanousd)),
            _money(stake) if stake else NOTHING,
        )
    )


def _measured(one: Verdict | None) -> tuple[Cell, Cell, Cell]:
    """A value with what is usual, how many times that is, and where it goes."""
    if one is None:
        return NOTHING, NOTHING, NOTHING
    usual = "" if one.low_30 is None else bands.between(one.low_30, one.high_30)
    return _measure(one.value, note=usual), _times(one), _slope(one)


def _measure(value: float | None, *, note: str = "") -> Cell:
    return NOTHING if value is None else Cell(bands.number(value), f"{value:.10g}", note=note)


def _times(one: Verdict) -> Cell:
    return NOTHING if one.effect is None else Cell(trendwords.times(one.effect), f"{one.effect:.6g}")


def _slope(one: Verdict) -> Cell:
    """By how much of itself a day changes it; only where chance is no likely reason."""
    if one.slope is None or one.slope_p is None or one.slope_p > TELLING:
        return NOTHING
    percent = 100 * one.slope
    if abs(percent) < 0.05:  # which would read as none
        return NOTHING
    return Cell(f"{percent:+.1f}% a day".replace("-", formats.MINUS), f"{percent:.4g}")


def _state(found: Sequence[Verdict]) -> Cell:
    for state, word, sign in (("flagged", "unusual", "bad"), ("usual", "usual", "good")):
        if any(one.state == state for one in found):
            return Cell(word, word, words=True, state="bad" if sign == "bad" else "good")
    return Cell("learning", "learning", words=True, state="other")


def _series(one: Verdict, address: Address, *, named: bool = False) -> Cell:
    """A series' name, alone where a column says what it is."""
    said = one.name or formats.UNSET if named else trendwords.series(one.dimension, one.name)
    return Cell(formats.clipped(said, MOST_LETTERS), said, url=address(one), words=True, hint="Open")


def _note(one: Verdict) -> Cell:
    said = trendwords.reason(is_shift=one.is_shift, root_dimension=one.root_dimension, root_name=one.root_name)
    return Cell(formats.clipped(said, MOST_LETTERS), said, words=True)


def _money(nanousd: int) -> Cell:
    return Cell(waterfall.signed(nanousd), formats.exact_usd(nanousd))


def _chance(q: float) -> str:
    return f"{100 * q:.1f}%" if q >= 0.001 else "<0.1%"
