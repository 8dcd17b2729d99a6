"""Pairs of questions that look alike and are not the same: what a cache that is clever about likeness falls for.

Source: the false hits that others report (litellm #12234, semantic-router #2691, GPTCache #694): numbers, negations,
paths, tenants, types, white space.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

Pair = tuple[Any, Any]
_FRAMES = (
    "how do I {0} it?",
    "{0} two-factor sign-in for the finance team",
    "please {0} the nightly backup of db-1",
    "what happens if we {0} port 8080?",
    "the order is to {0} now",
)
_OPPOSITES = (
    ("enable", "disable"),
    ("allow", "do not allow"),
    ("delete", "never delete"),
    ("open", "close"),
    ("include", "exclude"),
    ("lock", "unlock"),
    ("start", "stop"),
    ("always run", "do not always run"),
)
_NUMBERED = (
    "the limit is {0} tokens",
    "charge {0} dollars",
    "page {0} of the report",
    "what is {0} plus 1?",
    "wait for {0} s, then try again",
)
_NUMBERS = ("1", "10", "100", "-1", "1.0", "1,0", "0.1", "1e1", "01", "2")
_PLACED = ("read {0}", "delete everything in {0}")
_PATHS = (
    "/srv/a/b.txt",
    "/srv/a/b.TXT",
    "/srv/a//b.txt",
    "/srv/a/B.txt",
    "srv/a/b.txt",
    "/srv/a/b.txt/",
    "/srv/a/b.tx",
    "/srv/b/a.txt",
    "/srv/a/../a/b.txt",
)
_SPACED = (
    "if x:\n    y()\nz()",
    "if x:\n    y()\n    z()",
    "if x:\n\ty()\nz()",
    "if x:\n    y()\nz() ",
    "if x:\r\n    y()\r\nz()",
)
_LOOKALIKES = ("café", "cafe\u0301", "cafe", "Café", "c\u0430fé", "caf\u00e9\u200b")
_VALUES: tuple[Any, ...] = (
    1,
    1.0,
    "1",
    True,
    Decimal(1),
    Decimal("1.0"),
    b"1",
    [1],
    (1,),
    {1},
    frozenset({1}),
    {1: None},
    {"1": None},
    [[1]],
    ["1"],
    [True],
    None,
    0,
    0.0,
    -0.0,
    "",
    b"",
    [],
    (),
    {},
    False,
    "None",
    "null",
    [None],
    date(2026, 1, 1),
    datetime(2026, 1, 1),  # noqa: DTZ001 (one without a zone is another)
    datetime(2026, 1, 1, tzinfo=UTC),
    "2026-01-01",
    timedelta(days=1),
    86400,
)
_GROUPED = (["ab", "c"], ["a", "bc"], ["abc"], ["a", "b", "c"], ["c", "ab"], [["ab"], "c"], ["ab", ["c"]], "abc")


def questions() -> Iterator[Pair]:
    """Pairs of texts."""
    for frame in _FRAMES:
        yield from ((frame.format(one), frame.format(other)) for one, other in _OPPOSITES)
    for texts, words in ((_NUMBERED, _NUMBERS), (_PLACED, _PATHS)):
        for text in texts:
            yield from combinations([text.format(word) for word in words], 2)
    yield from combinations(_SPACED, 2)
    yield from combinations(_LOOKALIKES, 2)


def values() -> Iterator[Pair]:
    """Pairs of values that Python, JSON or SQL takes for the same, or nearly."""
    yield from combinations(_VALUES, 2)
    yield from combinations(_GROUPED, 2)


def pairs() -> list[Pair]:
    """All of them."""
    return [*questions(), *values()]
