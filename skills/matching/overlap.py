"""Skills that say much the same, so that one of them would do. Pure.

Two skills are as alike as the angle between their words says, each by its weight and its rarity. A library of very many
is compared only where two share words that few have.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations

from msgspec import Struct

from skills.matching.index import Index

# The two most alike of the forty skills of benchmarks/retrieval are 0.24. A copy of one whose words were exchanged for
# others' by a third is 0.74 and more under the same header, and half of such copies are 0.49 and more under another.
FLOOR = 0.35
MOST = 20
_MOST_SHARING = 30  # skills that have a word, up to which it makes pairs of them


class Overlap(Struct, frozen=True):
    """Two skills, and how alike they are (1: the same)."""

    one: str
    other: str
    alike: float


def overlaps(index: Index, *, floor: float = FLOOR) -> list[Overlap]:
    """The pairs that are at least so alike, the most alike first, MOST at most."""
    vectors = _vectors(index)
    pairs: set[tuple[int, int]] = set()
    for posting in index.words.values():
        if len(posting.places) <= _MOST_SHARING:
            pairs.update(combinations(posting.places, 2))
    found = []
    for one, other in pairs:
        mine, theirs = vectors[one], vectors[other]
        alike = sum(value * theirs[word] for word, value in mine.items() if word in theirs)
        if alike >= floor:
            first, second = sorted((index.entries[one].name, index.entries[other].name))
            found.append(Overlap(first, second, round(min(alike, 1.0), 3)))
    return sorted(found, key=lambda pair: (-pair.alike, pair.one, pair.other))[:MOST]


def _vectors(index: Index) -> list[dict[str, float]]:
    """Each skill's words by weight and rarity, of length 1."""
    vectors: list[defaultdict[str, float]] = [defaultdict(float) for _ in index.entries]
    for word, posting in index.words.items():
        for place, weight in zip(posting.places, posting.weights, strict=True):
            vectors[place][word] = weight * posting.rarity
    return [_of_length_one(vector) for vector in vectors]


def _of_length_one(vector: dict[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(value * value for value in vector.values())) or 1.0
    return {word: value / length for word, value in vector.items()}
