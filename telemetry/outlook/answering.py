"""From what is known of runs to what is answered about one, and to the row that is kept of the answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from telemetry.limits.granted import Grant
from telemetry.outlook.expected import FEWEST_RUNS, Asked, Chance, Forecast, Range
from telemetry.outlook.forecast import Book, Expected
from telemetry.outlook.keys import ALL, LEVELS, Key

MEASURES = ("gross", "weighted", "usd", "duration_ms")
GRID = tuple(place / 20 for place in range(1, 20))
_MOST = 2**63 - 1

Books = Mapping[str, Book]  # one a measure
Outlook = Mapping[str, Expected]  # of the measures that enough is known of


def outlook_of(books: Books, keys: Sequence[Key]) -> Outlook:
    """What is expected of a run with these keys, in each measure that enough runs are known in."""
    found = {}
    for measure, book in books.items():
        if runs_in(book) >= FEWEST_RUNS and (expected := book.expect(keys)) is not None:
            found[measure] = expected
    return found


def runs_in(book: Book) -> int:
    """How many runs a book knows."""
    return book.stats[ALL].runs if ALL in book.stats else 0


def forecast_of(
    outlook: Outlook, grants: Sequence[Grant], *, runs: int, forecast_id: UUID, asked_at: datetime
) -> Forecast:
    """What is answered: ranges, and of each budget of a run or a session the probability that it is exceeded. `runs`
    is how many of the project are known."""
    gross = outlook.get("gross")
    chances = [_chance(outlook.get(grant.counts), grant) for grant in grants if grant.spent is not None]
    return Forecast(
        id=forecast_id,
        asked_at=asked_at,
        tokens=_range(gross),
        weighted=_range(outlook.get("weighted")),
        cost_nanousd=_range(outlook.get("usd")),
        duration_ms=_range(outlook.get("duration_ms")),
        chances=tuple(sorted(chances, key=_likeliest_first)),
        n=gross.runs if gross else 0,
        level=LEVELS[gross.level] if gross else "",
        runs=runs,
        why_none="" if gross else f"No estimate: it needs {FEWEST_RUNS} runs that have ended, and {runs} are known.",
    )


def row_of(forecast: Forecast, outlook: Outlook, asked: Asked, *, is_asked: bool) -> dict[str, Any]:
    """The columns of the row that is kept of an answer, as JSON knows them."""
    gross, budget = outlook.get("gross"), next(iter(forecast.chances), None)
    return {
        "id": str(forecast.id),
        "asked_at": forecast.asked_at.isoformat(),
        "is_asked": is_asked,
        **{name: getattr(asked, name) for name in ("execution_id", "task_id", "task_type", "tool", "agent")},
        "session_id": asked.session_id,
        "level": forecast.level,
        "n": forecast.n,
        "runs": forecast.runs,
        **_ends("tokens_{}", forecast.tokens),
        "tokens_naive": whole(gross.mean_amount) if gross else None,
        "tokens_grid": [whole(gross.quantile(share)) for share in GRID] if gross else None,
        **_ends("weighted_{}", forecast.weighted),
        **_ends("cost_{}_nanousd", forecast.cost_nanousd),
        **_ends("duration_{}_ms", forecast.duration_ms),
        "chances": [asdict(one) for one in forecast.chances],
        "budget_period": budget.period if budget else "",
        "budget_counts": budget.counts if budget else "",
        "budget_limit": budget.limit if budget else None,
        "budget_spent": budget.spent if budget else None,
        "budget_naive": budget.naive if budget else None,
        "p_exceed": forecast.p_exceed,
        "warns": forecast.warns,
    }


def outcome_share(grid: Sequence[int], tokens: int) -> float:
    """Which share of runs was expected to come to less than so many tokens, by the grid that was kept; outside of it,
    half of what lies there."""
    below = sum(tokens > mark for mark in grid)
    if not 0 < below < len(grid):
        return GRID[0] / 2 if not below else 1 - GRID[0] / 2
    low, high = grid[below - 1], grid[below]
    return GRID[below - 1] + (GRID[below] - GRID[below - 1]) * (tokens - low) / max(high - low, 1)


def _chance(expected: Expected | None, grant: Grant) -> Chance:
    spent = grant.spent or 0
    return Chance(
        budget_id=grant.budget_id,
        scope=grant.scope,
        subject=grant.subject,
        period=grant.period,
        counts=grant.counts,
        limit=grant.limit,
        spent=spent,
        probability=_probability(expected, grant.limit - spent),
        naive=whole(expected.mean_amount) if expected else None,
    )


def _probability(expected: Expected | None, room: int) -> float | None:
    """Where nothing is left, the smallest run is too large."""
    if room <= 0:
        return 1.0
    return None if expected is None else round(expected.share_above(room), 4)


def _likeliest_first(chance: Chance) -> tuple[float, int]:
    """Where nothing is known, the budget with the least room."""
    return -1.0 if chance.probability is None else -chance.probability - 1, chance.limit - chance.spent


def _range(expected: Expected | None) -> Range | None:
    return None if expected is None else Range(whole(expected.quantile(0.5)), whole(expected.quantile(0.9)))


def _ends(name: str, found: Range | None) -> dict[str, int | None]:
    return {name.format("q50"): found.q50 if found else None, name.format("q90"): found.q90 if found else None}


def whole(amount: float) -> int:
    """An amount as it is stored."""
    return min(round(amount), _MOST)
