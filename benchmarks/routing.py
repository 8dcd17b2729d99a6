"""What the quality gate and the ladder are worth on real answers: which of a weak model's answers to ask again.

Data: ../shared/data/routing/gsm8k_pairs.csv, 1,307 grade-school problems with the recorded answers of Mixtral 8x7B and
GPT-4 and whether each was right (RouteLLM's evaluation, Apache-2.0). The gate sees question and answer, not the truth.
Every fourth row (id divisible by 4) was looked at while signals, ridge and prices were chosen; reported are the others
alone. Each row is scored by a calibration that has not seen it (the rows looked at and nine of ten folds of the others,
over five shuffles, their means).

Formulas as in RouteLLM's evaluate.py (arXiv 2406.18665): PGR is the share of the gap between the models that is
recovered, APGR its mean over the deciles of strong calls, CPT(x) the least share of strong calls that recovers x.

`routing-apgr`: bar >= 0.75; anchors: random 0.5; RouteLLM's best published on GSM8K 0.622 (causal LLM), matrix
factorisation 0.565, BERT 0.531; methods.md's own checks 0.756. `routing-auc`: bar >= 0.771, the same checks.
`routing-cpt80`: share of strong calls for 80 % of the gap; bar <= 0.38; published 0.633. `routing-length`: APGR over
that of prompt length, the floor that needs no training; bar >= 1.1.

`routing-shares` and `routing-quality`: the four tiers of the plan (80, 15, 4 and 1 %), simulated: tier 1 is the weak
model and tier 4 the strong; where they differ, tier 2 answers as the strong in 30 % of problems and tier 3 in 60 %,
drawn once. 20,000 requests in three task types of unequal length go through the product's own plan, prices and table,
with the gate's scores from above. Shares: the largest distance of a share of the last 15,000 from its target, in parts
of the target; bar <= 0.15. Quality: right answers over those of the same shares given at random; bar >= 1.02, with
prompt length and a perfect gate beside it.
"""

from __future__ import annotations

import argparse
import csv
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import log
from pathlib import Path
from random import Random
from statistics import fmean, pstdev
from typing import Any, NamedTuple

from benchmarks import harness
from routing.contracts import Caller, Features, Provider, Tier
from routing.ladder.arithmetic import sums
from routing.ladder.plan import climb_for, plan
from routing.ladder.quality import calibrated
from routing.ladder.shares import Shares, stepped
from routing.ladder.signals import signals
from routing.ladder.success import Counted, Lengths, Table

DATA = harness.ROOT.parent / "shared" / "data" / "routing" / "gsm8k_pairs.csv"
FOLDS, SHUFFLES = 10, 5
REQUESTS, SETTLED = 20_000, 5_000
SHARES = {1: 0.80, 2: 0.15, 3: 0.04, 4: 0.01}


class Pair(NamedTuple):
    """A problem: the question, what the weak model's answer looks like, and which of the two were right."""

    question: str
    seen: tuple[float, ...]
    weak: bool
    strong: bool


class Curve(NamedTuple):
    """How much of the gap is recovered as more is asked again."""

    auc: float
    apgr: float
    cpt: tuple[float, float, float]  # of 50, 80 and 95 %
    pgr: tuple[float, float]  # at 5 and 20 % strong calls


def main() -> None:
    """JSON lines; `--chosen` reads the rows that parameters are chosen on."""
    parser = argparse.ArgumentParser(description="What routing is worth.")
    parser.add_argument("--chosen", action="store_true")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    pairs = _pairs(options.data, chosen=options.chosen)
    seen = [] if options.chosen else _pairs(options.data, chosen=True)
    scores = [crossed(pairs, seen, seed) for seed in range(SHUFFLES)]
    _curves(pairs, scores)
    _ladder(pairs, scores[0])


def _pairs(path: Path, *, chosen: bool) -> list[Pair]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (int(row["id"]) % 4 == 0) is chosen]
    return [
        Pair(
            row["prompt"],
            signals(row["prompt"], row["weak_response"], sums(row["weak_response"])),
            row["weak"] == "1",
            row["strong"] == "1",
        )
        for row in rows
    ]


class Score(NamedTuple):
    """What the gate says of a weak answer: how likely it is good, and how likely asking the strong model helps."""

    p_good: float
    p_helps: float


