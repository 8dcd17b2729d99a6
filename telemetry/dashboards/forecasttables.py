"""Forecasts as tables: each beside what became of its run, and how rules of alerts and levels of keys did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from telemetry.dashboards import calibration, formats
from telemetry.dashboards.calibration import share, share_cells
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.runtables import Links, identified, lasted, moment, name_cell, rounded
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text
from telemetry.outlook import hindsight
from telemetry.outlook.expected import WARN_FROM
from telemetry.outlook.hindsight import DayScores, ForecastRow, Scores

NOTHING = Cell("–", "")
LEVELS = {  # in a table of their own, and in a row of many
    "description": ("The same task of the agent", "Same task"),
    "agent": ("Task type and agent", "Type, agent"),
    "task_type": ("Task type", "Type"),
    "tool": ("Tool", "Tool"),
    "global": ("All runs of the project", "Project"),
    "": ("No estimate", "–"),
}
COLUMNS = (
    Column("asked_at", "Forecast", "text"),
    Column("execution", "Execution", "text"),
    Column("task", "Task", "text"),
    Column("agent", "Agent", "text"),
    Column("rests_on", "Rests on", "text", hint="The finest kind of runs of which there is one, and how many they are"),
    Column("tokens_q50", "q50", hint="Half of such runs come to no more tokens"),
    Column("tokens_q90", "q90", hint="Nine of ten such runs come to no more tokens"),
    Column("tokens", "Came to", hint="Tokens of the run, once it has ended"),
    Column("budget", "Budget", "text", hint="The likeliest to be exceeded; in tokens weighted by price, or as it says"),
    Column("p_exceed_percent", "Chance", hint="How likely the budget is exceeded"),
    Column("outcome", "Outcome", "text"),
    *(Column(name, name, "text", only_csv=True) for name in ("tool", "task_type", "session", "asked", "overrun_at")),
    *(
        Column(name, name, only_csv=True)
        for name in (
            *("n", "cost_q50_usd", "cost_q90_usd", "cost_usd", "duration_q50_ms", "duration_q90_ms", "duration_ms"),
            *("budget_limit", "budget_spent", "budget_used"),
        )
    ),
)
OF_BUDGETS = ("budget", "p_exceed_percent")
RULES = (
    Column("rule", "Rule", "text"),
    Column("told", "Told of"),
    Column("right", "Exceeded", hint="Of those that were told of, as many did exceed their budget"),
    Column("missed", "Missed", hint="Exceeded their budget, and nobody was told"),
    Column("precision_percent", "Precision", hint="Which share of what was told of did exceed"),
    Column("recall_percent", "Recall", hint="Which share of what exceeded was told of"),
)
BY_LEVEL = (
    Column("level", "Rests on", "text"),
    Column("forecasts", "Forecasts"),
    Column("runs", "Runs that ended"),
    Column("within_q50_percent", "Within q50", hint="50% is right"),
    Column("within_q90_percent", "Within q90", hint="90% is right"),
    Column("within_naive_percent", calibration.NAIVE, hint="The naive bound, where there are earlier runs"),
    Column("loss_percent", "Loss", hint="Pinball loss of q90 as a share of the naive bound's; less is better"),
)


def forecast_table(rows: Sequence[ForecastRow], *, state: PageState, links: Links, shortened: bool) -> Table:
    """A row a forecast; the page leaves out what it says of budgets where none holds of any."""
    bare = not any(row.budget_limit is not None for row in rows)
    columns = tuple(replace(one, only_csv=True) if bare and one.name in OF_BUDGETS else one for one in COLUMNS)
    return Table(columns, tuple(Row(_cells(row, state, links)) for row in rows), shortened=shortened)


def rules_table(whole: Scores) -> Table:
    """How alerts did, and how rules would have done that need no model."""
    seen = f"{formats.percent(round(1000 * whole.going_share), 1000 * whole.going_right)}%" if whole.going_right else ""
    rules = (
        (f"Before the run: at least {WARN_FROM:.0%} likely", "", whole.warned, whole.warned_right),
        ("Naive: the mean of earlier runs exceeds it", "", whole.naive_warned, whole.naive_right),
        ("Naive: one and a half times that mean does", "", whole.bound_warned, whole.bound_right),
        (
            "While it runs: half of what is thinkable does",
            f"seen when {seen} of it was spent, on average" if seen else "",
            whole.going_warned,
            whole.going_right,
        ),
    )
    return Table(
        RULES,
        tuple(
            Row(
                (
                    text(name, note=note),
                    count(told),
                    count(right),
                    count(whole.exceeded - right),
                    share(right, told),
                    share(right, whole.exceeded),
                )
            )
            for name, note, told, right in rules
        ),
    )


def levels_table(days: Sequence[DayScores], whole: Scores) -> Table:
    """How forecasts did by what they rest on, the finest first."""
    rows = []
    for level, (title, _) in LEVELS.items():
        sums = hindsight.total(one.scores for one in days if one.level == level)
        if sums.forecasts:
            rows.append(
                Row((text(level or "none", shown=title), count(sums.forecasts), *share_cells(sums), loss(sums)))
            )
    total = Row((text("total", shown="All"), count(whole.forecasts), *share_cells(whole), loss(whole)), "total")
    return Table(BY_LEVEL, tuple(rows), total)


def loss(one: Scores) -> Cell:
    """The loss of the bound against the naive one's."""
    against = one.loss_against_naive
    return NOTHING if against is None else Cell(f"{100 * against:.1f}%", f"{100 * against:.1f}")


