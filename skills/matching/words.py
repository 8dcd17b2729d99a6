"""Texts as the words that are compared: in lower case, without what every text has, and without endings. Pure.

The endings are English ones, cut lightly: what is left alike after that is found by n-grams of letters.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:[+#]+(?!\w))?")
_MOST_LETTERS = 40
_COMMON_WORDS = (
    "a about after again all also am an and any are as at be because been before being between both but by came "
    "can cannot come comes could did do does done each else ever every few for from get gets give go goes going "
    "gone had has have having he her here him his how i if in into is it its just let like made make makes making "
    "many may me might mine more most much must my need no nor not now of off on once one only or other our out "
    "over own per please same see shall she should show so some somebody someone something still such take than "
    "that the their them then there these they thing things this those through to too under until up upon us use "
    "used uses using very want was way we well went were what when where which while who whom whose why will with "
    "within without would yes yet you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_DOUBLED = re.compile(r"([bdfgmnprt])\1$")


def words_of(text: str) -> list[str]:
    """The words of a text in their order, with their endings cut and common ones left out."""
    return [stem(word) for word in _spelled(text)]


def forms_of(text: str) -> dict[str, str]:
    """Each word of a text once, in their order, and how it is spelled there first."""
    forms: dict[str, str] = {}
    for word in _spelled(text):
        forms.setdefault(stem(word), word)
    return forms


def _spelled(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("'s ", " ")
    return [word for word in _WORD.findall(plain) if (word not in _COMMON and len(word) > 1) or word == "c"]


def is_common(word: str) -> bool:
    """Whether every text has such a word."""
    return word in _COMMON


def stem(word: str) -> str:
    """A word without the endings of its forms: queries, querying and queried are one."""
    word = word[:_MOST_LETTERS]
    if len(word) < 4:
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = _DOUBLED.sub(r"\1", word[: -len(ending)])
            break
    if word.endswith("e") and len(word) > 4:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


def grams(word: str) -> frozenset[str]:
    """The n-grams of a word by which words that are spelled alike are found: three letters, its beginning marked."""
    marked = f"^{word}"
    return frozenset(marked[place : place + 3] for place in range(max(1, len(marked) - 2)))
