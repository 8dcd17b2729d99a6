"""The checker of the fault tests can fail: each kind of harm is seen, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.checker import BrokenHistory, Note, Outcome, check

events = st.sampled_from("abcdef")
ends: st.SearchStrategy[Outcome] = st.sampled_from(["ok", "fail", "unknown"])


def sent(event: str, *outcomes: Outcome) -> list[Note]:
    """What a client notes of one event."""
    return [("invoke", event), *((outcome, event) for outcome in outcomes)]


def test_an_acknowledged_event_that_is_there_once_is_well() -> None:
    assert check(sent("a", "ok"), {"a": 1})


def test_an_acknowledged_event_that_is_not_there_is_lost() -> None:
    verdict = check(sent("a", "ok") + sent("b", "ok"), {"b": 1})
    assert verdict.lost == {"a"}
    assert not verdict
    assert str(verdict) == "LOST=1 DUP=0 PHANTOM=0 TORN=0"


def test_an_event_that_was_acknowledged_once_among_failures_is_lost_when_it_is_not_there() -> None:
    assert check(sent("a", "unknown", "ok", "unknown"), {}).lost == {"a"}
    assert check(sent("a", "ok"), {"a": 0}).lost == {"a"}


@pytest.mark.parametrize("outcome", ["ok", "unknown", "fail"])
def test_an_event_that_is_there_twice_is_a_duplicate_however_it_ended(outcome: Outcome) -> None:
    assert check(sent("a", outcome), {"a": 2}).dup == {"a"}


@pytest.mark.parametrize("times", [0, 1])
def test_an_event_without_an_answer_may_be_there_or_not(times: int) -> None:
    assert check(sent("a", "unknown"), {"a": times})
    assert check(sent("a"), {"a": times}).phantom == frozenset()


def test_an_event_that_nobody_sent_is_a_phantom() -> None:
    assert check(sent("a", "ok"), {"a": 1, "b": 1}).phantom == {"b"}


def test_an_event_that_was_only_refused_is_a_phantom_when_it_is_there() -> None:
    assert check(sent("a", "fail"), {"a": 1}).phantom == {"a"}
    assert check(sent("a", "fail", "unknown"), {"a": 1})


def test_a_batch_of_which_a_part_is_there_is_torn() -> None:
    history = sent("a", "unknown") + sent("b", "unknown")
    assert check(history, {"a": 1}, batches={"batch": ["a", "b"]}).torn == {"batch"}
    assert check(history, {"a": 1, "b": 1}, batches={"batch": ["a", "b"]})
    assert check(history, {}, batches={"batch": ["a", "b"]})


def test_a_history_that_ends_what_it_never_began_is_refused() -> None:
    with pytest.raises(BrokenHistory, match="a ended"):
        check([("ok", "a")], {"a": 1})


@given(st.lists(st.tuples(events, st.lists(ends, max_size=4))), st.dictionaries(events, st.integers(0, 3)))
def test_every_event_is_well_or_has_exactly_one_kind_of_harm_that_its_presence_allows(
    attempts: list[tuple[str, list[Outcome]]], present: dict[str, int]
) -> None:
    verdict = check([note for event, outcomes in attempts for note in sent(event, *outcomes)], present)
    assert not verdict.lost & (verdict.dup | verdict.phantom)
    assert all(present.get(event, 0) == 0 for event in verdict.lost)
    assert verdict.dup == {event for event, times in present.items() if times > 1}
    assert bool(verdict) is not bool(verdict.lost | verdict.dup | verdict.phantom)
