"""The rollups are the sums of calls and executions, whatever way these came, changed and went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from telemetry.contracts import Call, Execution, MeterReading
from telemetry.database import connection
from telemetry.ledger.meters import record_readings
from telemetry.ledger.repricing import reprice
from telemetry.models import Dirty, Minute, PriceOverride, Project
from telemetry.series.rollups import fold_due
from tests.ledger_reading import NOW, new_tenant, send
from tests.rollup_reading import KEPT, counted, fold, folded, total

pytestmark = pytest.mark.usefixtures("database")
HOUR = timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=40)


def call(name: str = "one", at: datetime = NOW - HOUR, **changes: Any) -> Call:
    """A call with something in every sum."""
    known = Call(
        id=name, started_at=at, model="gpt-5", provider="openai", input_uncached=1_000, cache_read=300, output=70,
        reasoning=20, cost_usd=Decimal("0.25"), duration_ms=1_234, agent="builder", session_id="s-1", error_type="",
    )  # fmt: skip
    return replace(known, **changes)


def assert_exact(tenant: int, zone: str = "UTC") -> None:
    """Fold, and compare every row with what a reading of all calls gives."""
    fold(tenant)
    assert not Dirty.objects.filter(project_id=tenant).exists()
    assert folded(tenant) == counted(tenant, zone)


@pytest.mark.parametrize("at", [NOW - HOUR, LONG_AGO], ids=["of-today", "of-long-ago"])
def test_a_call_is_in_every_rollup(at: datetime) -> None:
    tenant = new_tenant()
    send(tenant, [call(at=at), call("two", at + timedelta(seconds=70), model="local", cost_usd=None, error_type="429")])
    assert_exact(tenant)
    assert [total(tenant, table)["calls"] for table in KEPT if table != "session"] == [2] * 6
    assert total(tenant, "1d")["input_uncached"] == 2_000
    assert (total(tenant, "1d")["failed_calls"], total(tenant, "1d")["unpriced_calls"]) == (1, 1)


@pytest.mark.parametrize("at", [NOW - HOUR, LONG_AGO], ids=["of-today", "of-long-ago"])
def test_a_fuller_copy_changes_the_minute_in_which_the_call_lives(at: datetime) -> None:
    tenant = new_tenant()
    send(tenant, [call(at=at)])
    fold(tenant)
    send(tenant, [call(at=at + timedelta(minutes=40), output=900)])
    assert_exact(tenant)
    assert (total(tenant, "15m")["calls"], total(tenant, "15m")["output"]) == (1, 900)


def test_a_copy_that_only_brings_a_label_moves_the_call_to_another_series() -> None:
    tenant = new_tenant()
    send(tenant, [call(agent="", session_id="")])
    fold(tenant)
    send(tenant, [call(agent="builder", session_id="s-9")])
    assert_exact(tenant)


def test_a_duplicate_changes_nothing() -> None:
    tenant = new_tenant()
    send(tenant, [call()])
    fold(tenant)
    send(tenant, [call(at=NOW)])
    assert not Dirty.objects.filter(project_id=tenant).exists()
    assert_exact(tenant)


def test_two_calls_that_turn_out_to_be_one_change_the_minutes_of_both() -> None:
    tenant = new_tenant()
    send(tenant, [call("left", NOW - HOUR)])
    send(tenant, [call("right", NOW - 2 * HOUR, output=500)])
    fold(tenant)
    send(tenant, [call("bridge", NOW - 3 * HOUR, aliases=("left", "right"))])
    assert_exact(tenant)
    assert (total(tenant, "15m")["calls"], total(tenant, "15m")["output"]) == (1, 500)


RUN = Execution(
    execution_id="run", started_at=NOW - HOUR, model="local", tokens_input=500, tokens_output=60, agent="builder",
    session_id="s-1", execution_time=30.0, status="started",
)  # fmt: skip


def test_totals_are_summed_until_they_give_way_to_calls() -> None:
    tenant = new_tenant()
    send(tenant, executions=[RUN])
    assert_exact(tenant)
    assert (total(tenant, "15m")["calls"], total(tenant, "15m")["executions"]) == (1, 1)
    send(tenant, [call(at=NOW, execution_id="run", session_id="")])
    assert_exact(tenant)
    assert (total(tenant, "15m")["calls"], total(tenant, "15m")["output"]) == (1, 70)


def test_totals_give_way_to_a_call_of_their_session() -> None:
    tenant = new_tenant()
    send(tenant, executions=[RUN])
    fold(tenant)
    send(tenant, [call(at=RUN.started_at + timedelta(seconds=15))])
    assert_exact(tenant)
    assert total(tenant, "15m")["calls"] == 1


def test_an_execution_that_began_earlier_than_was_known_moves() -> None:
    tenant, run = new_tenant(), replace(RUN, tokens_input=None, tokens_output=None)
    send(tenant, executions=[run])
    fold(tenant)
    send(tenant, executions=[replace(run, started_at=NOW - 5 * HOUR)])
    assert_exact(tenant)
    assert total(tenant, "15m")["executions"] == 1


def test_totals_that_give_way_are_taken_from_where_they_were_before_their_execution_moved() -> None:
    tenant = new_tenant()
    send(tenant, executions=[RUN])
    send(tenant, executions=[replace(RUN, started_at=NOW - 5 * HOUR)])
    fold(tenant)
    send(tenant, [call(at=NOW, execution_id="run", session_id="")])
    assert_exact(tenant)
    assert (total(tenant, "15m")["calls"], total(tenant, "15m")["output"]) == (1, 70)


def test_an_execution_that_fails_later_than_it_began_is_found_where_it_began() -> None:
    tenant = new_tenant()
    send(tenant, executions=[RUN])
    fold(tenant)
    send(tenant, executions=[replace(RUN, started_at=NOW, status="failed")])
    assert_exact(tenant)
    assert (total(tenant, "1d")["executions"], total(tenant, "1d")["failed_executions"]) == (1, 1)


def test_an_execution_that_only_its_calls_name_counts_where_the_first_that_names_it_was() -> None:
    tenant = new_tenant()
    send(tenant, [call(at=NOW - HOUR)])
    fold(tenant)
    send(tenant, [call(at=NOW - 3 * HOUR, execution_id="run")])  # the copy names it, the call lives elsewhere
    assert_exact(tenant)
    assert total(tenant, "15m")["executions"] == 1


def test_counters_are_summed_as_the_call_that_stands_for_them_and_are_no_execution() -> None:
    tenant = new_tenant()
    reading = MeterReading(
        series="a", session_id="s-1", model="gpt-5", agent="builder", bucket="input", started_at=NOW - HOUR,
        at=NOW - HOUR / 2, value=400, is_delta=False,
    )  # fmt: skip
    for value in (400, 900):
        record_readings(
            connection(), project_id=tenant, readings=[replace(reading, value=value)], source="otlp", now=NOW
        )
        assert_exact(tenant)
    assert (total(tenant, "15m")["input_uncached"], total(tenant, "15m")["executions"]) == (900, 0)
    send(tenant, [call(at=NOW - timedelta(minutes=45))])
    assert_exact(tenant)


def test_a_new_price_changes_the_minutes_of_the_calls_that_it_prices(project: Project) -> None:
    send(project.pk, [call(model="own-model", cost_usd=None), call("two", LONG_AGO, model="own-model", cost_usd=None)])
    fold(project.pk)
    assert total(project.pk, "1d")["unpriced_calls"] == 2
    PriceOverride.objects.create(project=project, model="own-model", input_usd=Decimal(2), output_usd=Decimal(10))
    for _ in reprice(connection(), project_id=project.pk, start=LONG_AGO - HOUR, end=NOW):
        pass
    assert_exact(project.pk)
    assert total(project.pk, "1d")["unpriced_calls"] == 0
    assert total(project.pk, "1d")["cost_nanousd"] > 0


def test_what_is_set_apart_or_refused_is_in_no_rollup() -> None:
    tenant = new_tenant()
    send(tenant, [call(at=datetime(2019, 1, 1, tzinfo=UTC)), call("two", cost_usd=Decimal(10**9))])
    assert_exact(tenant)
    assert folded(tenant)["15m"] == {}


def test_absurd_counts_stay_at_the_largest_sum_that_can_be_stored() -> None:
    tenant = new_tenant()
    huge = call(model="local", cost_usd=None, output=2**53)
    calls = [replace(huge, id=f"{n}", started_at=NOW - HOUR + n * timedelta(milliseconds=1)) for n in range(1_025)]
    send(tenant, calls)
    fold(tenant)
    assert total(tenant, "1d")["output"] == 2**63 - 1
    assert total(tenant, "1d")["calls"] == 1_025


def test_labels_longer_than_an_index_can_hold_are_summed() -> None:
    tenant = new_tenant()
    texts = {name: "".join(chr(0x4E00 + (n * 7919 + len(name)) % 20_000) for n in range(200)) for name in ("a", "bb")}
    names = ("agent", "host", "session_type", "task_type", "tier", "session_id")
    labels: dict[str, Any] = dict.fromkeys(names, texts["a"])
    send(tenant, [call(**labels), call("two", **{**labels, "tier": texts["bb"]})])
    assert_exact(tenant)


def test_folding_again_changes_nothing() -> None:
    tenant = new_tenant()
    send(tenant, [call(), call("two", LONG_AGO)], executions=[RUN])
    fold(tenant)
    before = folded(tenant)
    for number in range(3):
        send(tenant, [call(f"new-{number}", NOW - 9 * HOUR)])
        fold(tenant)
    later = folded(tenant)
    assert {key: row for key, row in later["15m"].items() if key[0] != NOW - 9 * HOUR} == before["15m"]
    assert_exact(tenant)


def test_a_fold_leaves_rows_alone_of_which_nothing_changed() -> None:
    """Else the thousands of sessions of a day would be written anew every few seconds."""

    def versions() -> dict[str, str]:
        query = "SELECT session_id, xmin::text FROM telemetry_rollup_session_1d WHERE project_id = %s"
        return dict(connection().execute(query, [tenant]).fetchall())

    tenant = new_tenant()
    send(tenant, [call(), call("two", session_id="s-2", model="local")])
    fold(tenant)
    before = versions()
    send(tenant, [call("three", NOW - HOUR + timedelta(minutes=2), session_id="s-2")])
    assert_exact(tenant)
    assert before["s-1"] == versions()["s-1"]
    assert before["s-2"] != versions()["s-2"]


def test_minutes_are_forgotten_after_days_and_late_calls_are_still_exact() -> None:
    tenant = new_tenant()
    send(tenant, [call(), call("two", NOW - HOUR + timedelta(minutes=7))])
    fold(tenant)
    assert Minute.objects.filter(project_id=tenant).count() == 2
    later = NOW + timedelta(days=5)
    send(tenant, [call("late", NOW - HOUR + timedelta(minutes=9))], now=later)
    fold(tenant, now=later)
    assert not Minute.objects.filter(project_id=tenant).exists()
    assert folded(tenant) == counted(tenant)


@pytest.mark.usefixtures("nothing_waits")
def test_minutes_of_an_idle_project_are_forgotten_by_the_beat(project: Project) -> None:
    send(project.pk, [call()])
    fold(project.pk)
    fold_due(connection(), now=NOW + timedelta(days=5))
    assert not Minute.objects.filter(project_id=project.pk).exists()
    assert folded(project.pk) == counted(project.pk)


def test_a_clock_that_was_ahead_for_a_while_costs_no_call() -> None:
    """Minutes were forgotten, and the next fold thinks that it is within days of them."""
    tenant = new_tenant()
    send(tenant, [call()])
    fold(tenant, now=NOW + timedelta(days=30))
    send(tenant, [call("two", NOW - HOUR + timedelta(minutes=3))])
    assert_exact(tenant)
    assert total(tenant, "15m")["calls"] == 2
