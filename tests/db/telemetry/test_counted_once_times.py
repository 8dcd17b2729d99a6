"""Times that cannot be believed are set apart and counted; late ones find their partition; nothing is dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from telemetry.contracts import Call, Execution, Receipt
from telemetry.models import Execution as ExecutionRow
from telemetry.models import Quarantined
from tests.ledger_reading import NOW, new_tenant, present, rows, send, sums, sums_by_day

pytestmark = pytest.mark.usefixtures("database")
STRANGE = {
    "1970": datetime(1970, 1, 1, tzinfo=UTC),
    "the last moment before 2020": datetime(2019, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "9999": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    "9999, west of Greenwich": datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-11))),
    "the year 1, east of Greenwich": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    "in six minutes": NOW + timedelta(minutes=6),
}


def call(at: datetime, number: int = 1) -> Call:
    """A call of that time."""
    return Call(id=f"req_{number}", started_at=at, model="house-llama", input_uncached=10, output=5)


@pytest.mark.parametrize("at", STRANGE.values(), ids=STRANGE)
def test_a_time_that_cannot_be_is_kept_once_and_in_no_sum(at: datetime) -> None:
    tenant = new_tenant()
    assert [send(tenant, [call(at)]) for _ in range(3)] == [Receipt(quarantined=1)] * 3
    [kept] = Quarantined.objects.filter(project_id=tenant)
    assert kept.record["id"] == "req_1"
    assert kept.reason == ("its time is before 2020" if at.year < 2020 else "its time is more than 5 minutes ahead")
    assert rows(tenant) == []
    assert sums(tenant).calls == 0


@pytest.mark.parametrize("at", STRANGE.values(), ids=STRANGE)
def test_an_execution_of_a_time_that_cannot_be_is_set_apart_with_its_totals(at: datetime) -> None:
    tenant = new_tenant()
    assert send(tenant, executions=[Execution(started_at=at, task_id="t", tokens_input=9)]) == Receipt(quarantined=1)
    assert Quarantined.objects.filter(project_id=tenant).count() == 1
    assert not ExecutionRow.objects.filter(project_id=tenant).exists()
    assert rows(tenant) == []


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    tenant = new_tenant()
    assert send(tenant, [call(NOW + timedelta(minutes=5))]) == Receipt(accepted=1)
    assert send(tenant, [call(datetime(2020, 1, 1, tzinfo=UTC), number=2)]) == Receipt(accepted=1)


@pytest.mark.parametrize("back", [timedelta(0), timedelta(days=1), timedelta(days=89), timedelta(days=100)])
def test_a_late_call_lives_in_the_partition_of_its_own_day(back: timedelta) -> None:
    tenant, at = new_tenant(), NOW - back
    assert send(tenant, [call(at)]).accepted == 1
    [row] = rows(tenant)
    assert row["partition"] in (f"telemetry_call_d{at:%Y%m%d}", f"telemetry_call_m{at:%Y%m}")
    assert [day.key for day in sums_by_day(tenant)] == [at.date().isoformat()]


def test_very_late_calls_share_a_partition_of_their_month() -> None:
    tenant = new_tenant()
    late = [call(datetime(2021, 3, day, 23, 59, 59, tzinfo=UTC), number=day) for day in range(1, 32)]
    assert send(tenant, late).accepted == 31
    assert {row["partition"] for row in rows(tenant)} == {"telemetry_call_m202103"}


def test_a_call_at_midnight_belongs_to_the_day_that_begins() -> None:
    tenant, midnight = new_tenant(), datetime(2026, 11, 19, tzinfo=UTC)
    send(tenant, [call(midnight), call(midnight - timedelta(microseconds=1), number=2)])
    assert [row["partition"][-8:] for row in rows(tenant)] == ["20261119", "20261118"]


def test_everything_sent_is_stored_known_set_apart_or_refused() -> None:
    tenant, uncountable = new_tenant(), 2**53
    good = [call(NOW - timedelta(days=back), number=back) for back in range(7)]
    strange = [call(at, number=100 + number) for number, at in enumerate(STRANGE.values())]
    dear = replace(call(NOW, number=200), model="claude-opus-4-5", output=uncountable)
    receipt = send(tenant, [*good[:4], dear, *strange, *good[2:]])
    assert (receipt.accepted, receipt.duplicates, receipt.quarantined) == (7, 2, 6)
    assert [(refused.index, refused.id) for refused in receipt.rejected] == [(4, "req_200")]
    assert set(present(tenant)) == {one.id for one in good}
    assert Quarantined.objects.filter(project_id=tenant).count() == 6
