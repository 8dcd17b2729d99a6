"""Does the concierge find what is missing, and only that? Histories in which skills were deleted and others are dead.

`concierge_made.py` says how these are made. 20 seeds were tuned on; these are 12 others, whose deleted skills are of
the half of the skills of which none was deleted while anything was tuned. Run it with `make bench-concierge`.

A proposal is real where at least half of its runs need one deleted skill that no proposal before it was for; every
other is false, a second one for the same skill too. Bars: 0.8 of the proposals are real, 0.4 of the deleted skills are
found (methods.md §8: 0.87 and 0.36 in a lab; here one in six cannot be found, for nothing sets its runs apart), 0.8 of
the dead are flagged, and none of the used or new. Anchor, in the same run: proposals for all patterns that no skill
fits, without a look at how they fare.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import harness
from benchmarks.concierge_made import START, Made, make
from benchmarks.skills_retrieval import skills
from skills.concierge.gaps import FEWEST_RUNS, WEAK
from skills.concierge.looking import Findings, Loads, Shelved, look
from skills.concierge.patterns import patterns
from skills.matching.index import Index, entry
from skills.matching.match import match

SEEDS = range(100, 112)
_TOKENS, _LOOKED = 300, 40


@dataclass(frozen=True, slots=True)
class Judged:
    """Of one or more histories: proposals, those that are real, deleted skills and those that were found; and flags of
    dead, used and new skills, of so many dead."""

    proposals: int
    real: int
    deleted: int
    dead: int
    flagged_dead: int
    flagged_others: int


def found_in(made: Made) -> Findings:
    """What the concierge says of a history."""
    watched = {name: at for name, at in made.loads.items() if at}
    return look(
        made.runs,
        index_of(made),
        shelved=[Shelved(name, since, _TOKENS) for name, since in sorted(made.offered.items())],
        loads={name: Loads(len(at), max(at)) for name, at in watched.items()},
        alike=(),
        now=made.now,
    )


def index_of(made: Made) -> Index:
    """The skills that are there."""
    return Index([entry(**skill) for skill in skills() if skill["name"] in made.offered])


def judged(made: Made, found: Findings) -> Judged:
    """How right that is."""
    flagged = {one.skill for one in found.idle}
    return Judged(
        len(found.gaps),
        real_among(made, [one.members for one in found.gaps]),
        len(made.deleted),
        len(made.dead),
        len(flagged & made.dead),
        len(flagged - made.dead),
    )


def real_among(made: Made, proposals: Sequence[Sequence[int]]) -> int:
    """How many proposals, by the places of their runs among those of `look`, are for another deleted skill each."""
    ordered = sorted(range(len(made.runs)), key=lambda place: (made.runs[place].at, made.runs[place].text))
    found = set()
    for members in proposals:
        kind, count = Counter(made.kinds[ordered[place]] for place in members).most_common(1)[0]
        if kind in made.deleted and 2 * count >= len(members):
            found.add(kind)
    return len(found)


def without_a_look(made: Made) -> tuple[int, int]:
    """The anchor: patterns that recur and that no skill fits; how many, and how many are real."""
    runs = sorted(made.runs, key=lambda run: (run.at, run.text))
    index = index_of(made)
    proposed = []
    for one in patterns([run.text for run in runs]):
        if len(one.members) >= FEWEST_RUNS:
            some = one.members[:: max(1, len(one.members) // _LOOKED)]
            if sum(not match(index, runs[place].text).matches for place in some) >= WEAK * len(some):
                proposed.append(one.members)
    return len(proposed), real_among(made, proposed)


def main() -> None:
    """Four JSON lines, of seeds that nothing was tuned on."""
    began, told, plain = time.monotonic(), [], []
    for seed in SEEDS:
        made = make(seed, part="held")
        told.append(judged(made, found_in(made)))
        plain.append(without_a_look(made))
    every: dict[str, Any] = {name: sum(getattr(one, name) for one in told) for name in Judged.__slots__}
    anchor = round(sum(real for _, real in plain) / sum(count for count, _ in plain), 3)
    sizes: dict[str, Any] = {
        "seeds": len(told),
        "since": f"{START:%Y-%m-%d}",
        "seconds": round(time.monotonic() - began, 1),
    }
    precision, recall = every["real"] / every["proposals"], every["real"] / every["deleted"]
    harness.report("concierge-precision", precision, at_least=0.8, without_a_look=anchor, **every, **sizes)
    harness.report("concierge-recall", recall, at_least=0.4, could_be_found=round(5 / 6, 3))
    harness.report("concierge-dead", every["flagged_dead"] / every["dead"], at_least=0.8)
    harness.report("concierge-false-flags", float(every["flagged_others"]), at_most=0.0)


if __name__ == "__main__":
    main()
