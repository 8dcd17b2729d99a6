"""How many made anomalies nights find, how often they cry wolf, and what a z-score of daily totals does beside them.

Bars: at most 0.1 false alarms a series-month; of the days on which runs take three times the tokens 0.82 are found,
of those on which they take twice 0.45; 0.89 of all alarms are right; where nothing happens, alarms and discoveries on
at most the share of nights that the rules allow for false discoveries; nothing said in a series' first eight days.
Anchor: mean and standard deviation of thirty daily totals, which most tools begin with; its threshold gives just the
false alarms that the bar allows, on the very data that it is measured on.

Twelve projects of twenty agents and 120 days (`baselines_made.py`); each night is judged by the product's own pure
code, with what the nights before said. Seeds 9400 to 9411, and 9500 to 9511 where nothing happens; `--add 200` takes
twelve others of each. What the rules count with, and how many runs the made agents have, was chosen on seeds 1000 to
1011, 2000 to 2005, 3000 to 3011 and 3100 to 3107; what was reported until then, of 9000 to 9009 and 9300 to 9303, is
not looked at any more. All series are judged: agents, task types, models, the project. An anomaly is found if its
agent is flagged for what was done to it, on its day (a shift: within three). An alarm is right if what it is about
(tokens, or how many runs) was changed that day in an agent whose runs its series holds. A series-month is thirty
nights of an agent; false alarms of all other series count as well. A discovery is whatever rose (or fell) and is
called unlikely, whatever its size. Projects differ, so each figure has a standard error: projects are drawn again,
a thousand times (bootstrap).

`baselines-false-alarms`, `-x3`, `-x2`, `-precision`: of the rules as they are in force. `-null`: nights with an alarm
in projects in which nothing happens, `-null-rises`, `-null-falls`: with a discovery. `-first-days`: flags of the first
eight days. `-x3-naive`, `-x2-naive`: the peer's recall; no bar. `-unlike`: false alarms in six projects whose agents
differ in how their days do, as nothing was tuned to; no bar. Detail has volume, shifts, and recall by how many runs an
agent has a day: few runs say little, whoever looks.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from random import Random
from statistics import fmean, stdev
from typing import Any, NamedTuple

from benchmarks import harness
from benchmarks.baselines_made import DAYS, FIRST_DAY, QUIET, Injected, Project, made
from telemetry.outlook.baselines import RULES, Key, Said, judge
from telemetry.outlook.grouping import WINDOW
from telemetry.outlook.verdicts import DaySum, Verdict

PROJECTS, UNLIKE = 12, 6
SEED, NULL_SEED, UNLIKE_SEED = 9_400, 9_500, 9_420
BUDGET = 0.1  # false alarms a series-month
MONTH, NEW, FOUND_WITHIN = 30, 8, 3
CLASSES = ((0, 8), (8, 20), (20, 10_000))  # runs a day of an agent
DRAWS = 1_000  # of projects, for a standard error


class Looked(NamedTuple):
    """What a project's nights found: of each anomaly whether, of each alarm whether it was right; series-months, nights
    and those with an alarm, a rise or a fall discovered, and how much was said of new series."""

    found: list[tuple[Injected, float, bool]]
    alarms: list[bool]
    months: float
    nights: int
    with_alarm: int
    with_rise: int
    with_fall: int
    early: int


class Total(NamedTuple):
    """A daily total's z-score, and the anomaly of that day."""

    z: float
    injected: Injected | None


