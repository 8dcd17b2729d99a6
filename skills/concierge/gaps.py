"""Gaps: patterns of tasks that no skill fits, that recur, and that fail or cost more than their peers. Pure.

Most patterns that no skill fits lack none: nobody needs a skill for what goes well anyhow (methods.md §8: 26 of 100
such patterns are real, 87 with a bound on how they fare). So a pattern is held to runs of its own agents, in its own
mix: an agent that always fails makes no gap. A share known from few peers, or that differs from pattern to pattern
anyhow, leaves more room (`chance.tail`), and all patterns that are looked at share one risk of a false alarm.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from skills.concierge.chance import spread, tail
from skills.concierge.patterns import Pattern
from skills.concierge.runs import days_of, told_words
from skills.matching.words import forms_of
from telemetry.contracts import TaskRun

FEWEST_RUNS, FEWEST_DAYS = 15, 3
WEAK = 0.6  # of a pattern's tasks that no skill fits, from which it lacks one
SERVED = 0.5  # of its runs that loaded a skill all the same, from which it does not
RISK = 0.1  # that any of the patterns of one night is told by chance
SHARED = 10  # patterns that share it at least, so that a single one does not have all of it
PEERS = 100.0  # what a share of peers can weigh at most, for patterns differ
AGENT = 20.0  # runs of an agent after which its own share counts as much as everybody's
COSTS = 1.5  # times its peers' tokens, from which a pattern costs more than they
_DEVIATIONS = 3.0
_LEAST_SPREAD = 0.25  # of the logarithms of tokens of patterns
_EXAMPLES = 5
_SPELLED = 500
_LOOKED = 60  # tasks of a pattern that are held against the skills


class Fit(Struct, frozen=True):
    """What the registry says of a task: the nearest skill and its score, and whether it is told."""

    skill: str
    score: float
    is_told: bool


class Peers(Struct, frozen=True):
    """How a pattern's runs would have ended, and what they would have taken, had they been as others of its agents."""

    ended: int
    failed: int
    share: float
    runs: int
    log_tokens: float


class Gap(Struct, frozen=True, kw_only=True):
    """A pattern that lacks a skill; `terms` are its words as the tasks spell them. `failed` of `ended` runs did, where
    `expected` of them would have as their peers do; `times`: what a run takes, beside peers'. `nearest`: skills, each
    with how many of the tasks that were `looked` at it came nearest to, and its best score; `fitting`: of how many a
    skill was told. `saved_*`: what its runs took for nothing."""

    words: tuple[tuple[str, float], ...]
    terms: tuple[str, ...]
    runs: int
    days: int
    looked: int
    fitting: int
    ended: int
    failed: int
    expected: float
    times: float
    fails: bool
    costs: bool
    tokens: int
    cost_nanousd: int
    saved_tokens: int
    saved_nanousd: int
    nearest: tuple[tuple[str, int, float], ...]
    examples: tuple[str, ...]
    members: tuple[int, ...] = ()


def gaps(runs: Sequence[TaskRun], found: Sequence[Pattern], fit: Callable[[str], Fit]) -> list[Gap]:
    """The gaps of a project's runs, the dearest first. `fit` is asked of _LOOKED tasks of a pattern at most."""
    usual, often = _Usual(runs), [_Often(one, [runs[place] for place in one.members]) for one in found]
    often = [one for one in often if len(one.runs) >= FEWEST_RUNS and days_of(one.runs) >= FEWEST_DAYS]
    peers = [usual.beside(one.runs) for one in often]
    differing = max(_LEAST_SPREAD, spread([_lift(one.runs, them) for one, them in zip(often, peers, strict=True)]))
    lacking = [
        (one, them, fits)
        for one, them in zip(often, peers, strict=True)
        if not one.is_served and _lacks(fits := [fit(text) for text in _some([run.text for run in one.runs])])
    ]
    told = [
        _gap(one, them, fits, risk=RISK / max(len(lacking), SHARED), differing=differing) for one, them, fits in lacking
    ]
    return sorted((gap for gap in told if gap is not None), key=lambda gap: (-gap.saved_tokens, gap.words))


class _Often(Struct, frozen=True):
    """A pattern that recurs, with its runs."""

    pattern: Pattern
    runs: list[TaskRun]

    @property
    def is_served(self) -> bool:
        """Whether its runs load skills all the same."""
        return sum(bool(run.skills) for run in self.runs) >= SERVED * len(self.runs)


class _Usual:
    """How all runs ended, and what they took, by agent."""

    def __init__(self, runs: Sequence[TaskRun]) -> None:
        self._ended: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._runs: Counter[str] = Counter()
        self._logs: defaultdict[str, float] = defaultdict(float)
        for run in runs:
            self._add(run, 1)

    def _add(self, run: TaskRun, sign: int) -> None:
        if run.is_well is not None:
            self._ended[run.agent] += sign
            self._failed[run.agent] += sign * (not run.is_well)
        if run.tokens:
            self._runs[run.agent] += sign
            self._logs[run.agent] += sign * math.log(run.tokens)

    def beside(self, own: Sequence[TaskRun]) -> Peers:
        """What others say of these runs: those of the same agents, in the same mix, without themselves."""
        for run in own:
            self._add(run, -1)
        all_ended, all_failed = self._ended.total(), self._failed.total()
        overall = (all_failed + 1) / (all_ended + 2)
        all_runs = self._runs.total()
        typical = sum(self._logs.values()) / all_runs if all_runs else 0.0
        mix: Counter[str] = Counter(run.agent for run in own)
        share = log_tokens = 0.0
        for agent, count in mix.items():
            part = count / len(own)
            share += part * (self._failed[agent] + AGENT * overall) / (self._ended[agent] + AGENT)
            log_tokens += part * (self._logs[agent] + AGENT * typical) / (self._runs[agent] + AGENT)
        for run in own:
            self._add(run, 1)
        return Peers(all_ended, all_failed, share, all_runs, log_tokens)


