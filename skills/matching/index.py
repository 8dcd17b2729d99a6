"""An index of skills: which of them have a word, how much that says of each, and which words are spelled alike. Pure.

BM25 over fields: a word of the name and of a tag counts three times, one of the description twice, one of the body once
(SkillRouter, arXiv 2603.22455: hiding bodies from the router costs a third to a half of its hits). Weights of BM25 that
do not depend on the task are computed when the index is made, and kept as arrays.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from skills.matching.words import grams, words_of

K1, B = 1.2, 0.4
NAME_WEIGHT, TAG_WEIGHT, DESCRIPTION_WEIGHT = 3, 3, 2
MOST_WORDS = 2_000  # of one skill: a body of 256 KiB says what it is about long before its end
ALIKE = 0.5  # Dice's coefficient of two words' n-grams, from which they may be one word
SPELLED_FROM, BEGINNING = 5, 3  # letters: that such words have, and that they begin with alike
_MOST_ALIKE = 6


class Entry(Struct, frozen=True, kw_only=True):
    """A skill as it is compared: each word with its weight, and its tags."""

    name: str
    tags: tuple[str, ...]
    counts: dict[str, int]
    length: int


class Postings(Struct, frozen=True):
    """The skills that have a word, by their places, and what it says of each; `rarity` is its inverse frequency."""

    rarity: float
    places: array[int]
    weights: array[float]


def entry(*, name: str, tags: Sequence[str], description: str, body: str) -> Entry:
    """A skill, read once."""
    counts: Counter[str] = Counter(words_of(body)[:MOST_WORDS])
    for text, weight in ((name, NAME_WEIGHT), (" ".join(tags), TAG_WEIGHT), (description, DESCRIPTION_WEIGHT)):
        for word in words_of(text):
            counts[word] += weight
    return Entry(name=name, tags=tuple(tags), counts=dict(counts), length=sum(counts.values()))


class Index:
    """Made once of all entries; nothing of it changes."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self.places = {one.name: place for place, one in enumerate(self.entries)}
        self.words = _postings(self.entries)
        self.tags = _tagged(self.entries)
        self._by_gram: defaultdict[str, list[str]] = defaultdict(list)
        for word in self.words:
            for gram in grams(word) if len(word) >= SPELLED_FROM else ():
                self._by_gram[gram].append(word)
        self.rarest = math.log(1 + (len(self.entries) + 0.5) / 0.5)

    def alike(self, word: str) -> list[tuple[str, float]]:
        """The words of skills that are this one, or are spelled alike, each with how much alike: 1 for itself."""
        found = [(word, 1.0)] if word in self.words else []
        if len(word) < SPELLED_FROM:
            return found
        own = grams(word)
        shared = Counter(other for gram in own for other in self._by_gram.get(gram, ()))
        near = [
            (2 * count / (len(own) + len(grams(other))), other)
            for other, count in shared.items()
            if other != word and other[:BEGINNING] == word[:BEGINNING]
        ]
        return found + [(other, share) for share, other in sorted(near, reverse=True)[:_MOST_ALIKE] if share >= ALIKE]


def _postings(entries: Sequence[Entry]) -> Mapping[str, Postings]:
    mean = sum(one.length for one in entries) / len(entries) if entries else 1.0
    places: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
    weights: defaultdict[str, array[float]] = defaultdict(lambda: array("f"))
    for place, one in enumerate(entries):
        room = K1 * (1 - B + B * one.length / mean)
        for word, count in one.counts.items():
            places[word].append(place)
            weights[word].append(count / (count + room))
    total = len(entries)
    return {
        word: Postings(math.log(1 + (total - len(found) + 0.5) / (len(found) + 0.5)), found, weights[word])
        for word, found in places.items()
    }


def _tagged(entries: Sequence[Entry]) -> dict[str, frozenset[int]]:
    tagged: defaultdict[str, set[int]] = defaultdict(set)
    for place, one in enumerate(entries):
        for tag in one.tags:
            tagged[tag].add(place)
    return {tag: frozenset(places) for tag, places in tagged.items()}
