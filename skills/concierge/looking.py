"""All that the concierge makes of a project's runs and skills, at once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from skills.concierge.doubles import Double, doubles
from skills.concierge.gaps import Fit, Gap, gaps
from skills.concierge.idle import WATCHED, Idle, Use, idle
from skills.concierge.patterns import patterns
from skills.matching.index import Index
from skills.matching.match import FLOOR, rank
from skills.matching.overlap import Overlap
from telemetry.contracts import TaskRun

_MOST_FITS, _LEAST_FITS = 10_000, 500  # different tasks that are held against the skills
_COMPARED = 500_000  # tasks times skills


class Shelved(Struct, frozen=True):
    """A skill that is there: since when, and the tokens of its body."""

    skill: str
    since: datetime
    tokens: int


class Loads(Struct, frozen=True):
    """How often a skill was loaded since WATCHED began, and when last."""

    loads: int
    last_at: datetime


class Findings(Struct, frozen=True):
    """What was found; `runs` is how many runs said what they were, `patterns` how many patterns these have."""

    gaps: tuple[Gap, ...] = ()
    idle: tuple[Idle, ...] = ()
    doubles: tuple[Double, ...] = ()
    runs: int = 0
    patterns: int = 0


def look(
    runs: Sequence[TaskRun],
    index: Index,
    *,
    shelved: Sequence[Shelved],
    loads: Mapping[str, Loads],
    alike: Sequence[Overlap],
    now: datetime,
) -> Findings:
    """What a project lacks, what it has for nothing, and what it has twice. `loads`: of WATCHED until `now`."""
    told = sorted((run for run in runs if run.text.strip()), key=lambda run: (run.at, run.text))
    found = patterns([run.text for run in told])
    fits = _Fits(index)
    lacking = gaps(told, found, fits.of)
    fitting, looked = fits.counted([run.text for run in told])
    uses = [
        Use(
            skill=one.skill,
            since=one.since,
            loads=loads[one.skill].loads if one.skill in loads else 0,
            last_at=loads[one.skill].last_at if one.skill in loads else None,
            fitting=fitting[one.skill],
            tokens=one.tokens,
        )
        for one in shelved
    ]
    every = sum(one.loads for one in loads.values())
    return Findings(
        tuple(lacking),
        tuple(idle(uses, loads=every, tasks=looked, now=now)),
        tuple(doubles(alike, told, {one.skill: one.tokens for one in shelved})),
        len(told),
        len(found),
    )


class _Fits:
    """What the index says of tasks, each asked once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._most = max(_LEAST_FITS, min(_MOST_FITS, _COMPARED // max(1, len(index.entries))))
        self._known: dict[str, Fit] = {}

    def of(self, text: str) -> Fit:
        """The skill that is nearest to a task."""
        if text not in self._known:
            ranked = rank(self._index, text, most=1)[0]
            best = ranked[0] if ranked else None
            self._known[text] = Fit(best.name, best.score, best.score >= FLOOR) if best else Fit("", 0.0, False)
        return self._known[text]

    def counted(self, texts: Sequence[str]) -> tuple[Counter[str], int]:
        """How many of the tasks each skill fits best, and how many were looked at: those that come most often."""
        fitting: Counter[str] = Counter()
        looked = 0
        for text, count in Counter(texts).most_common(self._most):
            fit = self.of(text)
            looked += count
            if fit.is_told:
                fitting[fit.skill] += count
        return fitting, looked


__all__ = ["WATCHED", "Findings", "Loads", "Shelved", "look"]
