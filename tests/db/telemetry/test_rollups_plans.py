"""A fold looks into no more than it needs, however much is there and whatever the statistics say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from psycopg import sql

from telemetry.database import connection
from telemetry.ledger import partitions
from telemetry.series import rollup_tables
from telemetry.series.buckets import MINUTE, spans
from telemetry.series.histogram import EDGES
from telemetry.statements import statement
from tests.ledger_reading import NOW, new_tenant

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)


def partitions_read(moments: Sequence[datetime]) -> set[str]:
    """The days that are looked into to sum up these minutes."""
    parts = rollup_tables._parts(rollup_tables.MINUTES, None)
    summing = sql.SQL(statement(rollup_tables.__package__, "roll_calls")).format(**parts)
    query = sql.SQL("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {}").format(summing)
    arguments = rollup_tables._bounds(new_tenant(), spans(moments, MINUTE)) | {"edges": list(EDGES)}
    plan = [line for (line,) in connection().execute(query, arguments).fetchall()]
    looked_into = [line for line in plan if "never executed" not in line]
    return {name for line in looked_into for name in re.findall(r"on telemetry_call_([dm]\d+)\b", line)}


def test_minutes_of_one_day_are_read_from_one_partition() -> None:
    partitions.ensure(connection(), [(NOW - n * DAY).date() for n in range(9)], now=NOW)
    assert partitions_read([NOW, NOW + timedelta(minutes=40)]) == {f"d{NOW:%Y%m%d}"}


def test_what_lies_between_two_days_is_not_looked_into() -> None:
    partitions.ensure(connection(), [(NOW - n * DAY).date() for n in range(9)], now=NOW)
    assert partitions_read([NOW, NOW - 8 * DAY]) == {f"d{NOW:%Y%m%d}", f"d{NOW - 8 * DAY:%Y%m%d}"}
