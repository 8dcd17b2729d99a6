"""The decision: which skills a task needs, how sure that is and why, or that it needs none. Pure.

A skill's score is the share of what the task's words say that it accounts for: 1 would be a skill that has each of them
in its name. A word that no skill has counts too, so that a task of other words scores low however few words it shares.
Below FLOOR nothing is said; what has less than NEAR of the best is left out. Both were set on one half of a set of
tasks, and are judged on the other (benchmarks/skills_retrieval.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

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


def match(index: Index, task: str, *, history: Mapping[str, Past] | None = None) -> Matches:
    """The skills that a task needs, MOST at most."""
    ranked, tags = rank(index, task, history=history)
    best = ranked[0].score if ranked else 0.0
    told = [one for one in ranked[:MOST] if one.score >= max(FLOOR, NEAR * best)]
    return Matches(matches=tuple(told), tags=tags if told else (), best_score=best)


def rank(index: Index, task: str, *, history: Mapping[str, Past] | None = None) -> tuple[list[Match], tuple[str, ...]]:
    """All skills that have anything of a task, the best first, and the tags that it is about."""
    forms = forms_of(task)
    asked = list(forms)[:_MOST_WORDS]
    scores, terms = _by_words(index, asked)
    named, implied = _tags(index, asked)
    tags = (*named, *implied)
    for some, bonus in ((named, NAMED), (implied, IMPLIED)):
        for tag in some:
            for place in index.tags[tag]:
                scores[place] += bonus / max(len(asked), 2)
    past, usual = history or {}, _usual(history or {})
    found = [
        _told(index, place, score, [forms[word] for word in terms.get(place, ())], tags, past=past, usual=usual)
        for place, score in scores.items()
    ]
    return sorted(found, key=lambda one: (-one.score, one.name)), tags


def _by_words(index: Index, asked: Sequence[str]) -> tuple[defaultdict[int, float], dict[int, list[str]]]:
    """Each skill's share of what the words say, and the words that it has."""
    scores: defaultdict[int, float] = defaultdict(float)
    terms: defaultdict[int, list[str]] = defaultdict(list)
    weighed = []
    for word in asked:
        best: dict[int, float] = {}
        alike = index.alike(word)
        for other, share in alike:
            posting = index.words[other]
            worth = posting.rarity * (1.0 if share == 1.0 else SPELLED * share)
            for place, weight in zip(posting.places, posting.weights, strict=True):
                if worth * weight > best.get(place, 0.0):
                    best[place] = worth * weight
        weighed.append(index.words[word].rarity if word in index.words else UNKNOWN * index.rarest)
        for place, value in best.items():
            scores[place] += value
            terms[place].append(word)
    total = sum(weighed) or 1.0
    for place in scores:
        scores[place] /= total
    return scores, terms


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


def _told(
    index: Index,
    place: int,
    score: float,
    terms: Sequence[str],
    tags: Sequence[str],
    *,
    past: Mapping[str, Past],
    usual: float | None,
) -> Match:
    one = index.entries[place]
    own = past.get(one.name)
    success = None
    if own is not None and usual is not None and own.runs:
        success = (own.well + SHRINK * usual) / (own.runs + SHRINK)
        score *= 1 + TRUST * (success - usual)
    borne = tuple(tag for tag in tags if tag in one.tags)
    reason = Reason(tags=borne, terms=tuple(terms), past=own, success=success, usual=usual if own else None)
    return Match(name=one.name, score=round(score, 4), reason=reason)