def crossed(pairs: Sequence[Pair], seen: Sequence[Pair], seed: int) -> list[Score]:
    """The gate's scores of each weak answer, from a calibration on the other folds and what was seen."""
    order = list(range(len(pairs)))
    Random(seed).shuffle(order)
    found: dict[int, Score] = {}
    for fold in range(FOLDS):
        held = order[fold::FOLDS]
        others = [*seen, *(pairs[n] for n in sorted(set(order) - set(held)))]
        rows = [pair.seen for pair in others]
        good = calibrated(rows, [pair.weak for pair in others])
        helps = calibrated(rows, [pair.strong and not pair.weak for pair in others])
        assert good is not None
        assert helps is not None
        found |= {n: Score(good.p(pairs[n].seen), helps.p(pairs[n].seen)) for n in held}
    return [found[n] for n in range(len(pairs))]


def _curves(pairs: Sequence[Pair], scores: Sequence[Sequence[Score]]) -> None:
    ours = [curve(pairs, [score.p_helps for score in found]) for found in scores]
    wrong = [curve(pairs, [1 - score.p_good for score in found]) for found in scores]
    length = curve(pairs, [float(len(pair.question)) for pair in pairs])
    perfect = curve(pairs, [float(pair.strong) - pair.weak for pair in pairs])
    draw = Random(1)
    random = [curve(pairs, [draw.random() for _ in pairs]) for _ in range(20)]
    apgr, auc = fmean(each.apgr for each in ours), fmean(each.auc for each in wrong)
    cpt = [fmean(each.cpt[n] for each in ours) for n in range(3)]
    detail: dict[str, Any] = {
        "rows": len(pairs),
        "weak": round(fmean(pair.weak for pair in pairs), 3),
        "strong": round(fmean(pair.strong for pair in pairs), 3),
        "spread_over_shuffles": round(pstdev(each.apgr for each in ours), 4),
        "by_doubt_of_the_answer_alone": round(fmean(each.apgr for each in wrong), 3),
        "random": round(fmean(each.apgr for each in random), 3),
        "prompt_length": round(length.apgr, 3),
        "perfect": round(perfect.apgr, 3),
        "published": {"causal_llm": 0.622, "matrix_factorisation": 0.565, "bert": 0.531, "sw_ranking": 0.568},
        "pgr_at_5_and_20_percent": [round(fmean(each.pgr[n] for each in ours), 3) for n in range(2)],
    }
    harness.report("routing-apgr", apgr, at_least=0.75, **detail)
    harness.report("routing-auc", auc, at_least=0.771, calibration_error=_calibration_error(pairs, scores[0]))
    others = {"random": random[0].cpt[1], "prompt_length": length.cpt[1], "perfect": perfect.cpt[1], "published": 0.633}
    harness.report("routing-cpt80", cpt[1], at_most=0.38, of_50_80_95=[round(share, 4) for share in cpt], **others)
    harness.report("routing-length", apgr / length.apgr, at_least=1.1)


def curve(pairs: Sequence[Pair], doubt: Sequence[float]) -> Curve:
    """What is recovered when the answers of most doubt are asked again first."""
    order = sorted(range(len(pairs)), key=lambda n: -doubt[n])
    gap = sum(pair.strong - pair.weak for pair in pairs)
    gained = [0.0]
    for n in order:
        gained.append(gained[-1] + (pairs[n].strong - pairs[n].weak) / gap)
    at = [gained[round(len(pairs) * tenth / 10)] for tenth in range(11)]
    needed = [
        next(n for n, part in enumerate(gained) if part >= share - 1e-9) / len(pairs) for share in (0.5, 0.8, 0.95)
    ]
    return Curve(
        _auc([doubt[n] for n in range(len(pairs))], [not pair.weak for pair in pairs]),
        sum((a + b) / 20 for a, b in pairwise(at)),
        (needed[0], needed[1], needed[2]),
        (gained[round(len(pairs) * 0.05)], gained[round(len(pairs) * 0.2)]),
    )


