"""The quality gate: how likely an answer is good, from what can be seen of it. Pure.

Checks come first; what fails one of form is of no use, whatever else it says. Of the rest a logistic regression over
`signals` says how likely it is good, learned for each task type and tier from outcomes that became known; before
there are enough, what is expected of the tier stands, moved by the checks that fired. Sources: methods.md §3b-d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import JSONDecodeError, loads
from typing import Any

from msgspec import Struct

from routing.contracts import Features, ToolCall, Verdict
from routing.ladder import arithmetic, checks
from routing.ladder.arithmetic import NUMBER, number
from routing.ladder.logistic import Fit, fitted
from routing.ladder.signals import NAMES, signals
from routing.ladder.success import shifted
from routing.wire.prompts import Tool

# How many known outcomes of a task type, and how many of each kind, make a calibration.
ENOUGH, ENOUGH_OF_EACH = 200, 30
RIDGE = 20.0
_OF_NO_USE = 0.03
_MOST_CHARS = 20_000  # of an answer whose sums are done again: its end
_SHORT = 80  # characters of answers that can be compared as texts
# What a check that fires costs, in logits, before anything was learned: of answers with a false sum 70 % were wrong
# where 36 % of all were (methods.md §3).
_COSTS = {"false_sum": 1.4, "unknown_identifier": 0.7}


class Calibration(Struct, frozen=True):
    """Fits over `signals.NAMES` for each (task type, tier id) that has enough outcomes: what is a bad sign in one
    model's answers is another's habit. `good`: that an answer is good; `helps`: that it is not and a higher tier's is,
    which is another question, since what is too hard for both is not worth asking again (methods.md §5: train on gain).
    """

    good: Mapping[tuple[str, int], Fit] = {}
    helps: Mapping[tuple[str, int], Fit] = {}


NOTHING_LEARNED = Calibration()


class Asked(Struct, frozen=True, kw_only=True):
    """What a request asked for, as far as answers are held to it: from `wire.prompts`. `prompt` is all its texts,
    `question` what the user said last, `schema` that of the answer: empty for any JSON object, None for none."""

    question: str = ""
    prompt: Sequence[str] = ()
    schema: dict[str, Any] | None = None
    tools: Sequence[Tool] = ()


def judge(
    features: Features,
    asked: Asked,
    *,
    text: str,
    tool_calls: Sequence[ToolCall] = (),
    finish_reason: str = "stop",
    key: tuple[str, int] = ("", 0),
    hoped: float = 0.7,
    agreement: float = 0.0,
    calibration: Calibration = NOTHING_LEARNED,
) -> Verdict:
    """The verdict on an answer. `key` is its task type and the tier that gave it, `hoped` what the plan expected of
    that (`Odds.p_good`), `agreement` what `agree` says of it and another answer to the request, if one was asked for.
    `passed` is False only for what is of no use as it stands; what else is worth asking again, `plan.climb_for` says
    by `p_good`."""
    sums = arithmetic.sums(text[-_MOST_CHARS:])
    unknown = checks.unknown_identifiers(tool_calls, asked.prompt)
    found = _findings(features, asked, text, tool_calls, finish_reason)
    found += ["false_sum"] if any(not each.is_true for each in sums) else []
    found += ["unknown_identifier"] if unknown else []
    seen = signals(asked.question, text, sums, unknown=len(unknown), agreement=agreement)
    is_of_use = not checks.FATAL & set(found)
    fit, helps = calibration.good.get(key), calibration.helps.get(key)
    p_good = (
        fit.p(seen) if fit is not None else shifted(hoped, agreement - sum(_COSTS.get(each, 0.0) for each in found))
    )
    return Verdict(
        passed=is_of_use,
        p_good=p_good if is_of_use else min(p_good, _OF_NO_USE),
        p_helps=helps.p(seen) if helps is not None and is_of_use else None,
        findings=tuple(found),
        signals=seen,
    )


def calibrated(rows: Sequence[Sequence[float]], truths: Sequence[bool]) -> Fit | None:
    """What is learned from answers whose `signals` are known and what is true of them; None where they are too few, or
    have another form than the signals of today."""
    kept = [(row, truth) for row, truth in zip(rows, truths, strict=True) if len(row) == len(NAMES)]
    good = sum(truth for _, truth in kept)
    if len(kept) < ENOUGH or min(good, len(kept) - good) < ENOUGH_OF_EACH:
        return None
    return fitted([row for row, _ in kept], [truth for _, truth in kept], ridge=RIDGE)


def agree(first: str, second: str) -> float:
    """Whether two answers say the same: 1 or -1 where that can be told, 0 else. Compared are JSON values, else the last
    numbers, else short texts."""
    try:
        return 1.0 if loads(first) == loads(second) else -1.0
    except (JSONDecodeError, RecursionError):
        pass
    ends = [[number(match.group()) for match in NUMBER.finditer(text)][-1:] for text in (first, second)]
    if all(ends):
        return 1.0 if ends[0] == ends[1] else -1.0
    short = [" ".join(text.casefold().split()) for text in (first, second)]
    return (1.0 if short[0] == short[1] else -1.0) if max(map(len, short)) < _SHORT else 0.0


def _findings(
    features: Features, asked: Asked, text: str, tool_calls: Sequence[ToolCall], finish_reason: str
) -> list[str]:
    found = list(
        checks.form(
            text=text,
            tool_calls=tool_calls,
            finish_reason="stop" if features.max_output else finish_reason,  # the caller's own limit: no model is freer
            schema=asked.schema,
            tools=asked.tools,
        )
    )
    return [*found, "loop"] if checks.repeats_itself(text) else found
