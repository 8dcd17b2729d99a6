"""Skills that say much the same and were both loaded for one run: what the second of them cost. Pure.

Two skills that are alike cost nothing while nobody loads both; which are, the page says anyhow. Here are those of which
runs paid for one twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from skills.concierge.runs import days_of
from skills.matching.overlap import Overlap
from telemetry.contracts import TaskRun

FEWEST_RUNS = 5
_EXAMPLES = 3


class Double(Struct, frozen=True, kw_only=True):
    """Two skills, how alike they are (1: the same), and the runs that had both; `saved_*`: the smaller one in each."""

    one: str
    other: str
    alike: float
    runs: int
    days: int
    saved_tokens: int
    saved_nanousd: int
    examples: tuple[str, ...]


def doubles(pairs: Sequence[Overlap], runs: Sequence[TaskRun], tokens: Mapping[str, int]) -> list[Double]:
    """Of the pairs those that at least FEWEST_RUNS runs loaded both of, the dearest first. `tokens`: of each body."""
    found = []
    for pair in pairs:
        both = [run for run in runs if pair.one in run.skills and pair.other in run.skills]
        if len(both) < FEWEST_RUNS:
            continue
        saved = len(both) * min(tokens.get(pair.one, 0), tokens.get(pair.other, 0))
        used = sum(run.tokens for run in both)
        found.append(
            Double(
                one=pair.one,
                other=pair.other,
                alike=pair.alike,
                runs=len(both),
                days=days_of(both),
                saved_tokens=saved,
                saved_nanousd=saved * sum(run.cost_nanousd for run in both) // used if used else 0,
                examples=tuple(sorted({run.text for run in both})[:_EXAMPLES]),
            )
        )
    return sorted(found, key=lambda one: (-one.saved_tokens, one.one, one.other))
