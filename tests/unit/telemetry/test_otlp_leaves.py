"""The guard over the spans of a trace: what bears tokens above tokens does not count, whatever the spans look like."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.dialects import gen_ai, openclaw
from telemetry.sources.otlp.leaves import Read, leaves
from tests.spans import NOON, TRACE, span


def read(span_id: str, parent_id: str = "", *, tokens: int = 1, trace: str = TRACE) -> Read:
    """A span that was read as a call of so many tokens, or as nothing where it has none."""
    one = span(trace_id=trace, span_id=span_id, parent_id=parent_id)
    return one, Call(started_at=NOON, model="m", id=span_id, output=tokens) if tokens else None


def kept(batch: Sequence[Read]) -> list[str]:
    return [record.id for record in leaves(batch) if isinstance(record, Call)]


def test_a_call_above_a_call_does_not_count() -> None:
    """mlflow #17852: 16,892 tokens were shown where 8,446 were used."""
    batch = [read("agent", tokens=8446), read("one", "agent", tokens=4000), read("two", "agent", tokens=4446)]
    assert kept(batch) == ["one", "two"]
    assert sum(record.output for record in leaves(batch) if isinstance(record, Call)) == 8446


def test_spans_without_tokens_lead_from_one_call_to_another() -> None:
    """mlflow #22746."""
    batch = [read("root"), read("chain", "root", tokens=0), read("tool", "chain", tokens=0), read("leaf", "tool")]
    assert kept(batch) == ["leaf"]


def test_a_trace_of_which_every_span_bears_tokens_counts_its_leaf() -> None:
    deep = [read("0"), *(read(str(n), str(n - 1)) for n in range(1, 5000))]
    assert kept(deep) == ["4999"]
    assert kept(deep[::-1]) == ["4999"]


def test_calls_beside_each_other_count() -> None:
    assert kept([read("root", tokens=0), read("a", "root"), read("b", "root")]) == ["a", "b"]


def test_another_trace_is_another_trace() -> None:
    other = "f" * 32
    assert kept([read("a"), read("b", "a", trace=other)]) == ["a", "b"]


def test_a_parent_that_is_not_in_the_batch_is_no_matter() -> None:
    assert kept([read("a", "missing"), read("b", "missing")]) == ["a", "b"]


def test_spans_that_name_each_other_as_parents_are_counted_not_lost() -> None:
    assert kept([read("a", "b"), read("b", "a"), read("self", "self"), read("c")]) == ["a", "b", "self", "c"]


def test_a_span_that_is_twice_in_a_batch_is_no_parent_of_itself() -> None:
    assert kept([read("a"), read("a")]) == ["a", "a"]


def test_spans_without_ids_count() -> None:
    assert kept([read("", ""), read("", "")]) == ["", ""]


def test_what_counts_stands_in_the_place_of_its_span() -> None:
    run = Execution(started_at=NOON, execution_id="r")
    batch = [read("b"), (span(span_id="x", parent_id=""), run), read("n", tokens=0), read("a", "b")]
    assert leaves(batch) == [None, run, None, read("a")[1]]


def openclaws(name: str, *, trace: str = TRACE, parent_id: str = "aaaaaaaaaaaaaaaa", tokens: int = 10) -> Read:
    attributes = {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 1}
    one = span(attributes, scope="openclaw", name=name, trace_id=trace, span_id=name[-5:], parent_id=parent_id)
    return one, openclaw.read_span(one)


def totals(batch: Sequence[Read]) -> list[int | None]:
    return [record.tokens_input for record in leaves(batch) if isinstance(record, Execution)]


def test_totals_in_a_trace_of_their_own_give_way_to_the_same_programs_calls() -> None:
    request, alone = openclaws("openclaw.model.call"), openclaws("openclaw.model.usage", trace="f" * 32, parent_id="")
    assert totals([request, alone]) == [None]
    assert totals([alone]) == [10]


def test_totals_within_a_trace_are_left_to_the_ledger() -> None:
    assert totals([openclaws("openclaw.model.call"), openclaws("openclaw.model.usage")]) == [10]


def test_totals_do_not_give_way_to_another_programs_calls() -> None:
    other = span({"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5}, resource={"service.name": "other"})
    alone = openclaws("openclaw.model.usage", trace="f" * 32, parent_id="")
    assert totals([(other, gen_ai.read_span(other)), alone]) == [10]


NAMES = st.sampled_from(("", "a", "b", "c", "d", "e", "f"))
BATCH = st.lists(st.builds(read, NAMES, NAMES, tokens=st.integers(0, 1)), max_size=12)


@given(BATCH)
def test_whatever_the_spans_say_of_their_parents_something_of_each_trace_with_calls_counts(batch: list[Read]) -> None:
    calls = [record for _, record in batch if record is not None]
    counted = [record for record in leaves(batch) if record is not None]
    assert bool(counted) == bool(calls)
    assert all(record in calls for record in counted)
