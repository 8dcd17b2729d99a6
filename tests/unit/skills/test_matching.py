"""Which skills a task needs: the plan's example to the letter, abstention, reasons, and a set held to its figures."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.skills_retrieval import catalogue, judge, judged_by, tasks_of
from benchmarks.skills_retrieval import skills as every
from skills.matching.index import Index, entry
from skills.matching.match import MOST, Past, match, rank
from skills.matching.overlap import overlaps
from skills.matching.words import words_of


def index_of(**skills: str) -> Index:
    """Skills by name with dots for hyphens, each with `tag tag: what it says`."""
    told = [(name.replace("_", "-"), *said.split(":")) for name, said in skills.items()]
    return Index([entry(name=name, tags=tags.split(), description=text, body=text) for name, tags, text in told])


def names(index: Index, task: str, **said: dict[str, Past]) -> list[str]:
    return [one.name for one in match(index, task, **said).matches]


@pytest.fixture(scope="module")
def ours() -> Index:
    return Index([entry(**skill) for skill in catalogue()])


def test_the_plans_example_is_matched_to_the_letter(ours: Index) -> None:
    found = match(ours, "Analyze database performance")
    assert found.tags == ("database", "performance", "monitoring")
    assert [one.name for one in found.matches] == ["aria-database", "aria-health"]
    database, health = (one.reason for one in found.matches)
    assert (database.tags, database.terms[1:]) == (
        ("database", "performance", "monitoring"),
        ("database", "performance"),
    )
    assert (health.tags, health.terms) == (("performance", "monitoring"), ("database", "performance"))


@pytest.mark.parametrize("task", ["", "   ", "the of and", "🙂", "xyzzy plugh", "What is a good recipe for lasagne?"])
def test_where_a_match_would_be_a_guess_there_is_none(ours: Index, task: str) -> None:
    assert names(ours, task) == []


def test_a_word_that_only_the_body_has_finds_its_skill(ours: Index) -> None:
    assert names(ours, "pg_stat_activity shows idle in transaction")[0] == "aria-database"


def test_words_are_one_in_all_their_forms_and_where_they_are_spelled_alike() -> None:
    assert words_of("Queries, querying; QUERIED the query's") == ["queri"] * 4
    index = index_of(sort="sorting: Organise letters by colour", other="music: Play the trumpet")
    assert names(index, "organize colored letters") == ["sort"]


def test_a_tag_goes_with_another_where_most_that_bear_the_one_bear_it_too() -> None:
    index = index_of(
        a="disk storage: Fast reads", b="disk storage: Slow writes", c="storage: Where boxes stand", d="tape: Old reels"
    )
    assert match(index, "disk").tags == ("disk", "storage")
    assert match(index, "tape").tags == ("tape",)


def test_of_two_alike_the_one_whose_runs_ended_well_comes_first_and_few_runs_change_little() -> None:
    index = index_of(alpha="deploy: Ship it", beta="deploy: Ship it", gamma="other: Paint walls")
    assert names(index, "ship it") == ["alpha", "beta"]
    past = {"alpha": Past(200, 80), "beta": Past(200, 180)}
    assert names(index, "ship it", history=past) == ["beta", "alpha"]
    reason = match(index, "ship it", history=past).matches[0].reason
    assert reason.past == Past(200, 180)
    assert reason.usual == pytest.approx(0.65)
    assert 0.85 < (reason.success or 0) < 0.9
    plain, few = (rank(index, "ship it", history=said)[0] for said in ({}, {"alpha": Past(1, 0), "beta": Past(99, 60)}))
    assert abs(next(one.score for one in few if one.name == "alpha") / plain[0].score - 1) < 0.02


def test_no_success_brings_a_skill_that_has_nothing_of_the_task() -> None:
    index = index_of(alpha="deploy: Ship it", gamma="other: Paint walls")
    assert names(index, "ship it", history={"gamma": Past(500, 500), "alpha": Past(500, 5)}) == ["alpha"]


def test_two_skills_that_say_much_the_same_are_told_and_others_are_not() -> None:
    assert overlaps(Index([entry(**skill) for skill in every()])) == [], "of forty that are about different things"
    logs = next(skill for skill in every() if skill["name"] == "aria-logs")
    words = logs["body"].split()
    body = " ".join("otherwise" if place % 4 == 0 else word for place, word in enumerate(words))
    copy = entry(name="log-reader", tags=["logs"], description="Reads log files to find errors.", body=body)
    (found,) = overlaps(Index([*(entry(**skill) for skill in every()), copy]))
    assert (found.one, found.other) == ("aria-logs", "log-reader")
    assert 0.4 < found.alike < 0.95


@given(st.lists(st.text(max_size=200), max_size=8), st.text(max_size=300))
def test_whatever_is_asked_the_answer_is_bounded_ordered_and_the_same_again(bodies: list[str], task: str) -> None:
    skills = [entry(name=f"s{n}", tags=["t"], description=body[:50], body=body) for n, body in enumerate(bodies)]
    found = match(Index(skills), task)
    scores = [one.score for one in found.matches]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) <= MOST
    random.Random(1).shuffle(skills)
    assert match(Index(skills), task).matches == found.matches


def test_on_tasks_that_nothing_was_tuned_on_it_finds_more_than_tags_and_than_bm25() -> None:
    tasks = tasks_of("held")
    assert len(tasks) >= 75
    assert sum(not task.skills for task in tasks) >= 15
    told = {name: judged_by(name, tasks) for name in ("tags", "bm25", "ours")}
    assert told["ours"].hit_1 >= 0.88 > 0.8 > told["bm25"].hit_1 > told["tags"].hit_1
    assert told["ours"].hit_5 >= 0.98 > 0.92 > told["bm25"].hit_5 > told["tags"].hit_5
    answered = judge(tasks)
    assert answered.abstention_precision >= 0.7
    assert answered.precision >= 0.7
