"""Patterns of tasks: which are alike by their words. Pure, and the same for the same tasks in any order.

    each word as the words that it stands beside ─▶ each text as the sum of its words ─▶ leaders ─▶ refined, merged

Tasks of one domain often share no word ("the lost commit", "merge conflicts"); they share words that stand beside each
other in a third. So a word is what it occurs with (a step of what latent semantic analysis does by its largest singular
vectors, without the algebra). Texts join the leader that is nearest, or lead themselves; then all choose anew, twice,
and leaders that came to say the same are one.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from heapq import nsmallest

from msgspec import Struct

from skills.concierge.runs import told_words

MOST_TEXTS = 10_000  # different ones; those that come most often
JOINS = 0.25  # the cosine from which a text joins a pattern
MERGES = 0.45  # and from which two patterns are one
OWN = 1.0  # what a word itself counts for, beside all that it occurs with
_BESIDE = 24  # words that a word is described by,
_TERMS = 48  # a text, and a pattern
_ROUNDS = 2
_TOLD = 12
_TOO_COMMON, _FEW = 0.25, 20  # of all texts, or texts at least, from which a word tells nothing of any
Vector = dict[str, float]


class Pattern(Struct, frozen=True):
    """Tasks that are alike: their places among the texts, and the words that they have and others have not, the most
    telling first, each with its weight."""

    members: tuple[int, ...]
    words: tuple[tuple[str, float], ...]


def patterns(texts: Sequence[str], *, joins: float = JOINS, merges: float = MERGES) -> list[Pattern]:
    """The patterns of texts, the largest first. Texts without words are in none."""
    bags: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        bags[told_words(text)].append(place)
    bags.pop((), None)
    kept = sorted(bags, key=lambda bag: (-len(bags[bag]), bag))[:MOST_TEXTS]
    rarity = _rarity(kept, [len(bags[bag]) for bag in kept])
    beside = _beside(kept, rarity)
    vectors = [_vector(bag, rarity, beside) for bag in kept]
    weights = [math.sqrt(len(bags[bag])) for bag in kept]
    groups = _groups(vectors, weights, joins=joins, merges=merges)
    found = [
        Pattern(
            tuple(sorted(place for bag in group for place in bags[kept[bag]])),
            _telling([kept[bag] for bag in group], [len(bags[kept[bag]]) for bag in group], rarity),
        )
        for group in groups
    ]
    return sorted(found, key=lambda one: (-len(one.members), one.words))


def alike(one: Sequence[tuple[str, float]], other: Sequence[tuple[str, float]]) -> float:
    """How much alike two patterns are by their telling words: 1 the same, 0 none."""
    mine, theirs = dict(one), dict(other)
    length = math.sqrt(sum(v * v for v in mine.values()) * sum(v * v for v in theirs.values()))
    return sum(value * theirs.get(word, 0.0) for word, value in mine.items()) / length if length else 0.0


def _rarity(bags: Sequence[tuple[str, ...]], times: Sequence[int]) -> dict[str, float]:
    """What each word says; one that very many texts have, or that came once, says nothing."""
    having, came = Counter[str](), Counter[str]()
    for bag, count in zip(bags, times, strict=True):
        having.update(bag)
        came.update(dict.fromkeys(bag, count))
    most = max(_FEW, _TOO_COMMON * len(bags))
    return {word: math.log(1 + len(bags) / count) for word, count in having.items() if count <= most and came[word] > 1}


def _beside(bags: Sequence[tuple[str, ...]], rarity: Mapping[str, float]) -> dict[str, Vector]:
    """Each word as the words that it stands beside, and itself; of length 1."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for bag in bags:
        known = [word for word in bag if word in rarity]
        for word in known:
            seen[word].update(known)
    found = {}
    for word, counts in seen.items():
        own = counts.pop(word)
        worth = {other: count / own * rarity[other] for other, count in counts.items()}
        vector = _first({**worth, word: OWN * rarity[word]}, _BESIDE)
        found[word] = _of_length_one(vector)
    return found


