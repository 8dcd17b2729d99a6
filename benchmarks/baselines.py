"""How many made anomalies nights find, how often they cry wolf, and what a z-score of daily totals does beside them.

Bars: at most 0.1 false alarms a series-month; of the days on which runs take three times the tokens 0.82 are found,
of those on which they take twice 0.45; 0.89 of all alarms are right; where nothing happens, alarms on at most the
share of nights that the rules allow for false discoveries; nothing said in a series' first eight days. Anchor: mean
and standard deviation of thirty daily totals, which most tools begin with; its threshold gives just the false alarms
that the bar allows, on the very data that it is measured on.

Ten projects of twenty agents and 120 days (`baselines_made.py`); each night is judged by the product's own pure code,
with what the nights before said. Seeds 9000 to 9009, and 9100 to 9109 where nothing happens. What the rules count
with, and how many runs the made agents have, was chosen on seeds 1000 to 1011 and 2000 to 2005. All series are
judged: agents, task types, models, the project. An anomaly is found if its agent is flagged for what was done to it,
on its day (a shift: within three). An alarm is right if its series holds runs of an agent to which something was done
that day. A series-month is thirty nights of an agent; false alarms of all other series count as well.

`baselines-false-alarms`, `-x3`, `-x2`, `-precision`: of the rules as they are in force. `-null`: nights with an alarm
in projects in which nothing happens. `-first-days`: flags of the first eight days. `-x3-naive`, `-x2-naive`: the
peer's recall; no bar. Detail has volume, shifts, and recall by how many runs an agent has a day: few runs say little,
whoever looks.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from statistics import fmean, stdev
from typing import NamedTuple

from benchmarks import harness
from benchmarks.baselines_made import DAYS, FIRST_DAY, QUIET, Injected, Project, made
from telemetry.outlook.baselines import RULES, Key, Said, judge
from telemetry.outlook.grouping import WINDOW
from telemetry.outlook.verdicts import DaySum, Verdict

PROJECTS = 10
SEED, NULL_SEED = 9_000, 9_100
BUDGET = 0.1  # false alarms a series-month
MONTH, NEW, FOUND_WITHIN = 30, 8, 3
CLASSES = ((0, 8), (8, 20), (20, 10_000))  # runs a day of an agent


class Looked(NamedTuple):
    """What a project's nights found: of each anomaly whether, of each alarm whether it was right; series-months, nights
    and those with an alarm, and how much was said of new series."""

    found: list[tuple[Injected, float, bool]]
    alarms: list[bool]
    months: float
    nights: int
    nights_with_alarm: int
    early: int


class Total(NamedTuple):
    """A daily total's z-score, and the anomaly of that day."""

    z: float
    injected: Injected | None


def main() -> None:
    """Nine JSON lines."""
    parser = argparse.ArgumentParser(description="What nights find in made series.")
    parser.add_argument("--projects", type=int, default=PROJECTS)
    count: int = parser.parse_args().projects
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        busy = pool.map(look, range(SEED, SEED + count))
        calm = pool.map(look_at_nothing, range(NULL_SEED, NULL_SEED + count))
        totals = [one for some in pool.map(naive, range(SEED, SEED + count)) for one in some]
    _say_found(busy)
    _say_calm(calm, busy)
    _say_naive(totals)


def look(seed: int) -> Looked:
    """What is found in a project to which something was done."""
    return _look(made(seed))


def look_at_nothing(seed: int) -> Looked:
    """What is found in one to which nothing was done."""
    return _look(made(seed, has_anomalies=False))


def _look(project: Project) -> Looked:
    on = _by_day(project)
    flagged: set[tuple[int, str, str]] = set()
    alarms, with_alarm, early = [], 0, 0
    for number, verdicts in nights(project):
        early += sum(one.is_flagged for one in verdicts) if number < NEW else 0
        flagged |= {(number, one.name, one.what) for one in verdicts if _is_rise(one) and one.dimension == "agent"}
        told = [one for one in verdicts if one.is_alert and number >= QUIET]
        alarms += [_is_right(one, project.days[number], on.get(number, ())) for one in told]
        with_alarm += bool(told)
    found = [
        (one, project.runs_a_day[one.agent], any((one.first + n, one.agent, _what(one)) in flagged for n in _days(one)))
        for one in project.injected
    ]
    nights_seen = len(project.days) - QUIET
    return Looked(found, alarms, len(project.runs_a_day) * nights_seen / MONTH, nights_seen, with_alarm, early)


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
    """Whether its series has runs of an agent to which something was done that day."""
    agents = {one.agent for one in injected}
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


def _recall(found: Sequence[tuple[Injected, float, bool]], kind: str, runs: tuple[int, int] = (0, 10_000)) -> float:
    mine = [hit for one, a_day, hit in found if one.kind == kind and runs[0] <= a_day < runs[1]]
    return round(sum(mine) / len(mine), 3) if mine else 0.0


def _say_found(busy: Sequence[Looked]) -> None:
    found = [one for looked in busy for one in looked.found]
    alarms = [one for looked in busy for one in looked.alarms]
    false = alarms.count(False) / sum(looked.months for looked in busy)
    classes = {
        kind: {f"{low}-{high}": _recall(found, kind, (low, high)) for low, high in CLASSES}
        for kind in ("tokens-x2", "tokens-x3", "volume-x3", "shift-x1.6")
    }
    harness.report("baselines-false-alarms", false, at_most=BUDGET, alarms=len(alarms), rules=str(RULES))
    harness.report("baselines-x3", _recall(found, "tokens-x3"), at_least=0.82, by_runs_a_day=classes["tokens-x3"])
    harness.report("baselines-x2", _recall(found, "tokens-x2"), at_least=0.45, by_runs_a_day=classes["tokens-x2"])
    others = {kind: _recall(found, kind) for kind in ("volume-x3", "shift-x1.6")}
    precision = alarms.count(True) / max(1, len(alarms))
    harness.report("baselines-precision", precision, at_least=0.89, recall=others, by_runs_a_day=classes)


def _say_calm(calm: Sequence[Looked], busy: Sequence[Looked]) -> None:
    nights_seen = sum(looked.nights for looked in calm)
    share = sum(looked.nights_with_alarm for looked in calm) / nights_seen
    harness.report("baselines-null", share, at_most=RULES.false_discovery, nights=nights_seen)
    harness.report("baselines-first-days", sum(looked.early for looked in (*calm, *busy)), at_most=0)


def _say_naive(totals: Sequence[Total]) -> None:
    quiet = sorted((one.z for one in totals if one.injected is None), reverse=True)
    threshold = quiet[int(BUDGET / MONTH * len(quiet))]
    for kind in ("tokens-x3", "tokens-x2"):
        hits = [one.z > threshold for one in totals if one.injected and one.injected.kind == kind]
        harness.report(f"baselines-{kind[7:]}-naive", fmean(hits), threshold=round(threshold, 2), false_alarms=BUDGET)


if __name__ == "__main__":
    main()
