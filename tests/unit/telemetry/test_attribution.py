"""Which objective work counts towards: who has it, what late words change, and that nothing is lost or is twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.limits.attribution import (
    NOTHING,
    WHOLE,
    Book,
    Found,
    Link,
    Rule,
    Spelled,
    Stands,
    Target,
    Valid,
    Work,
    matches,
    overfull,
    split,
)
from telemetry.limits.spending import NO_USE, Left, Spend, Sums, Used, distribute

FIRST = date(2026, 11, 1)
EVER = Valid(None, None, FIRST)
DAY = timedelta(days=1)
O1, O2 = Target(1, 11), Target(2, 21)


def named(kind: str, name: str, target: Target = O1, parts: int = WHOLE, valid: Valid = EVER) -> Link:
    return Link(kind, name, target, parts, valid)  # type: ignore[arg-type]


def ruled(rule: Rule, target: Target = O1, parts: int = WHOLE, valid: Valid = EVER) -> Link:
    return Link("rule", "", target, parts, valid, rule)


def work(day: date = FIRST, **said: str) -> Work:
    return Work(day, **said)


def test_the_first_that_says_anything_has_it_alone() -> None:
    rungs = (
        named("run", "r", Target(1)),
        named("tag", "kr", Target(2)),
        named("work_item", "T-1", Target(3)),
        named("work_item", "EPIC", Target(4)),
        ruled(Rule(agent="builder"), Target(5)),
    )
    stands = (Stands("T-1", "EPIC", EVER),)
    asked = work(run="r", tag="kr", task="T-1", agent="builder")
    met = [Book(rungs[place:], stands).find(asked) for place in range(6)]
    assert [found.level for found in met] == ["run", "tag", "work item", "parent", "rule", "none"]
    assert [found.shares for found in met[:5]] == [((Target(number), WHOLE),) for number in range(1, 6)]


def test_one_key_result_by_five_ways_gets_its_share_once() -> None:
    share = 6_000
    book = Book(
        (
            named("run", "r", O1, share),
            named("tag", "kr", O1, share),
            named("work_item", "T-1", O1, share),
            named("work_item", "EPIC", O1, share),
            ruled(Rule(agent="builder"), O1, share),
        ),
        (Stands("T-1", "EPIC", EVER),),
        (Spelled("kr", O1, FIRST),),
    )
    assert split(100, book.find(work(run="r", tag="kr", task="T-1", agent="builder"))) == ([(O1, 60)], 40)


def test_a_tag_may_spell_a_key_or_a_work_item_and_an_attribution_of_the_tag_comes_first() -> None:
    spelled = (Spelled("O1-KR1", O1, FIRST),)
    assert Book((), (), spelled).find(work(tag="O1-KR1")) == Found("tag", ((O1, WHOLE),))
    assert Book((named("tag", "O1-KR1", O2),), (), spelled).find(work(tag="O1-KR1")).shares == ((O2, WHOLE),)
    assert Book((named("work_item", "T-1"),)).find(work(tag="T-1")).level == "work item"
    assert Book((), (Stands("T-1", "O1-KR1", EVER),), spelled).find(work(task="T-1")).level == "parent"


def test_the_rule_that_asks_for_more_comes_first_and_the_longer_pattern_of_two() -> None:
    book = Book(
        (
            ruled(Rule(agent="builder"), Target(1)),
            ruled(Rule(agent="builder", task_type="fix"), Target(2)),
            ruled(Rule(pattern="release-*"), Target(3)),
            ruled(Rule(pattern="release-notes-*"), Target(4)),
        )
    )
    assert book.find(work(agent="builder", task_type="fix")).shares == ((Target(2), WHOLE),)
    assert book.find(work(agent="builder", task_type="docs")).shares == ((Target(1), WHOLE),)
    assert book.find(work(task="release-notes-4")).shares == ((Target(4), WHOLE),)
    assert book.find(work(task="release-4")).shares == ((Target(3), WHOLE),)
    assert book.find(work(task="prerelease-4")) == NOTHING


def test_an_item_that_moved_counts_where_it_stood_on_the_day() -> None:
    moved = FIRST + 10 * DAY
    book = Book(
        (named("work_item", "A", O1), named("work_item", "B", O2)),
        (Stands("T", "A", Valid(None, moved - DAY, FIRST)), Stands("T", "B", Valid(moved, None, moved))),
    )
    assert book.find(work(moved - DAY, task="T")).shares == ((O1, WHOLE),)
    assert book.find(work(moved, task="T")).shares == ((O2, WHOLE),)


def test_items_that_stand_in_a_ring_are_gone_around_once() -> None:
    ring = (Stands("A", "B", EVER), Stands("B", "C", EVER), Stands("C", "A", EVER))
    assert Book((), ring).find(work(task="A")) == NOTHING
    assert Book((named("work_item", "C"),), ring).find(work(task="A")).level == "parent"


def test_what_was_said_later_has_only_what_nothing_had_by_then() -> None:
    later = FIRST + 10 * DAY
    late = Valid(None, None, later)
    book = Book((ruled(Rule(agent="builder"), O1), named("tag", "kr", O2, valid=late)))
    assert book.find(work(FIRST, tag="kr", agent="builder")).shares == ((O1, WHOLE),)
    assert book.find(work(FIRST, tag="kr", agent="other")).shares == ((O2, WHOLE),)
    assert book.find(work(later, tag="kr", agent="builder")).shares == ((O2, WHOLE),)


@pytest.mark.parametrize(
    ("pattern", "text", "is_like"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*b*c", "a-b-c", True),
        ("a*c*b*d", "a-b-c-d", False),
        ("a.c", "abc", False),
        ("*" * 100 + "x", "y" * 200, False),
    ],
)
def test_a_star_stands_for_anything_and_nothing_else_does(pattern: str, text: str, *, is_like: bool) -> None:
    assert matches(pattern, text) is is_like


def test_shares_that_exceed_the_whole_on_any_day_are_found() -> None:
    assert overfull([(None, None, 6_000), (FIRST, None, 4_000)]) is None
    assert overfull([(None, FIRST, 6_000), (FIRST, None, 6_000)]) == FIRST
    assert overfull([(None, FIRST - DAY, 6_000), (FIRST, None, 6_000)]) is None
    assert overfull([(None, None, 6_000), (None, FIRST, 6_000)]) == date.min


names = st.sampled_from(("", "a", "b", "c", "d"))
days = st.integers(0, 9).map(lambda number: FIRST + number * DAY)
targets = st.builds(Target, st.integers(1, 3), st.integers(0, 3))
spans = st.builds(
    lambda ends, recorded_on: Valid(min(ends), max(ends), recorded_on), st.tuples(days, days), days
) | st.builds(Valid, st.none(), st.none() | days, days)
rules = st.builds(Rule, names, names, st.sampled_from(("", "a*", "*b", "*"))).filter(any)
links = st.builds(
    Link, st.sampled_from(("run", "tag", "work_item")), names.filter(bool), targets, st.integers(1, WHOLE), spans
) | st.builds(Link, st.just("rule"), st.just(""), targets, st.integers(1, WHOLE), spans, rules)
stands = st.builds(Stands, names.filter(bool), names, spans)
spelled = st.builds(Spelled, names.filter(bool), targets, days)
graphs = st.tuples(st.lists(links, max_size=8), st.lists(stands, max_size=8), st.lists(spelled, max_size=3))
amounts = st.integers(0, 2**62)
uses = st.builds(
    lambda day, run, tag, task, task_type, agent, numbers, is_loose: Used(
        datetime.combine(day, datetime.min.time(), UTC),
        Work(day, run, tag, task, task_type, agent),
        Sums(1, 1, 0, 2, 0, *numbers),
        is_loose,
    ),
    *(days, names, names, names, names, names, st.tuples(amounts, amounts, amounts), st.booleans()),
)


@settings(max_examples=40, deadline=None)
@given(graph=graphs, used=st.lists(uses, max_size=8))
def test_every_token_and_nano_dollar_is_in_one_place_whatever_the_links(
    graph: tuple[list[Link], list[Stands], list[Spelled]], used: list[Used]
) -> None:
    spend = distribute(used, Book(*graph))
    for name in ("cost_nanousd", "tokens", "tokens_wasted"):
        sent = sum(getattr(one.sums, name) for one in used)
        parts = [getattr(sums, name) for sums in spend.by_target.values()]
        assert sum(parts) == getattr(spend.total, name) == sent
        assert min(parts, default=0) >= 0
    assert sum(spend.by_slice.values()) == spend.total.cost_nanousd
    assert sum(sums.cost_nanousd for sums in spend.by_level.values()) == spend.total.cost_nanousd
    left = sum(sums.cost_nanousd for sums in spend.left.values())
    assert left == spend.by_level.get("none", NO_USE).cost_nanousd <= spend.unattributed.cost_nanousd


@settings(max_examples=25, deadline=None)
@given(graph=graphs, used=st.lists(uses, max_size=8), order=st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_said_and_done_changes_nothing(
    graph: tuple[list[Link], list[Stands], list[Spelled]], used: list[Used], order: object
) -> None:
    first = distribute(used, Book(*graph))
    for some in (graph[0], used):
        order.shuffle(some)  # type: ignore[attr-defined]
    again = distribute(used, Book(*graph))
    assert (again.by_target, again.by_slice) == (first.by_target, first.by_slice)


@settings(max_examples=40, deadline=None)
@given(graph=graphs, used=st.lists(uses, max_size=8), on=days, more=st.lists(links, max_size=4), data=st.data())
def test_what_is_said_or_weighed_anew_on_a_day_moves_nothing_that_was_attributed_before(
    graph: tuple[list[Link], list[Stands], list[Spelled]],
    used: list[Used],
    on: date,
    more: list[Link],
    data: st.DataObject,
) -> None:
    said = [link for link in graph[0] if link.valid.recorded_on < on]
    where = [one for one in graph[1] if one.valid.recorded_on < on]
    keys = [one for one in graph[2] if one.recorded_on < on]
    before = Book(said, where, keys)
    after = Book([*_reweighed(said, on, data), *(_recorded(link, on) for link in more)], where, keys)
    for one in used:
        if one.work.day < on and _in_time(before, one.work):
            assert after.find(one.work) == before.find(one.work)


def _reweighed(said: list[Link], on: date, data: st.DataObject) -> list[Link]:
    """Each link with another weight from a day on, as the editor writes that."""
    found = []
    for link in said:
        valid = link.valid
        if (valid.last is None or valid.last >= on) and (valid.first is None or valid.first < on):
            found.append(replace(link, valid=replace(valid, last=on - DAY)))
            found.append(replace(link, parts=data.draw(st.integers(1, WHOLE)), valid=Valid(on, valid.last, on)))
        else:
            found.append(link)
    return found


def _recorded(link: Link, on: date) -> Link:
    return replace(link, valid=replace(link.valid, recorded_on=on))


def _in_time(book: Book, asked: Work) -> bool:
    """Whether something that was said by then attributes it."""
    by_then = Book(
        [link for link in book.links if link.valid.recorded_on <= asked.day],
        [one for one in book.stands if one.valid.recorded_on <= asked.day],
        [one for one in book.spelled if one.recorded_on <= asked.day],
    )
    return by_then.find(asked) != NOTHING


def test_runs_are_counted_for_each_and_unattributed_only_where_nothing_names_them() -> None:
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    book = Book((named("tag", "kr", O1, 3_333), named("tag", "kr", O2, 3_333)))
    spend = distribute(
        [
            Used(noon, work(tag="kr"), Sums(2, 1, 1, 4, 0, 1_000, 0, 100)),
            Used(noon, work(agent="idle"), Sums(1, 0, 0, 1, 1, 10, 0, 7), is_loose=True),
        ],
        book,
    )
    assert spend.by_target == {
        O1: Sums(2, 1, 1, 4, 0, 333, 0, 33),
        O2: Sums(2, 1, 1, 4, 0, 333, 0, 33),
        None: Sums(1, 0, 0, 1, 1, 10 + 334, 0, 7 + 34),
    }
    assert spend.left == {Left("", "", "idle", True): Sums(1, 0, 0, 1, 1, 10, 0, 7)}
    assert spend.by_slice == {(noon, 1): 33, (noon, 2): 33, (noon, None): 41}
    assert (spend.attributed_nanousd, spend.of(1).cost_nanousd) == (66, 33)
    assert Spend().unattributed == NO_USE