def _vector(bag: tuple[str, ...], rarity: Mapping[str, float], beside: Mapping[str, Vector]) -> Vector:
    total: defaultdict[str, float] = defaultdict(float)
    for word in bag:
        for other, worth in beside.get(word, {}).items():
            total[other] += rarity[word] * worth
    return _of_length_one(_first(total, _TERMS))


def _groups(vectors: Sequence[Vector], weights: Sequence[float], *, joins: float, merges: float) -> list[list[int]]:
    leaders: list[Vector] = []
    chosen = _choose(vectors, leaders, joins=joins, may_lead=True)
    for _ in range(_ROUNDS):
        leaders = _merged(_centres(vectors, weights, chosen), merges)
        chosen = _choose(vectors, leaders, joins=joins, may_lead=False)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for place, leader in enumerate(chosen):
        if leader >= 0:
            groups[leader].append(place)
    return [groups[leader] for leader in sorted(groups)]


def _choose(vectors: Sequence[Vector], leaders: list[Vector], *, joins: float, may_lead: bool) -> list[int]:
    """The leader of each text, -1 for none; where it `may_lead`, a text that is far from all is one itself."""
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, leader in enumerate(leaders):
        for word, worth in leader.items():
            postings[word].append((number, worth))
    chosen = []
    for vector in vectors:
        scores: defaultdict[int, float] = defaultdict(float)
        for word, worth in vector.items():
            for number, theirs in postings.get(word, ()):
                scores[number] += worth * theirs
        best = max(scores, key=lambda number: (scores[number], -number)) if scores else -1
        if best < 0 or scores[best] < joins:
            best = -1
            if may_lead and vector:
                best = len(leaders)
                leaders.append(vector)
                for word, worth in vector.items():
                    postings[word].append((best, worth))
        chosen.append(best)
    return chosen


def _centres(vectors: Sequence[Vector], weights: Sequence[float], chosen: Sequence[int]) -> list[Vector]:
    sums: defaultdict[int, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for vector, weight, leader in zip(vectors, weights, chosen, strict=True):
        if leader >= 0:
            for word, worth in vector.items():
                sums[leader][word] += weight * worth
    return [_of_length_one(_first(sums[leader], _TERMS)) for leader in sorted(sums)]


def _merged(centres: Sequence[Vector], merges: float) -> list[Vector]:
    """Centres of which none is as near to another as `merges`: a later one goes into the first that is."""
    kept: list[Vector] = []
    for centre in centres:
        scores = [sum(worth * one.get(word, 0.0) for word, worth in centre.items()) for one in kept]
        near = max(range(len(scores)), key=lambda number: (scores[number], -number), default=-1)
        if near >= 0 and scores[near] >= merges:
            both = Counter(kept[near])
            both.update(centre)
            kept[near] = _of_length_one(_first(both, _TERMS))
        else:
            kept.append(centre)
    return kept


def _telling(
    bags: Sequence[tuple[str, ...]], times: Sequence[int], rarity: Mapping[str, float]
) -> tuple[tuple[str, float], ...]:
    """The words that the most of them have, each by its rarity."""
    total, counts = sum(times), Counter[str]()
    for bag, count in zip(bags, times, strict=True):
        counts.update(dict.fromkeys(bag, count))
    worth = {word: count / total * rarity[word] for word, count in counts.items() if word in rarity}
    return tuple((word, round(value, 4)) for word, value in _first(worth, _TOLD).items())


def _first(vector: Mapping[str, float], most: int) -> Vector:
    """The heaviest words, in their order."""
    return dict(nsmallest(most, vector.items(), key=lambda one: (-round(one[1], 9), one[0])))


def _of_length_one(vector: Mapping[str, float]) -> Vector:
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {word: value / length for word, value in vector.items()} if length else {}
