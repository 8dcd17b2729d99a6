"""What the concierge finds: gaps that are real, skills that nobody needs, and nothing that a few counts shout."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from benchmarks.concierge import index_of, real_among
from benchmarks.concierge_made import make
from skills.concierge.chance import most_expected, tail
from skills.concierge.doubles import doubles
from skills.concierge.gaps import FEWEST_RUNS, Fit, Gap, gaps
from skills.concierge.idle import Idle, Use, idle
from skills.concierge.patterns import patterns
from skills.matching.match import FLOOR, rank
from skills.matching.overlap import Overlap
from telemetry.contracts import TaskRun

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RED, BLUE, GREEN = "polish the red lantern", "count blue herons", "weigh green melons"


def none_fits(_: str) -> Fit:
    """A library that has nothing of any task."""
    return Fit("", 0.0, is_told=False)


def ran(
    text: str, runs: int, *, failed: int = 0, agent: str = "scout", days: int = 10, tokens: int = 1_000, skill: str = ""
) -> list[TaskRun]:
    """Runs of a task, of which the first `failed` failed, spread over some days."""
    return [
        TaskRun(
            at=NOW - timedelta(days=1 + place % days),
            text=text,
            agent=agent,
            is_well=place >= failed,
            tokens=tokens + 7 * (place % 5),
            cost_nanousd=10 * tokens,
            skills=(skill,) if skill else (),
        )
        for place in range(runs)
    ]


def found(runs: Sequence[TaskRun]) -> list[Gap]:
    return gaps(runs, patterns([run.text for run in runs]), none_fits)


def test_in_a_history_of_deleted_skills_most_gaps_that_are_told_are_theirs() -> None:
    """A seed that was tuned on: nothing is claimed by it but that the parts fit; `make bench-concierge` judges."""
    made = make(3, part="tune")
    runs, index = sorted(made.runs, key=lambda run: (run.at, run.text)), index_of(made)

    @cache
    def fit(text: str) -> Fit:
        (best,) = rank(index, text, most=1)[0] or (None,)
        return Fit(best.name, best.score, best.score >= FLOOR) if best else Fit("", 0.0, is_told=False)

    kinds = patterns([run.text for run in runs])
    members = [gap.members for gap in gaps(runs, kinds, fit)]
    assert real_among(made, members) >= 0.8 * len(members) >= 2
    without_outcomes = [TaskRun(at=run.at, text=run.text, agent=run.agent, tokens=1_000) for run in runs]
    assert gaps(without_outcomes, kinds, fit) == []


def test_the_same_tasks_make_the_same_patterns_in_any_order() -> None:
    texts = [run.text for run in make(1, part="tune").runs[:200]]
    shuffled = random.Random(7).sample(texts, len(texts))
    assert [one.words for one in patterns(texts)] == [one.words for one in patterns(shuffled)]
    first = [sorted(texts[place] for place in one.members) for one in patterns(texts)]
    assert first == [sorted(shuffled[place] for place in one.members) for one in patterns(shuffled)]


def test_tasks_that_share_no_word_are_alike_where_a_third_has_words_of_both() -> None:
    both = ["merge conflicts in branch", "lost commit in branch", "merge conflicts", "lost commit", "branch conflicts"]
    both = [*both, "commit of branch", "lost branch"] * 3
    other = ["water the roses", "prune the roses", "water the hedge", "prune the hedge"] * 3
    told = patterns([*both, *other])
    assert [sorted({[*both, *other][place] for place in one.members}) for one in told] == [
        sorted(set(both)),
        sorted(set(other)),
    ]


def test_numbers_and_digests_make_no_pattern() -> None:
    assert patterns(["4711", "2026-11-28", "", "7f3a99", "7f3a99"]) == []


@pytest.mark.parametrize(
    ("runs", "failed", "is_told"),
    [(40, 20, True), (FEWEST_RUNS, 12, True), (FEWEST_RUNS - 1, 14, False), (20, 6, False), (200, 30, False)],
)
def test_a_pattern_is_a_gap_only_where_a_bound_says_that_it_fails_more(runs: int, failed: int, is_told: bool) -> None:
    """Beside peers of which one in ten fails."""
    told = found([*ran(BLUE, 150, failed=15), *ran(GREEN, 150, failed=15), *ran(RED, runs, failed=failed)])
    assert [gap.terms[:3] for gap in told] == ([("lantern", "polish", "red")] if is_told else [])


def test_a_gap_says_what_its_failures_took_beyond_what_peers_lose() -> None:
    (gap,) = found([*ran(BLUE, 200, failed=20), *ran(RED, 40, failed=30)])
    assert (gap.runs, gap.days, gap.ended, gap.failed, gap.fails, gap.costs) == (40, 10, 40, 30, True, False)
    assert 3 < gap.expected < 6
    assert gap.saved_tokens == pytest.approx(1_014 * (30 - gap.expected), rel=0.02)
    assert gap.saved_nanousd == pytest.approx(10_000 * (30 - gap.expected), rel=0.02)
    assert gap.examples == (RED,)


def test_a_pattern_that_goes_well_and_takes_no_more_lacks_nothing() -> None:
    assert found([*ran(BLUE, 200, failed=20), *ran(RED, 60, failed=6)]) == []


def test_one_day_of_trouble_is_no_gap() -> None:
    assert found([*ran(BLUE, 200, failed=20), *ran(RED, 40, failed=30, days=2)]) == []


def test_an_agent_that_fails_whatever_it_does_makes_no_gap() -> None:
    always = [*ran(BLUE, 100, failed=70, agent="flaky"), *ran(RED, 60, failed=42, agent="flaky")]
    assert found([*ran(BLUE, 200, failed=20), *ran(GREEN, 200, failed=20), *always]) == []
    assert found([*ran(BLUE, 200, failed=20), *ran(GREEN, 200, failed=20), *ran(RED, 60, failed=42)]) != []


def test_a_pattern_that_has_its_skill_is_no_gap() -> None:
    peers = ran(BLUE, 200, failed=20)
    assert found([*peers, *ran(RED, 40, failed=30, skill="lanterns")]) == []
    runs = [*peers, *ran(RED, 40, failed=30)]

    def fits(text: str) -> Fit:
        return Fit("lanterns", 0.9, is_told=text == RED)

    assert gaps(runs, patterns([run.text for run in runs]), fits) == []


def test_a_pattern_that_takes_far_more_than_its_peers_is_a_gap() -> None:
    texts = (BLUE, GREEN, "sort pink cups", "paint teal boats", "fold grey maps")
    others = [run for text in texts for run in ran(text, 60)]
    told = found([*others, *ran(RED, 40, tokens=6_000)])
    assert [(gap.terms[0], gap.costs, gap.fails) for gap in told] == [("lantern", True, False)]
    assert told[0].times == pytest.approx(6, rel=0.1)
    assert found([*others, *ran(RED, 40, tokens=1_200)]) == []


def test_chance_is_what_the_textbooks_say() -> None:
    assert most_expected(0) == pytest.approx(2.9957, abs=1e-3)
    assert most_expected(1) == pytest.approx(4.7439, abs=1e-3)
    assert most_expected(5) == pytest.approx(10.513, abs=1e-2)
    assert tail(0, 10, share=0.5, peers=50) == pytest.approx(1)
    assert tail(8, 10, share=0.5, peers=10**9) == pytest.approx(56 / 1024, rel=1e-3)
    assert tail(8, 10, share=0.5, peers=10) > tail(8, 10, share=0.5, peers=100)


def judged_idle(*, there: float, loads: int = 0, last: float | None = None, fitting: int = 0) -> list[Idle]:
    """A skill that has been there for so many days, was loaded so often, last so many days ago, and fits so many of a
    thousand tasks."""
    use = Use(
        skill="lanterns",
        since=NOW - timedelta(days=there),
        loads=loads,
        last_at=None if last is None else NOW - timedelta(days=last),
        fitting=fitting,
        tokens=300,
    )
    return idle([use], loads=500, tasks=1_000, now=NOW)


@pytest.mark.parametrize(
    ("said", "is_flagged"),
    [
        ({"there": 54}, False),
        ({"there": 55}, True),
        ({"there": 86, "loads": 1, "last": 80}, False),
        ({"there": 88, "loads": 1, "last": 80}, True),
        ({"there": 900, "loads": 4, "last": 29}, False),
        ({"there": 900, "loads": 4, "last": 31}, True),
        ({"there": 900, "loads": 5, "last": 31}, False),
        ({"there": 90, "fitting": 30}, False),
        ({"there": 90, "fitting": 3}, True),
        ({"there": -1}, False),
    ],
)
def test_a_skill_is_flagged_only_where_a_bound_says_that_nobody_needs_it(
    said: dict[str, float], is_flagged: bool
) -> None:
    assert bool(judged_idle(**said)) == is_flagged  # type: ignore[arg-type]


def test_a_project_that_loads_no_skills_here_or_has_few_tasks_has_none_flagged() -> None:
    use = Use(skill="lanterns", since=NOW - timedelta(days=300), loads=0, last_at=None, fitting=0, tokens=1)
    assert len(idle([use], loads=20, tasks=200, now=NOW)) == 1
    assert idle([use], loads=19, tasks=200, now=NOW) == []
    assert idle([use], loads=20, tasks=199, now=NOW) == []


def test_two_skills_that_say_the_same_are_told_where_runs_paid_for_both() -> None:
    pair = Overlap("lamps", "lanterns", 0.8)
    both = [
        run.__class__(at=run.at, text=RED, tokens=1_000, cost_nanousd=5_000, skills=("lamps", "lanterns"))
        for run in ran(RED, 6)
    ]
    (told,) = doubles(
        [pair, Overlap("a", "b", 0.9)], [*both, *ran(BLUE, 9, skill="lamps")], {"lamps": 300, "lanterns": 200}
    )
    assert (told.one, told.other, told.runs, told.saved_tokens, told.saved_nanousd) == (
        "lamps",
        "lanterns",
        6,
        1_200,
        6_000,
    )
    assert doubles([pair], both[:4], {"lamps": 300, "lanterns": 200}) == []
