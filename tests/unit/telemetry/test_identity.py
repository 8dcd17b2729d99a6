"""A call is known by what the sender sent: same key, same id, whatever the route, the time and the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call, Execution
from telemetry.ledger.identity import call_id, execution_key, key_id

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@given(key=TEXT)
def test_an_id_has_sixteen_bytes_whatever_the_key(key: str) -> None:
    assert len(key_id(key)) == 16


@given(first=TEXT, second=TEXT)
def test_different_keys_have_different_ids(first: str, second: str) -> None:
    assert (key_id(first) == key_id(second)) == (first == second)


def test_a_call_with_an_id_is_known_by_it_alone() -> None:
    one = Call(id="req_011CXkBgc1SfpGG4qoi68iYn", started_at=NOON, model="a", output=1)
    other = Call(id="req_011CXkBgc1SfpGG4qoi68iYn", started_at=NOON + timedelta(days=1), model="b", output=9)
    assert call_id(one) == call_id(other)


def test_a_call_without_an_id_is_known_by_its_content() -> None:
    one = Call(started_at=NOON, model="a", output=1)
    assert call_id(one) == call_id(Call(started_at=NOON, model="a", output=1))
    assert call_id(one) != call_id(Call(started_at=NOON, model="a", output=2))


def test_the_same_moment_in_another_zone_is_the_same_call() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert call_id(Call(started_at=NOON, model="a")) == call_id(Call(started_at=elsewhere, model="a"))


def test_ids_keep_the_order_of_a_providers_ids_that_begin_with_time() -> None:
    keys = [f"req_011CX{letters}SfpGG4qoi68iYn" for letters in ("000", "00A", "00a", "0A0", "0Za", "A00", "a00", "zzz")]
    assert sorted(keys, key=key_id) == keys


def test_ids_made_of_content_are_in_the_order_of_time() -> None:
    calls = [Call(started_at=NOON + timedelta(milliseconds=7 * n), model="a") for n in range(50)]
    assert sorted(calls, key=call_id) == calls


def test_an_execution_is_known_by_its_id_or_by_what_makes_it_this_run() -> None:
    run = Execution(started_at=NOON, task_id="t", tool="claude_code", action="go")
    again = Execution(started_at=NOON, task_id="t", tool="claude_code", action="go", status="done", tokens_input=5)
    later = Execution(started_at=NOON + timedelta(seconds=1), task_id="t", tool="claude_code", action="go")
    assert execution_key(run) == execution_key(again) != execution_key(later)
    assert execution_key(Execution(started_at=NOON, execution_id="mine", task_id="t")) == "mine"
