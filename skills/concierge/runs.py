"""What the concierge looks at of runs: the words of their tasks, and the days they began on. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skills.matching.words import words_of
from telemetry.contracts import TaskRun

MOST_WORDS = 40  # of one task that are compared
_DIGIT = re.compile(r"\d")


def told_words(text: str) -> tuple[str, ...]:
    """The words by which tasks are alike, each once and sorted: no numbers, and no names made of them."""
    found = {word for word in words_of(text) if len(_DIGIT.findall(word)) < 2}
    return tuple(sorted(found))[:MOST_WORDS]


def days_of(runs: Sequence[TaskRun]) -> int:
    """On how many UTC days they began."""
    return len({run.at.date() for run in runs})