def main() -> None:
    """Twelve JSON lines."""
    parser = argparse.ArgumentParser(description="What nights find in made series.")
    parser.add_argument("--projects", type=int, default=PROJECTS)
    parser.add_argument("--add", type=int, default=0, help="to all seeds")
    asked = parser.parse_args()
    seeds = [[first + asked.add + n for n in range(asked.projects)] for first in (SEED, NULL_SEED, UNLIKE_SEED)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        busy, calm = pool.map(look, seeds[0], 1), pool.map(look_at_nothing, seeds[1], 1)
        unlike = pool.map(look_at_unlike, seeds[2][:UNLIKE], 1)
        totals = [one for some in pool.map(naive, seeds[0]) for one in some]
    _say_found(busy)
    _say_calm(calm, busy)
    _say_unlike(unlike)
    _say_naive(totals)


def look(seed: int) -> Looked:
    """What is found in a project to which something was done."""
    return _look(made(seed))


def look_at_nothing(seed: int) -> Looked:
    """What is found in one to which nothing was done."""
    return _look(made(seed, has_anomalies=False))


def look_at_unlike(seed: int) -> Looked:
    """What is found in one whose agents differ in how their days do."""
    return _look(made(seed, unlike=True))


def _look(project: Project) -> Looked:
    on = _by_day(project)
    flagged: set[tuple[int, str, str]] = set()
    alarms: list[bool] = []
    with_alarm = with_rise = with_fall = early = 0
    for number, verdicts in nights(project):
        early += sum(one.is_flagged for one in verdicts) if number < NEW else 0
        flagged |= {(number, one.name, one.what) for one in verdicts if _is_rise(one) and one.dimension == "agent"}
        if number >= QUIET:
            told = [one for one in verdicts if one.is_alert]
            unlikely = [one.effect or 1.0 for one in verdicts if one.q is not None and one.q <= RULES.false_discovery]
            alarms += [_is_right(one, project.days[number], on.get(number, ())) for one in told]
            with_alarm += bool(told)
            with_rise += any(effect > 1 for effect in unlikely)
            with_fall += any(effect <= 1 for effect in unlikely)
    found = [
        (one, project.runs_a_day[one.agent], any((one.first + n, one.agent, _what(one)) in flagged for n in _days(one)))
        for one in project.injected
    ]
    seen = len(project.days) - QUIET
    months = len(project.runs_a_day) * seen / MONTH
    return Looked(found, alarms, months, seen, with_alarm, with_rise, with_fall, early)


def nights(project: Project) -> Iterator[tuple[int, list[Verdict]]]:
    """What each night says, of which the nights after it know."""
    history: dict[Key, list[Said]] = defaultdict(list)
    for number in range(len(project.days)):
        day = FIRST_DAY + timedelta(days=number)
        window = [row for rows in project.days[max(0, number - WINDOW) : number + 1] for row in rows]
        verdicts = judge(window, day=day, history=history)
        for one in verdicts:
            said = history[one.dimension, one.name, one.what]
            said.append(Said(day, one.effect, one.p, one.is_flagged))
            del said[:-WINDOW]
        yield number, verdicts


def _by_day(project: Project) -> Mapping[int, Sequence[Injected]]:
    found = defaultdict(list)
    for one in project.injected:
        for n in range(one.days):
            found[one.first + n].append(one)
    return found


def _days(one: Injected) -> range:
    return range(min(one.days, FOUND_WITHIN))


def _what(one: Injected) -> str:
    return "volume" if one.kind.startswith("volume") else "intensity"


def _is_rise(one: Verdict) -> bool:
    return one.is_flagged and (one.effect or 0) > 1


def _is_right(alarm: Verdict, rows: Iterable[DaySum], injected: Iterable[Injected]) -> bool:
    """Whether its series has runs of an agent in which that was changed that day."""
    agents = {one.agent for one in injected if _what(one) == alarm.what}
    held = (
        "" if alarm.dimension == "project" else getattr(row, alarm.dimension) for row in rows if row.agent in agents
    )
    return alarm.name in held


def naive(seed: int) -> list[Total]:
    """The z-score of each daily total of an agent's tokens against those of the thirty days before."""
    project = made(seed)
    on = {(one.agent, one.first + n): one for one in project.injected for n in range(one.days)}
    found = []
    for agent in project.runs_a_day:
        totals = [sum(row.tokens for row in rows if row.agent == agent) for rows in project.days]
        for number in range(QUIET, DAYS):
            before = totals[number - WINDOW : number]
            found.append(Total((totals[number] - fmean(before)) / (stdev(before) or 1), on.get((agent, number))))
    return found


def _recall(looked: Sequence[Looked], kind: str, runs: tuple[int, int] = (0, 10_000)) -> float:
    found = [one for some in looked for one in some.found]
    mine = [hit for one, a_day, hit in found if one.kind == kind and runs[0] <= a_day < runs[1]]
    return round(sum(mine) / len(mine), 3) if mine else 0.0


def _false_alarms(looked: Sequence[Looked]) -> float:
    return sum(some.alarms.count(False) for some in looked) / sum(some.months for some in looked)


def _precision(looked: Sequence[Looked]) -> float:
    return sum(some.alarms.count(True) for some in looked) / max(1, sum(len(some.alarms) for some in looked))


def _error(figure: Callable[[Sequence[Looked]], float], looked: Sequence[Looked]) -> float:
    """The standard error of a figure: how much it differs where other such projects had been made."""
    dice = Random(0)
    return round(stdev(figure(dice.choices(looked, k=len(looked))) for _ in range(DRAWS)), 3)


def _say_found(busy: Sequence[Looked]) -> None:
    classes = {
        kind: {f"{low}-{high}": _recall(busy, kind, (low, high)) for low, high in CLASSES}
        for kind in ("tokens-x2", "tokens-x3", "volume-x3", "shift-x1.6")
    }
    alarms = sum(len(one.alarms) for one in busy)
    most = round(max(_false_alarms([one]) for one in busy), 3)
    false: dict[str, Any] = {
        "error": _error(_false_alarms, busy),
        "most_of_one": most,
        "alarms": alarms,
        "rules": str(RULES),
    }
    harness.report("baselines-false-alarms", _false_alarms(busy), at_most=BUDGET, **false)
    for name, bar in (("x3", 0.82), ("x2", 0.45)):
        kind = f"tokens-{name}"
        error = _error(partial(_recall, kind=kind), busy)
        harness.report(f"baselines-{name}", _recall(busy, kind), at_least=bar, error=error, by_runs=classes[kind])
    others = {kind: _recall(busy, kind) for kind in ("volume-x3", "shift-x1.6")}
    error = _error(_precision, busy)
    harness.report("baselines-precision", _precision(busy), at_least=0.89, error=error, recall=others, by_runs=classes)


def _nights_with(calm: Sequence[Looked], *, field: str) -> float:
    return float(sum(getattr(one, field) for one in calm) / sum(one.nights for one in calm))


def _say_calm(calm: Sequence[Looked], busy: Sequence[Looked]) -> None:
    nights_seen = sum(looked.nights for looked in calm)
    for name, field in (("null", "with_alarm"), ("null-rises", "with_rise"), ("null-falls", "with_fall")):
        share, error = _nights_with(calm, field=field), _error(partial(_nights_with, field=field), calm)
        harness.report(f"baselines-{name}", share, at_most=RULES.false_discovery, error=error, nights=nights_seen)
    harness.report("baselines-first-days", sum(looked.early for looked in (*calm, *busy)), at_most=0)


def _say_unlike(unlike: Sequence[Looked]) -> None:
    recall = {kind: _recall(unlike, kind) for kind in ("tokens-x3", "tokens-x2", "volume-x3", "shift-x1.6")}
    detail: dict[str, Any] = {
        "error": _error(_false_alarms, unlike),
        "precision": round(_precision(unlike), 3),
        "recall": recall,
    }
    harness.report("baselines-unlike", _false_alarms(unlike), projects=len(unlike), **detail)


def _say_naive(totals: Sequence[Total]) -> None:
    quiet = sorted((one.z for one in totals if one.injected is None), reverse=True)
    threshold = quiet[int(BUDGET / MONTH * len(quiet))]
    for kind in ("tokens-x3", "tokens-x2"):
        hits = [one.z > threshold for one in totals if one.injected and one.injected.kind == kind]
        harness.report(f"baselines-{kind[7:]}-naive", fmean(hits), threshold=round(threshold, 2), false_alarms=BUDGET)


if __name__ == "__main__":
    main()
