"""How long calls are kept: since which moment, by a project's own setting or the instance's.

Calls before the horizon are refused at once; a day later they may be dropped. Up to which moment they may be gone is
noted with the project before any is (`calls_kept_from_at`): nothing before it is counted anew, for sums outlive calls.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from django.conf import settings
from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.statements import statement

GRACE = timedelta(days=1)  # between refused and dropped: longer than any transaction, or two clocks' difference
RECHECK_S = 5.0
_MOST_KNOWN = 10_000
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)

_known: dict[tuple[str, int], tuple[float, int | None, datetime | None]] = {}


@dataclass(frozen=True, slots=True)
class Kept:
    """Calls from `from_at` on are kept; older ones are refused, for `reason`."""

    from_at: datetime
    reason: str = ""


def kept(conn: Connection[Any], *, project_id: int, now: datetime) -> Kept:
    """What of a project is kept; its settings are five seconds old at most. Raises psycopg.Error."""
    key = f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}", project_id
    known = _known.get(key)
    if known is None or time.monotonic() - known[0] > RECHECK_S:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[key] = (time.monotonic(), *project_retention(conn, project_id=project_id))
    days, gone_before = days_kept(known[1]), known[2]
    by_days = _SINCE_EVER if days is None else horizon(days, now=now)
    if gone_before is not None and gone_before > by_days:
        return Kept(gone_before, "calls of its day have expired")
    return Kept(by_days, f"it is older than the {days} days that are kept")


def forget() -> None:
    """Look again at the next batch of this process: a setting was changed here."""
    _known.clear()


def project_retention(conn: Connection[Any], *, project_id: int) -> tuple[int | None, datetime | None]:
    """A project's own days, and the moment before which its calls may be gone."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(statement(__package__, "project_retention"), {"project": project_id}).fetchone()
    return row or (None, None)


def days_kept(own: int | None) -> int | None:
    """How many days are kept, by a project's own setting and the instance's: the fewer; None for all."""
    return min((days for days in (own, settings.RETENTION_DAYS) if days is not None), default=None)


def horizon(days: int, *, now: datetime) -> datetime:
    """The UTC midnight from which on calls are kept."""
    today = datetime.combine(now.astimezone(UTC).date(), clock_time(), UTC)
    return max(today - timedelta(days=days), datetime(1970, 1, 1, tzinfo=UTC))


def gone_before(days: int, *, now: datetime) -> datetime:
    """The UTC midnight before which calls may be dropped: GRACE before the horizon."""
    return horizon(days, now=now) - GRACE
