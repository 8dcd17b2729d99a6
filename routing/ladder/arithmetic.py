"""Sums that an answer writes out, done again. Pure.

Read are statements like `12 x 3 = 36`, `<<12*3=36>>` or `$5 + 10% of it` as far as they are numbers and the four
operations; anything with a letter in it is left alone. A result may be rounded to the digits in which it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+"
_TOKEN = re.compile(rf"{_NUMBER}|[-+*/()]|%")
NUMBER = re.compile(rf"(?=[-.\d])(?<![\w.,])-?(?:{_NUMBER})(?![\w]|[.,]\d)")
# What stands left of an equals sign, back to the last thing that is no part of a sum, and the number right of it.
_SUM = re.compile(
    rf"(?P<left>[-+*/().,%\d\s]{{3,120}})=\s*(?P<right>-?\s*(?:{_NUMBER}))(?![\d.,]*\d)(?P<percent>\s*%)?(?!\s*[-+*/(]+\s*[\d(])"
)
_OPERATION = re.compile(r"[\d)%]\s*[-+*/]\s*[\d(.]")
_SAME = str.maketrans({"×": "*", "·": "*", "÷": "/", "\N{MINUS SIGN}": "-", "$": "", "€": "", "£": "", "\\": ""})
_TIMES = re.compile(r"(?<=[\d)%])\s*[xX]\s*(?=[\d(.])")
_BULLET = re.compile(r"^\s*[-+*]\s+")
_MOST = 200
_DEEPEST = 20


class Sum(Struct, frozen=True):
    """A sum as it is written, what its left side comes to, and what stands right of the equals sign."""

    written: str
    comes_to: float
    is_said_to_be: float
    is_true: bool


def sums(text: str) -> list[Sum]:
    """Every sum of the text that can be done again, at most 200."""
    if "=" not in text:
        return []
    plain = _TIMES.sub("*", text.translate(_SAME))
    found = []
    for match in _SUM.finditer(plain):
        done = _done(match)
        if done is not None:
            found.append(done)
        if len(found) == _MOST:
            break
    return found


def number(written: str) -> float:
    """The value of what `NUMBER` matches."""
    return float(written.replace(",", "").replace(" ", ""))


def _done(match: re.Match[str]) -> Sum | None:
    left = _last_part(match["left"])
    if not _OPERATION.search(left):
        return None
    try:
        comes_to = _Reader(left).all()
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    said = number(match["right"]) * (0.01 if match["percent"] and "%" not in left else 1)
    decimals = len(match["right"].partition(".")[2])
    allowed = 0.51 * 10.0**-decimals if decimals or comes_to != int(comes_to) else 0.001
    return Sum(f"{left.strip()} = {match['right']}", comes_to, said, abs(comes_to - said) <= allowed + 1e-9 * abs(said))


def _last_part(left: str) -> str:
    """The sum itself: after the last line break, full stop or comma that is no part of a number."""
    return _BULLET.sub("", re.split(r"\n|[.,](?!\d)|(?<=\d)\s+(?=\d)", left)[-1], count=1)


class _Reader:
    """Reads + - * / % and brackets, in the usual order. ValueError where it is none of that."""

    def __init__(self, text: str) -> None:
        self._tokens: Iterator[str] = iter(_TOKEN.findall(text))
        if re.sub(r"\s", "", text) != "".join(_TOKEN.findall(text)):
            raise ValueError(text)
        self._next = next(self._tokens, "")
        self._depth = 0

    def all(self) -> float:
        value = self._sum()
        if self._next:
            raise ValueError(self._next)
        return value

    def _take(self) -> str:
        token, self._next = self._next, next(self._tokens, "")
        return token

    def _sum(self) -> float:
        value = self._product()
        while self._next in {"+", "-"}:
            value += self._product() if self._take() == "+" else -self._product()
        return value

    def _product(self) -> float:
        value = self._atom()
        while self._next in {"*", "/"}:
            value = value * self._atom() if self._take() == "*" else value / self._atom()
        return value

    def _atom(self) -> float:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("too deep")
        sign = self._take()
        if sign == "-":
            value = -self._atom()
        elif sign == "(":
            value = self._sum()
            if self._take() != ")":
                raise ValueError(sign)
        else:
            value = number(sign)
        while self._next == "%":
            self._take()
            value /= 100
        self._depth -= 1
        return value
