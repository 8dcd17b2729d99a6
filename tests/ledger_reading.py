"""What tests of the ledger share: tenants of their own, what the tables hold for one, and work done at once."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from django.db import connections
from psycopg import Connection

from telemetry.contracts import Call, Execution, Receipt, UsageRow
from telemetry.database import connection
from telemetry.ledger.ingest import ingest
from telemetry.models import Execution as ExecutionRow
from telemetry.series.queries import usage_days, usage_total
from telemetry.series.rollups import catch_up
from telemetry.series.window import by_days

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVER = by_days(date(2020, 1, 1), date(2027, 12, 31), zone="UTC")
Made = TypeVar("Made")


def new_tenant() -> int:
    """The id of a project that nobody else uses; the ledger's tables do not ask whether it has a row."""
    return secrets.randbelow(2**62)


def send(
    tenant: int,
    calls: Sequence[Call] = (),
    *,
    executions: Sequence[Execution] = (),
    source: str = "test",
    now: datetime = NOW,
) -> Receipt:
    """Store a batch; every item of it is accounted for."""
    receipt = ingest(connection(), project_id=tenant, calls=calls, executions=executions, source=source, now=now)
    stored = receipt.accepted + receipt.duplicates + receipt.quarantined + len(receipt.rejected)
    assert stored == len(calls) + len(executions)
    return receipt


def added_up(tenant: int) -> Connection[Any]:
    """The connection, after all that is committed has been added up."""
    assert catch_up(connection(), project_id=tenant, now=NOW, patience=60).is_clean
    return connection()


def sums(tenant: int) -> UsageRow:
    """The sums of everything."""
    return usage_total(added_up(tenant), project_id=tenant, window=EVER)


def sums_by_day(tenant: int) -> list[UsageRow]:
    """The sums of each UTC day that has calls."""
    return usage_days(added_up(tenant), project_id=tenant, window=EVER)


def sums_of(calls: Sequence[Call]) -> UsageRow:
    """What unpriced calls, each given once, add up to."""
    names = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")
    totals = {name: sum(getattr(call, name) for call in calls) for name in names}
    return UsageRow(calls=len(calls), reasoning=sum(call.reasoning or 0 for call in calls), **totals)


def rows(tenant: int) -> list[dict[str, Any]]:
    """The stored calls, each with the partition that it lives in, in order of the sender's id."""
    query = (
        "SELECT *, tableoid::regclass::text AS partition FROM telemetry_call WHERE project_id = %s ORDER BY request_key"
    )
    with connection().cursor() as cursor:
        found = cursor.execute(query, [tenant])
        names = [column.name for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def present(tenant: int) -> Counter[str]:
    """How often the ledger holds a call of each sender's id."""
    return Counter(row["request_key"] for row in rows(tenant))


def has_calls(tenant: int, execution_id: str) -> bool:
    """Whether an execution is known to have calls of its own."""
    return ExecutionRow.objects.get(project_id=tenant, execution_id=execution_id).has_calls


def at_once(*work: Callable[[], Made]) -> list[Made]:
    """Do all of it at the same moment, each in a thread with a connection of its own. Raises what one raised."""
    start = threading.Barrier(len(work))
    made: list[Made] = []
    raised: list[BaseException] = []

    def run(one: Callable[[], Made]) -> None:
        try:
            connection()
            start.wait(30)
            made.append(one())
        except BaseException as error:  # noqa: BLE001 (raised again, by the test's own thread)
            start.abort()
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if raised:
        raise raised[0]
    assert len(made) == len(work)
    return made