def _lift(own: Sequence[TaskRun], peers: Peers) -> float:
    """The logarithm of how many times their peers' tokens runs take."""
    logs = [math.log(run.tokens) for run in own if run.tokens]
    return sum(logs) / len(logs) - peers.log_tokens if logs and peers.runs else 0.0


def _lacks(fits: Sequence[Fit]) -> bool:
    """Whether no skill fits most of the tasks."""
    return sum(not one.is_told for one in fits) >= WEAK * len(fits)


def _gap(one: _Often, peers: Peers, fits: Sequence[Fit], *, risk: float, differing: float) -> Gap | None:
    """None where its runs fare as others do."""
    own, ended = one.runs, [run for run in one.runs if run.is_well is not None]
    failed = [run for run in ended if not run.is_well]
    chance = tail(len(failed), len(ended), share=peers.share, peers=min(PEERS, peers.ended))
    fails = min(len(ended), peers.ended) >= FEWEST_RUNS and chance < risk
    lift = _lift(own, peers)
    costs = _costs(own, lift, differing)
    if not (fails or costs):
        return None
    expected = peers.share * len(ended)
    saved_tokens, saved_nanousd = _saved(own, failed, expected if fails else None, lift if costs else None)
    return Gap(
        words=one.pattern.words,
        terms=_spelled(one.pattern.words, [run.text for run in own]),
        runs=len(own),
        days=days_of(own),
        looked=len(fits),
        fitting=sum(each.is_told for each in fits),
        ended=len(ended),
        failed=len(failed),
        expected=round(expected, 2),
        times=round(math.exp(lift), 2),
        fails=fails,
        costs=costs,
        tokens=sum(run.tokens for run in own),
        cost_nanousd=sum(run.cost_nanousd for run in own),
        saved_tokens=saved_tokens,
        saved_nanousd=saved_nanousd,
        nearest=_nearest(fits),
        examples=_examples([run.text for run in own], dict(one.pattern.words)),
        members=one.pattern.members,
    )


def _costs(own: Sequence[TaskRun], lift: float, differing: float) -> bool:
    """Whether runs take so much more than their peers that patterns that differ, and chance, do not explain it."""
    logs = [math.log(run.tokens) for run in own if run.tokens]
    if len(logs) < FEWEST_RUNS or lift < math.log(COSTS):
        return False
    mean = sum(logs) / len(logs)
    of_mean = sum((value - mean) ** 2 for value in logs) / (len(logs) - 1) / len(logs)
    return lift > _DEVIATIONS * math.sqrt(of_mean + differing**2)


def _saved(
    own: Sequence[TaskRun], failed: Sequence[TaskRun], expected: float | None, lift: float | None
) -> tuple[int, int]:
    """The tokens and nano-dollars of runs that failed beyond what peers do, or of what all took beyond peers: whichever
    is more, for both are parts of the same."""
    share_failed = 0.0 if expected is None or not failed else max(0.0, 1 - expected / len(failed))
    share_all = 0.0 if lift is None else 1 - math.exp(-lift)
    of_failed = (sum(run.tokens for run in failed), sum(run.cost_nanousd for run in failed))
    of_all = (sum(run.tokens for run in own), sum(run.cost_nanousd for run in own))
    tokens, nanousd = (max(a * share_failed, b * share_all) for a, b in zip(of_failed, of_all, strict=True))
    return round(tokens), round(nanousd)


def _some(texts: Sequence[str]) -> list[str]:
    """Some of the different texts, evenly spaced, each as often as it came in proportion."""
    ordered = sorted(texts)
    step = max(1.0, len(ordered) / _LOOKED)
    return [ordered[int(place * step)] for place in range(min(_LOOKED, len(ordered)))]


def _spelled(words: Sequence[tuple[str, float]], texts: Sequence[str]) -> tuple[str, ...]:
    """Words as they are spelled most often."""
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, count in Counter(texts).most_common(_SPELLED):
        for word, form in forms_of(text).items():
            forms[word][form] += count
    return tuple(min(forms[word].items(), key=lambda one: (-one[1], one[0]))[0] for word, _ in words if forms[word])


def _nearest(fits: Sequence[Fit]) -> tuple[tuple[str, int, float], ...]:
    times: Counter[str] = Counter(one.skill for one in fits if one.skill)
    best: dict[str, float] = {}
    for one in fits:
        best[one.skill] = max(best.get(one.skill, 0.0), one.score)
    first = sorted(times.items(), key=lambda one: (-one[1], one[0]))[:3]
    return tuple((skill, count, round(best[skill], 3)) for skill, count in first)


def _examples(texts: Sequence[str], words: Mapping[str, float]) -> tuple[str, ...]:
    """Texts that have the most of the pattern's words, each adding words of its own where it can; the same for the same
    texts."""
    left = dict(words)
    waiting = sorted(set(texts))
    bags = {text: told_words(text) for text in waiting}
    found: list[str] = []
    while waiting and len(found) < _EXAMPLES:
        best = max(waiting, key=lambda text: sum(left.get(word, 0.0) for word in bags[text]) / (2 + len(bags[text])))
        found.append(best)
        waiting.remove(best)
        left = {word: worth * (0.3 if word in bags[best] else 1.0) for word, worth in left.items()}
    return tuple(found)
