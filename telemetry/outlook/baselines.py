"""BASELINES: a day of a project against the thirty days before it, series by series. Pure.

    sums of days ─▶ series ─▶ a score each of intensity and volume ─▶ q over all of the day ─▶ rules, roots ─▶ verdicts

A verdict depends on the sums of the window and on what was said of its days, so that a night that was missed and is
caught up says what it would have said then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import log
from typing import Any, get_args

from telemetry.outlook import intensity, levels, roots, volume
from telemetry.outlook.chance import false_discovery
from telemetry.outlook.grouping import PLACES, WINDOW, Series, series_of
from telemetry.outlook.scores import Score
from telemetry.outlook.verdicts import DIMENSIONS, DaySum, Dimension, Verdict, What

LEAST_DAYS, LEAST_RUNS = 8, 20  # before which a series is being learnt
WHATS: tuple[What, ...] = get_args(What)
_RECENT = range(WINDOW - 7, WINDOW)
Key = tuple[Dimension, str, What]
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes a day unusual. A share `false_discovery` of what is called unusual may be so by chance. A shift is a
    smaller effect, which chance makes with `shift_p`, on two of three days. What is at stake is at least
    `floor_nanousd`, or `floor_tokens` where not all calls have a price."""

    false_discovery: float = 0.07
    effect: float = 1.5
    shift_effect: float = 1.3
    shift_p: float = 0.01
    floor_nanousd: int = 500_000_000
    floor_tokens: int = 200_000


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a day of a series, as far as later days need it."""

    day: date
    effect: float | None
    p: float | None
    is_flagged: bool


RULES = Rules()
History = Mapping[Key, Sequence[Said]]


@dataclass(slots=True)
class _Draft:
    """A verdict in the making: a series, how it scored, and what was said of its days before."""

    series: Series
    what: What
    score: Score | None
    said: Sequence[Said]
    p: float | None = None
    q: float | None = None
    is_flagged: bool = False
    is_shift: bool = False
    root: roots.Name | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is enough before the day to say anything."""
        return self.score is not None and self.score.days >= LEAST_DAYS and self.score.runs >= LEAST_RUNS

    @property
    def effect(self) -> float | None:
        """Times of what is usual."""
        return self.score.effect if self.score and self.is_known else None

    def at_stake(self, sums: Sequence[int]) -> int:
        """How much more than usual the day's sum is. A day without runs lacks what its runs usually come to."""
        if self.effect is None or self.score is None:
            return 0
        if self.series.runs[WINDOW]:
            found = sums[WINDOW] * (1 - 1 / self.effect)
        else:
            found = -sum(sums) / max(1, sum(self.series.runs)) * self.score.baseline.usual
        return int(max(-_MOST, min(_MOST, found)))


def judge(
    sums: Iterable[DaySum], *, day: date, history: History, rules: Rules = RULES, is_over: bool = True
) -> list[Verdict]:
    """What a day is against the thirty before it, of every series that has runs in them, each dimension's dearest
    first. `sums` are those of all these days, `history` what was said of the days before. Of a day that is not over
    nothing is called unusual that comes from how many runs it has so far."""
    drafts = _drafts(series_of(sums, day=day), day, history, rules)
    tested = [draft for draft in drafts if draft.effect is not None and (is_over or draft.what == "intensity")]
    _find(tested)
    for draft in tested:
        draft.is_shift = _is_shift(draft, day, rules)
        draft.is_flagged = _is_dear(draft, rules) and (draft.is_shift or _is_unusual(draft, rules))
    _explain([draft for draft in tested if draft.is_flagged])
    return [_verdict(draft, day) for draft in drafts]


def _find(tested: Sequence[_Draft]) -> None:
    """Say how likely each is by chance, among all that rose or may have, and all that fell. Dimensions are families:
    one cause makes series of all four unusual, and is one discovery."""
    dimensions = [draft.series.dimension for draft in tested]
    for rises in (True, False):
        values = [draft.score.p(rises=rises) if draft.score else 1.0 for draft in tested]
        for draft, p, q in zip(tested, values, false_discovery(values, dimensions), strict=True):
            if _rises(draft.effect) == rises:
                draft.p, draft.q = p, q


def _drafts(found: Sequence[Series], day: date, history: History, rules: Rules) -> list[_Draft]:
    """How series score, those of a dimension together; of a day without tokens there is nothing that a run took."""
    drafts: dict[tuple[roots.Name, What], _Draft] = {}
    for dimension in DIMENSIONS:
        mine = [series for series in found if series.dimension == dimension]
        for one in (*_of_intensity(mine, day, history, rules), *_of_volume(mine, day, history, rules)):
            drafts[one.series.key, one.what] = one
    return [draft for series in found for what in WHATS if (draft := drafts.get((series.key, what)))]


def _of_intensity(mine: Sequence[Series], day: date, history: History, rules: Rules) -> Iterator[_Draft]:
    some = [series for series in mine if any(days[WINDOW].runs for days in series.strata.values())]
    places = [_before(_said(series, "intensity", history), series, day, rules) for series in some]
    pasts = [
        intensity.past(series.strata, before=before, today=WINDOW) for series, before in zip(some, places, strict=True)
    ]
    shared = intensity.shared(past for past in pasts if past)
    for series, before, past in zip(some, places, pasts, strict=True):
        score = intensity.score(past, shared, before=before, recent=_RECENT, today=WINDOW) if past else None
        yield _Draft(series, "intensity", score, _said(series, "intensity", history))


