"""What is said of a day that is not as usual, in pages, reports and alerts alike. Pure.

Names are handed on as agents wrote them: who prints them makes them harmless.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

UNSET = "(none)"
NOTHING = "\N{EN DASH}"
_SERIES = {"project": "All runs", "agent": "Agent", "task_type": "Task type", "model": "Model"}
_WHATS = {"intensity": "tokens a run", "volume": "runs"}
_CENT = Decimal("0.01")


def series(dimension: str, name: str) -> str:
    """Agent codex; All runs."""
    said = _SERIES.get(dimension, dimension)
    return said if dimension == "project" else f"{said} {name or UNSET}"


def measured(what: str) -> str:
    """What was compared: tokens a run, or runs."""
    return _WHATS.get(what, what)


def figure(number: float | None) -> str:
    """Tokens or runs, as a whole number from a hundred on; a dash where there is none."""
    if number is None:
        return NOTHING
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:,.1f}"


def times(effect: float | None) -> str:
    """How many times what is usual, to two digits: 3.1, 0.42, 12."""
    if effect is None:
        return NOTHING
    return f"{effect:,.0f}" if effect >= 9.95 else f"{effect:.1f}" if effect >= 0.95 else f"{effect:.2f}"


def band(low: float | None, high: float | None) -> str:
    """What is usual, from where to where."""
    return NOTHING if low is None or high is None else f"{figure(low)} to {figure(high)}"


def dollars(nanousd: int, *, sign: bool = False) -> str:
    """$1,234.56; of what is less than a cent and not nothing, its first digit. With a `sign` what is more has a plus,
    and what is less than nothing always has a minus."""
    amount = abs(Decimal(nanousd)) / 10**9
    size = _CENT if amount >= _CENT or not amount else Decimal(1).scaleb(amount.adjusted())
    before = "-" if nanousd < 0 else "+" if sign and nanousd else ""
    return f"{before}${amount.quantize(size, ROUND_HALF_UP):,f}"


def issue(what: str, *, value: float | None, usual: float | None, effect: float | None) -> str:
    """What a day came to, and what is usual: 352,000 tokens a run, 3.1 times the usual 114,000."""
    return f"{figure(value)} {measured(what)}, {times(effect)} times the usual {figure(usual)}"


def at_stake(nanousd: int) -> str:
    """What a day cost above what was to be expected, or below it."""
    return f"{dollars(abs(nanousd))} {'less' if nanousd < 0 else 'more'} than expected"


def reason(*, is_shift: bool, root_dimension: str, root_name: str) -> str:
    """Why it counts: a shift, or another series that explains it; empty where the day alone says enough."""
    if root_dimension:
        said = series(root_dimension, root_name)
        return f"explained by {said[0].lower()}{said[1:]}"
    return "unusual on two of three days" if is_shift else ""
