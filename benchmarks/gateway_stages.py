"""What budgets, kept answers and shorter prompts cost a call of the gateway, all three on, against none of them.

Bar: processor time a call ≤ 2 times that of the same call, governed, without them (issue 8), for two kinds of calls.
Short ones, as in `bench-gateway`, each with words of its own and temperature 0, so that an answer is looked for, not
found, and kept. And an agent's: 110 KB of a conversation that grows by a turn with each call, with four results of
tools that are left out of it, as its state says, by the same bytes.

Both kinds are asked of one gateway process by two keys, in turns: of a project that has none of it, and of one with a
budget that is enforced for all its calls of a day, a rule for kept answers, and one for shorter prompts. Measured by
the kernel's count of the process's time, threads and the last batch's wait included; PostgreSQL's and Valkey's own are
not. An instant provider answers 1 KB. It takes two minutes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from benchmarks import harness
from benchmarks.gateway import CLIENTS, SETTLED_S, Served, client, gateway, ladder_of, peer, rounded

ROUNDS, CALLS = 5, {"words": 1_000, "turns": 400}
_KINDS = {"words": "gateway-stages-short", "turns": "gateway-stages-agent"}


def main() -> None:
    """A JSON line a figure."""
    parser = argparse.ArgumentParser(description="What budgets, kept answers and shorter prompts cost a call.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds: int = parser.parse_args().rounds
    with harness.instance() as place, peer("provider", 1, 0) as instant:
        plain, staged = _keys()
        with ladder_of(instant.port), _rules(), gateway(place.folder, instant.port) as ours:
            for kind, name in _KINDS.items():
                _measure(kind, name, ours, plain, staged, rounds)
            _has_done_all()


def _measure(kind: str, name: str, ours: Served, plain: str, staged: str, rounds: int) -> None:
    def milliseconds(key: str, calls: int) -> float:
        before = ours.seconds()
        client(kind, ours.port, key, calls, CLIENTS)
        time.sleep(SETTLED_S)
        return (ours.seconds() - before) * 1000 / calls

    for key in (plain, staged):
        milliseconds(key, CALLS[kind] // 5)
    without, with_all = harness.in_turns(
        rounds, lambda _: milliseconds(plain, CALLS[kind]), lambda _: milliseconds(staged, CALLS[kind])
    )
    detail = {"without": rounded(without), "with": rounded(with_all)}
    harness.report(name, harness.median_ratio(with_all, without), at_most=2, ms=detail)


def _keys() -> tuple[str, str]:
    """A key of a project with nothing on, and one of a project with all."""
    from telemetry import facade

    facade.ensure_project(slug="staged")
    slugs = ("bench", "staged")
    plain, staged = (facade.create_key(project_slug=slug, name="gateway", scopes=["gateway"]) for slug in slugs)
    return plain, staged


@contextmanager
def _rules() -> Iterator[None]:
    """Inside, all three are on for one project."""
    from routing.models import CompressionRule, KeepRule
    from telemetry.models import Budget, Project

    project = Project.objects.get(slug="staged")
    Budget.objects.create(
        project=project, scope="project", period="day", counts="gross", mode="enforce", amount=Decimal(10**12)
    )
    KeepRule.objects.create(project=project.slug, hours=1)
    CompressionRule.objects.create(project=project.slug, mode="on")
    yield


def _has_done_all() -> None:
    """See that each of them was at work. Raises RuntimeError."""
    from routing.models import CompressionDay, RecallDay
    from telemetry.models import BudgetWindow

    shorter, recalls = CompressionDay.objects.get(is_shadow=False), RecallDay.objects.get()
    is_shorter = shorter.shortened > shorter.asked / 2 and shorter.saved_tokens > shorter.came_tokens / 2
    if not (is_shorter and recalls.asked > recalls.found == 0 and BudgetWindow.objects.filter(used__gt=0).exists()):
        raise RuntimeError("one of the stages did nothing")


if __name__ == "__main__":
    main()
