"""How often months end where they were projected to, and budgets on the day they were said to, on simulated projects.

Simulated, for no team's years are here: a project's day is a log-normal of its level (spread 0.3 to 0.9 of the
logarithm), weekends have 5 to 60 % of it, the level drifts by 1 to 4 % a day, and one day in forty is three to eight
times as dear. 400 projects of 40 to 100 days (seeds 10,000 to 10,399), each looked at on every day of its last month,
with the month's days as the period. Parameters were chosen on the seeds 1 to 200.

`projections-coverage`: how often the month's end lies in its interval, which is made for eight of ten; bars ≥ 0.75 and
≤ 0.88. `projections-error`: the median error of the middle, as a multiple of that of the naive rule (so far, divided by
the part of the month that is over); bar ≤ 0.9. `projections-exhaustion`: of budgets of 0.7 to 1.2 times what the month
came to, how far the said probability of passing them is off: the Brier score over that of always saying how often it
happens; bar ≤ 0.7.
"""

from __future__ import annotations

import argparse
import math
import statistics
from datetime import date, timedelta
from random import Random

from benchmarks import harness
from telemetry.limits.projection import Past, project

REPORTED, CHOSEN = range(10_000, 10_400), range(1, 201)
FIRST = date(2026, 1, 1)
MONTH = 30


def main() -> None:
    """Four JSON lines; `--chosen` reads the seeds that parameters are chosen on."""
    parser = argparse.ArgumentParser(description="How good projections are.")
    parser.add_argument("--chosen", action="store_true")
    seeds = CHOSEN if parser.parse_args().chosen else REPORTED
    inside: list[bool] = []
    ours: list[float] = []
    naive: list[float] = []
    said: list[float] = []
    happened: list[bool] = []
    for seed in seeds:
        draw = Random(seed)
        amounts, first = month_of(draw)
        whole = sum(amounts[first:])
        limit = round(whole * draw.uniform(0.7, 1.2))
        for day in range(first, first + MONTH):
            used = sum(amounts[first:day])
            found = project(
                Past(amounts[:day], FIRST + timedelta(days=day)),
                used=used,
                left_today=1.0,
                last_day=FIRST + timedelta(days=first + MONTH - 1),
                limit=limit,
            )
            assert found is not None
            assert found.exhaustion is not None
            inside.append(found.total.low <= whole <= found.total.high)
            if day > first:
                ours.append(abs(math.log(found.total.middle / whole)))
                naive.append(abs(math.log(used * MONTH / (day - first) / whole)))
            if used <= limit:
                said.append(found.exhaustion.probability)
                happened.append(whole > limit)
    tell(inside, ours, naive, said, happened)


def tell(inside: list[bool], ours: list[float], naive: list[float], said: list[float], happened: list[bool]) -> None:
    """The lines."""
    coverage = sum(inside) / len(inside)
    harness.report("projections-coverage", coverage, at_least=0.75, looks=len(inside))
    harness.report("projections-coverage-most", coverage, at_most=0.88)
    harness.report(
        "projections-error",
        statistics.median(ours) / statistics.median(naive),
        at_most=0.9,
        ours=round(statistics.median(ours), 3),
        naive=round(statistics.median(naive), 3),
    )
    base = sum(happened) / len(happened)
    brier = statistics.fmean((p - y) ** 2 for p, y in zip(said, happened, strict=True))
    harness.report("projections-exhaustion", brier / (base * (1 - base)), at_most=0.7, passed=round(base, 3))


def month_of(draw: Random) -> tuple[list[int], int]:
    """The days of a project, and which is the first of its last month."""
    spread, weekend, drift = draw.uniform(0.3, 0.9), draw.uniform(0.05, 0.6), draw.uniform(0.01, 0.04)
    before = draw.randrange(10, 70)
    level, amounts = 1e9, []
    for day in range(before + MONTH):
        level *= math.exp(draw.gauss(0, drift))
        is_weekend = (FIRST + timedelta(days=day)).weekday() >= 5
        amount = level * (weekend if is_weekend else 1) * math.exp(draw.gauss(0, spread))
        amounts.append(round(amount * (draw.uniform(3, 8) if draw.random() < 1 / 40 else 1)))
    return amounts, before


if __name__ == "__main__":
    main()