def _auc(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """How often a wrong answer has more doubt than a right one; ties count half."""
    right = sorted(score for score, truth in zip(scores, truths, strict=True) if not truth)
    wrong = [score for score, truth in zip(scores, truths, strict=True) if truth]
    below = sum(bisect_left(right, score) + bisect_left(right, score + 1e-12) for score in wrong)
    return below / (2 * len(right) * len(wrong))


def _calibration_error(pairs: Sequence[Pair], scores: Sequence[Score]) -> float:
    """Mean distance between what is said and what happens, over ten groups of equal size."""
    order = sorted(range(len(pairs)), key=lambda n: scores[n].p_good)
    groups = [order[n * len(order) // 10 : (n + 1) * len(order) // 10] for n in range(10)]
    return round(fmean(abs(fmean(scores[n].p_good for n in g) - fmean(pairs[n].weak for n in g)) for g in groups), 3)


def _ladder(pairs: Sequence[Pair], scores: Sequence[Score]) -> None:
    draw = Random(11)
    mixed = [[draw.random() for _ in pairs] for _ in range(2)]
    right = {
        1: [pair.weak for pair in pairs],
        2: [pair.strong if mixed[0][n] < 0.3 else pair.weak for n, pair in enumerate(pairs)],
        3: [pair.strong if mixed[1][n] < 0.6 else pair.weak for n, pair in enumerate(pairs)],
        4: [pair.strong for pair in pairs],
    }
    asked = [draw.randrange(len(pairs)) for _ in range(REQUESTS)]
    ours, reasons = simulated(pairs, scores, asked)
    late = list(zip(asked, ours, strict=True))[SETTLED:]
    counted = Counter(position for _, position in late)
    shares = {position: counted[position] / len(late) for position in SHARES}
    off = max(abs(shares[position] - share) / share for position, share in SHARES.items())
    harness.report("routing-shares", off, at_most=0.15, shares=shares, overrides=reasons["share_override"] / REQUESTS)

    def quality(doubt: Callable[[int], float]) -> float:
        """Right answers when the requests of most doubt get the highest tiers, in exactly our shares."""
        order = sorted((n for n, _ in late), key=lambda n: (-doubt(n), draw.random()))
        tiers = sorted((position for _, position in late), reverse=True)
        return fmean(right[position][n] for n, position in zip(order, tiers, strict=True))

    random = sum(fmean(right[k][n] for n, _ in late) * shares[k] for k in SHARES)
    got = fmean(right[position][n] for n, position in late)
    harness.report(
        "routing-quality",
        got / random,
        at_least=1.02,
        right=round(got, 4),
        random=round(random, 4),
        prompt_length=round(quality(lambda n: len(pairs[n].question)), 4),
        perfect_gate=round(quality(lambda n: float(pairs[n].strong) - pairs[n].weak), 4),
        each_alone={k: round(fmean(right[k][n] for n, _ in late), 4) for k in SHARES},
    )


def simulated(pairs: Sequence[Pair], scores: Sequence[Score], asked: Sequence[int]) -> tuple[list[int], Counter[str]]:
    """Which tier's answer each request gets, by the product's own decisions; the truth is not known to any of them."""
    ladder = [_tier(position, share) for position, share in SHARES.items()]
    shares, recent, reasons = Shares(), Counter[int](), Counter[str]()
    good: dict[tuple[str, int], list[float]] = {}
    found = []
    for count, n in enumerate(asked):
        kind = ("short", "middle", "long")[bisect_left((180, 260), len(pairs[n].question))]
        if count % 100 == 0:
            table = _table(good, pairs)
        features = Features(
            protocol="openai.chat", model="auto", prompt_chars=len(pairs[n].question), prompt_tokens=100
        )
        made = plan(features, Caller(project_id=1, key_id=1, session="", task_type=kind), ladder, {}, table, shares)
        position = made.steps[0].tier.position
        climb = (
            climb_for(made, made.steps[0].tier.id, scores[n].p_good, p_helps=scores[n].p_helps)
            if position == 1
            else None
        )
        if position == 1:
            good.setdefault((kind, 1), []).append(scores[n].p_good)
        if climb is not None:
            position = climb.tier.position
            reasons[climb.reason.partition(":")[0]] += 1
        found.append(position)
        recent[position] += 1
        if recent.total() == 20:
            shares = stepped(shares, ladder, recent)
            recent.clear()
    return found, reasons


def _table(good: dict[tuple[str, int], list[float]], pairs: Sequence[Pair]) -> Table:
    whole = [log(1 + len(pair.question)) for pair in pairs]
    return Table(
        by_type={key: Counted(len(seen), sum(seen), 0) for key, seen in good.items()},
        by_tier={1: Counted(sum(map(len, good.values())), sum(map(sum, good.values())), 0)},
        lengths={kind: Lengths(len(pairs), fmean(whole), pstdev(whole) ** 2) for kind in ("short", "middle", "long")},
    )


def _tier(position: int, share: float) -> Tier:
    provider = Provider(id=position, name=f"p{position}", family="openai", base_url="http://127.0.0.1")
    return Tier(
        id=position,
        position=position,
        name=f"tier {position}",
        provider=provider,
        model=f"m{position}",
        context_window=32_768,
        share=share,
        is_free=position < 4,
    )


if __name__ == "__main__":
    main()
