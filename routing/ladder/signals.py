"""What an answer looks like beside its question, as numbers: what a calibration learns from. Pure.

Beside the checks: lengths, how the answer uses the numbers it was given, whether it computes what it ends with, how it
hedges. None of them is a verdict; their weights are learned for each task type (`quality`). methods.md §3 measured
what such signals are worth.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log1p

from routing.ladder.arithmetic import NUMBER, Sum, number

NAMES = (
    "unfinished",
    "no_conclusion",
    "ends_without_number",
    "false_sum",
    "sums",
    "no_sum",
    "fraction_at_end",
    "fraction_before",
    "beyond_the_question",
    "last_number",
    "last_was_given",
    "last_was_computed",
    "unused_numbers",
    "numbers_from_nowhere",
    "hedges",
    "answer_chars",
    "question_chars",
    "chars_ratio",
    "question_numbers",
    "question_sentences",
    "lines",
    "sums_beyond_numbers",
    "question_fractions",
    "question_percent",
    "unknown_identifiers",
    "agreement",
)
_DIGIT = re.compile(r"\d")
_WHOLE_END = re.compile(r"[.!?)\]\"'`\d%}|>*]$")
_CONCLUSION = re.compile(r"####|\\boxed|\bfinal answer\b|\banswer is\b|\bin conclusion\b|\bin summary\b", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"\d[\d,.]*\D{0,25}$")
_HEDGE = re.compile(
    r"approximately|assum|however|cannot|can't|unclear|not (?:enough|given|specified|possible|sure)|mistake|actually|≈"
    r"|\bI think\b|\bperhaps\b|\bround(?:ed|ing)?\b",
    re.IGNORECASE,
)
# What must stand in a text, in small letters, for the two to find anything: looking for words is ten times as quick.
_CONCLUDES = ("####", "\\boxed", "answer", "in conclusion", "in summary")
_HEDGES = (
    *("approximately", "assum", "however", "cannot", "can't", "unclear", "not ", "mistake", "actually", "≈"),
    *("i think", "perhaps", "round"),
)
_WORDS = {
    "half": 0.5,
    "quarter": 0.25,
    "one": 1.0,
    "two": 2.0,
    "twice": 2.0,
    "double": 2.0,
    "three": 3.0,
    "thrice": 3.0,
    "triple": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "dozen": 12.0,
}
_MOST_CHARS = 20_000
_MOST_NUMBERS = 500


def signals(
    question: str, answer: str, sums: Sequence[Sum], *, unknown: int = 0, agreement: float = 0.0
) -> tuple[float, ...]:
    """One number for each of `NAMES`. `question` is what the user said last, `sums` those of the answer, `unknown` how
    many identifiers it makes up, `agreement` 1 where a second answer came to the same, -1 where it did not, 0 where
    none was asked for."""
    question, answer = question[-_MOST_CHARS:], answer[-_MOST_CHARS:].strip()
    said, given = _numbers(answer), _given(question)
    last, small = said[-1] if said else 0.0, answer.lower()
    results = {round(each.is_said_to_be, 2) for each in sums}
    steps = len({each.written for each in sums})
    return (
        float(_is_unfinished(answer)),
        float(not (any(word in small for word in _CONCLUDES) and _CONCLUSION.search(answer))),
        float(not _NUMBER_AT_END.search(answer[-200:])),
        float(any(not each.is_true for each in sums)),
        float(min(steps, 20)),
        float(steps == 0),
        float(last != int(last)),
        float(any(value != int(value) for value in results)),
        max(0.0, log1p(abs(last)) - log1p(max((abs(value) for value in given), default=0.0))),
        log1p(abs(last)),
        float(last in given),
        float(round(last, 2) in results),
        _share(given, {round(value, 2) for value in said}),
        _share(said, results | {round(value, 2) for value in given}),
        float(min(len(_HEDGE.findall(answer)), 10) if any(word in small for word in _HEDGES) else 0),
        log1p(len(answer)),
        log1p(len(question)),
        log1p(len(answer)) - log1p(len(question)),
        float(min(len(given), 50)),
        float(min(sum(map(question.count, ".?!")), 50)),
        float(min(sum(bool(line.strip()) for line in answer.split("\n")), 100)),
        float(max(-20, min(20, steps - len(given)))),
        float(any(value != int(value) for value in given)),
        float("%" in question),
        float(min(unknown, 10)),
        agreement,
    )


def _is_unfinished(answer: str) -> bool:
    if not _WHOLE_END.search(answer[-1:]):
        return True
    return answer.count("```") % 2 == 1 or answer.count("<<") != answer.count(">>")


def _numbers(text: str) -> list[float]:
    """The numbers of a text, as far as they are of a size that a double holds exactly."""
    if not _DIGIT.search(text):
        return []
    found = [number(match.group()) for match in NUMBER.finditer(text)]
    return [value for value in found if abs(value) < 2**53][:_MOST_NUMBERS]


def _given(question: str) -> list[float]:
    spelled = [_WORDS[word] for word in re.findall(r"[a-z]+", question.lower()) if word in _WORDS]
    return (_numbers(question) + spelled)[:_MOST_NUMBERS]


def _share(values: Sequence[float], known: set[float]) -> float:
    """The share of values that are not known."""
    return sum(round(value, 2) not in known for value in values) / max(1, len(values))
