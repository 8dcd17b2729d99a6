"""The decision: which skills a task needs, how sure that is and why, or that it needs none. Pure.

A skill's score is the share of what the task's words say that it accounts for: 1 would be a skill that has each of them
in its name. A word that no skill has counts too, so that a task of other words scores low however few words it shares.
Below FLOOR nothing is said; what has less than NEAR of the best is left out. Both were set on one half of a set of
tasks, and are judged on the other (benchmarks/skills_retrieval.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest
from itertools import islice

from msgspec import Struct

from skills.matching.index import Index
from skills.matching.words import forms_of, words_of

FLOOR = 0.22
NEAR = 0.5
UNKNOWN = 0.6  # what a word that no skill has counts for, beside the rarest that one has
MOST = 5
SPELLED = 0.8  # what a word that is only spelled alike counts for, beside the same one
NAMED, IMPLIED = 0.25, 0.1  # what a tag that the task names, or that goes with one, adds for each share of its words
GOES_WITH = 0.6  # of the skills that bear a tag, how many bear another that goes with it; two at least
SHRINK = 20  # loads after which a skill's own success counts as much as that of all
TRUST = 0.5  # by how much of a score a difference of success can change it
_MOST_WORDS = 60


class Past(Struct, frozen=True):
    """How runs that had a skill ended: how many are known, and how many of them went well."""

    runs: int
    well: int


class Reason(Struct, frozen=True, kw_only=True):
    """Why a skill was matched: tags that the task names or implies, words that both have, and what became of runs that
    had it, beside all runs, where some are known."""

    tags: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    past: Past | None = None
    success: float | None = None
    usual: float | None = None


class Match(Struct, frozen=True, kw_only=True):
    """A skill that a task needs. `score` lies between 0 and about 1."""

    name: str
    score: float
    reason: Reason


class Matches(Struct, frozen=True, kw_only=True):
    """What was found for a task: the best first, none where that would be a guess; and the tags that it is about."""

    matches: tuple[Match, ...] = ()
    tags: tuple[str, ...] = ()
    best_score: float = 0.0


def match(
    index: Index, task: str, *, history: Mapping[str, Past] | None = None, without: Collection[str] = ()
) -> Matches:
    """The skills that a task needs, MOST at most, as if those `without` were not there."""
    ranked, tags = rank(index, task, history=history, without=without)
    best = ranked[0].score if ranked else 0.0
    told = [one for one in ranked if one.score >= max(FLOOR, NEAR * best)]
    return Matches(matches=tuple(told), tags=tags if told else (), best_score=best)


def rank(
    index: Index,
    task: str,
    *,
    history: Mapping[str, Past] | None = None,
    most: int = MOST,
    without: Collection[str] = (),
) -> tuple[list[Match], tuple[str, ...]]:
    """The skills that have the most of a task, the best first, and the tags that it is about."""
    forms = dict(islice(forms_of(task).items(), _MOST_WORDS))
    meant = {word: index.alike(word) for word in forms}
    scores = _by_words(index, meant)
    named, implied = _tags(index, list(forms))
    for some, bonus in ((named, NAMED), (implied, IMPLIED)):
        for tag in some:
            for place in index.tags[tag]:
                scores[place] = scores.get(place, 0.0) + bonus / max(len(forms), 2)
    past = history or {}
    usual = _usual(past)
    for place in _with_past(index, past):
        if place in scores:
            scores[place] *= _trusted(past[index.entries[place].name], usual)
    for name in without:
        scores.pop(index.places.get(name, -1), None)
    best = nsmallest(most, scores, key=lambda place: (-round(scores[place], 4), index.entries[place].name))
    tags = (*named, *implied)
    return [_told(index, place, scores[place], meant, forms, tags, past=past, usual=usual) for place in best], tags


def _by_words(index: Index, meant: Mapping[str, Sequence[tuple[str, float]]]) -> dict[int, float]:
    """Each skill's share of what the words say."""
    scores: dict[int, float] = {}
    total = 0.0
    for word, alike in meant.items():
        total += index.words[word].rarity if word in index.words else UNKNOWN * index.rarest
        best: dict[int, float] = {}
        for other, share in alike:
            posting = index.words[other]
            worth = posting.rarity * (1.0 if share == 1.0 else SPELLED * share)
            for place, weight in zip(posting.places, posting.weights, strict=True):
                value = worth * weight
                if value > best.get(place, 0.0):
                    best[place] = value
        for place, value in best.items():
            scores[place] = scores.get(place, 0.0) + value
    return {place: score / total for place, score in scores.items()}


def _tags(index: Index, asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The tags that a task names, and those that go with them."""
    words = set(asked)
    named = [tag for tag in index.tags if words.issuperset(words_of(tag)) and words_of(tag)]
    named.sort(key=lambda tag: asked.index(words_of(tag)[0]))
    implied = [
        tag
        for tag, places in sorted(index.tags.items())
        if tag not in named and any(_goes_with(places, index.tags[one]) for one in named)
    ]
    return named, implied


def _goes_with(places: frozenset[int], of: frozenset[int]) -> bool:
    both = len(places & of)
    return both >= 2 and both >= GOES_WITH * len(of)


def _usual(history: Mapping[str, Past]) -> float | None:
    runs = sum(past.runs for past in history.values())
    return sum(past.well for past in history.values()) / runs if runs else None


def _with_past(index: Index, past: Mapping[str, Past]) -> list[int]:
    return [index.places[name] for name, own in past.items() if own.runs and name in index.places]


def _trusted(own: Past, usual: float | None) -> float:
    """What a skill's score is multiplied by for how its runs ended."""
    return 1.0 if usual is None else 1 + TRUST * (_success(own, usual) - usual)


def _success(own: Past, usual: float) -> float:
    """The share of a skill's runs that ended well, drawn towards that of all while they are few."""
    return (own.well + SHRINK * usual) / (own.runs + SHRINK)


def _told(
    index: Index,
    place: int,
    score: float,
    meant: Mapping[str, Sequence[tuple[str, float]]],
    forms: Mapping[str, str],
    tags: Sequence[str],
    *,
    past: Mapping[str, Past],
    usual: float | None,
) -> Match:
    one = index.entries[place]
    own = past.get(one.name)
    known = own is not None and usual is not None and own.runs > 0
    reason = Reason(
        tags=tuple(tag for tag in tags if tag in one.tags),
        terms=tuple(forms[word] for word, alike in meant.items() if any(other in one.counts for other, _ in alike)),
        past=own,
        success=_success(own, usual) if known and own is not None and usual is not None else None,
        usual=usual if own else None,
    )
    return Match(name=one.name, score=round(score, 4), reason=reason)