def _cells(row: ForecastRow, state: PageState, links: Links) -> tuple[Cell, ...]:
    task, narrows = (row.task_id, "task") if row.task_id else (row.task_type, "task_type")
    return (
        moment(row.asked_at, state),
        identified(row.execution_id, links.run(row.execution_id)) if row.execution_id else NOTHING,
        name_cell(task, url=links.narrowed(narrows, task)),
        name_cell(row.agent, url=links.narrowed("agent", row.agent)),
        _rests_on(row),
        _tokens(row.tokens_q50),
        _tokens(row.tokens_q90),
        _came_to(row),
        _budget(row),
        NOTHING if row.p_exceed is None else Cell(f"{100 * row.p_exceed:.0f}%", f"{100 * row.p_exceed:.1f}"),
        _outcome(row),
        *_more(row),
    )


def _rests_on(row: ForecastRow) -> Cell:
    _, title = LEVELS.get(row.level, (row.level, row.level))
    return text(row.level or "none", shown=title, note=formats.counted(row.n, "run", "runs") if row.level else "")


def _tokens(number: int | None) -> Cell:
    return NOTHING if number is None else rounded(number)


def _came_to(row: ForecastRow) -> Cell:
    if row.tokens is None:
        return NOTHING
    over = row.tokens_q90 is not None and row.tokens > row.tokens_q90
    return Cell(formats.compact(row.tokens), str(row.tokens), note="> q90" if over else "")


def _budget(row: ForecastRow) -> Cell:
    """The limit, and whose it is."""
    if row.budget_limit is None:
        return NOTHING
    words = f"{_amount(row, row.budget_limit)}{' gross' if row.budget_counts == 'gross' else ''} / {row.budget_period}"
    return Cell(words, words, words=True)


def _amount(row: ForecastRow, amount: int) -> str:
    return formats.usd(amount) if row.budget_counts == "usd" else formats.compact(amount)


def _outcome(row: ForecastRow) -> Cell:
    """Whether the budget was exceeded, and whether somebody was told before, in time, or not at all."""
    told = "warned" if row.warns else "seen while it ran" if row.overrun_at else ""
    if row.ended_at is None:
        return Cell("not known", "", note=told, words=True)
    if row.exceeded is None:
        return Cell("ended", "ended", words=True)
    if row.exceeded:
        return Cell("exceeded", "exceeded", note=told or "not told", words=True, state="bad")
    return Cell("within", "within", note=told, words=True, state="good")


def _more(row: ForecastRow) -> tuple[Cell, ...]:
    """What only the CSV has room for."""
    words = (row.tool, row.task_type, row.session_id, "yes" if row.is_asked else "no")
    overrun = row.overrun_at.isoformat(timespec="seconds") if row.overrun_at else ""
    return (
        *(Cell(word, word, words=True) for word in (*words, overrun)),
        count(row.n),
        *(_money(amount) for amount in (row.cost_q50_nanousd, row.cost_q90_nanousd, row.cost_nanousd)),
        *(lasted(time) for time in (row.duration_q50_ms, row.duration_q90_ms, row.duration_ms)),
        *(_in_its_unit(row, amount) for amount in (row.budget_limit, row.budget_spent, row.budget_used)),
    )


def _money(nanousd: int | None) -> Cell:
    return NOTHING if nanousd is None else Cell(formats.usd(nanousd), formats.exact_usd(nanousd))


def _in_its_unit(row: ForecastRow, amount: int | None) -> Cell:
    if amount is None:
        return NOTHING
    return _money(amount) if row.budget_counts == "usd" else count(amount)