def _of_volume(mine: Sequence[Series], day: date, history: History, rules: Rules) -> Iterator[_Draft]:
    weekdays = [(day - timedelta(days=WINDOW - place)).weekday() for place in range(PLACES)]
    pasts = [
        volume.past(
            series.runs,
            weekdays=weekdays,
            before=_before(_said(series, "volume", history), series, day, rules),
            today=WINDOW,
        )
        for series in mine
    ]
    shared, usual = volume.shared([past for past in pasts if past])
    of_each = iter(usual)
    for series, past in zip(mine, pasts, strict=True):
        score = volume.score(past, next(of_each), shared, recent=_RECENT) if past else None
        yield _Draft(series, "volume", score, _said(series, "volume", history))


def _said(series: Series, what: What, history: History) -> Sequence[Said]:
    return history.get((series.dimension, series.name, what), ())


def _before(said: Sequence[Said], series: Series, day: date, rules: Rules) -> list[int]:
    """The places of the days that a series is compared with."""
    unusual = {WINDOW - (day - one.day).days for one in _left_out(said, rules)}
    return levels.counted(unusual, first=series.first, today=WINDOW)


def _left_out(said: Sequence[Said], rules: Rules) -> Iterator[Said]:
    """Days that were flagged, and those with which one made a shift: of the first of them nobody knew what it was."""
    for place, one in enumerate(said):
        later = [other for other in said[place + 1 : place + 3] if other.is_flagged and _are_shift(one, other, rules)]
        if one.is_flagged or later:
            yield one


def _is_unusual(draft: _Draft, rules: Rules) -> bool:
    return draft.q is not None and draft.q <= rules.false_discovery and _is_large(draft.effect, rules.effect)


def _is_shift(draft: _Draft, day: date, rules: Rules) -> bool:
    """Whether this day and one of the two before it are off in the same direction."""
    today = Said(day, draft.effect, draft.p, False)
    return any(_are_shift(one, today, rules) for one in draft.said)


def _are_shift(one: Said, later: Said, rules: Rules) -> bool:
    """Whether two of three days are off in the same direction."""
    return (
        1 <= (later.day - one.day).days <= 2
        and _rises(one.effect) == _rises(later.effect)
        and all(
            said.p is not None and said.p <= rules.shift_p and _is_large(said.effect, rules.shift_effect)
            for said in (one, later)
        )
    )


def _is_large(effect: float | None, least: float) -> bool:
    return effect is not None and abs(log(effect)) >= log(least)


def _rises(effect: float | None) -> bool:
    return effect is not None and effect > 1


def _is_dear(draft: _Draft, rules: Rules) -> bool:
    series = draft.series
    if abs(draft.at_stake(series.cost_nanousd)) >= rules.floor_nanousd:
        return True
    return series.unpriced_calls > 0 and abs(draft.at_stake(series.tokens)) >= rules.floor_tokens


def _explain(flagged: Sequence[_Draft]) -> None:
    """Give each that another explains its root; what rose explains nothing that fell, nor volume intensity."""
    for what in WHATS:
        for rises in (True, False):
            alike = [one for one in flagged if one.what == what and _rises(one.effect) == rises]
            by_tokens = any(one.series.unpriced_calls for one in alike)
            found = roots.roots((_cause(one, by_tokens) for one in alike), by_tokens=by_tokens)
            for one in alike:
                one.root = found.get((one.series.dimension, one.series.name))


def _cause(draft: _Draft, by_tokens: bool) -> roots.Cause:
    series = draft.series
    stake = draft.at_stake(series.tokens if by_tokens else series.cost_nanousd)
    return roots.Cause(series.dimension, series.name, stake, series.cells)


def _is_alert(draft: _Draft, day: date) -> bool:
    """Whether people are to be told: it rose, nothing else explains it, and it did not the day before."""
    told = any((day - one.day).days == 1 and one.is_flagged and _rises(one.effect) for one in draft.said)
    return draft.is_flagged and _rises(draft.effect) and draft.root is None and not told


def _verdict(draft: _Draft, day: date) -> Verdict:
    series, score = draft.series, draft.score
    fields: dict[str, Any] = {"baseline_days": score.days, "baseline_runs": score.runs} if score else {}
    if score and draft.is_known:
        fields |= {
            **dict(zip(("baseline", "low_30", "high_30"), score.baseline, strict=True)),
            **dict(zip(("level", "low_7", "high_7"), score.level, strict=True)),
            **dict(zip(("slope", "slope_p"), score.trend or (None, None), strict=True)),
            "z": score.z,
            "effect": score.effect,
            "p": draft.p,
            "q": draft.q,
            "is_flagged": draft.is_flagged,
            "is_shift": draft.is_shift,
            "is_alert": _is_alert(draft, day),
            "at_stake_nanousd": draft.at_stake(series.cost_nanousd),
        }
    root = draft.root or ("", "")
    return Verdict(
        day=day,
        dimension=series.dimension,
        name=series.name,
        what=draft.what,
        state=("flagged" if draft.is_flagged else "usual") if draft.is_known else "learning",
        runs=series.runs[WINDOW],
        value=_value(draft),
        tokens=min(_MOST, series.tokens[WINDOW]),
        cost_nanousd=min(_MOST, series.cost_nanousd[WINDOW]),
        root_dimension=root[0],
        root_name=root[1],
        **fields,
    )


def _value(draft: _Draft) -> float:
    """Of a day that has nothing before it, too."""
    if draft.what == "volume":
        return float(draft.series.runs[WINDOW])
    return intensity.value(draft.series.strata.values(), WINDOW)
