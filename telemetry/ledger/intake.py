"""How data comes in: when each source last sent something, and why items of it were refused. What Connect shows.

Kept beside the ledger, never in its transaction and never at its cost: a source is written down at most once in
STEP by each process, a refusal only when there is one, and a failure here is logged and forgotten.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from telemetry.contracts import Rejection
from telemetry.statements import statement

STEP = timedelta(seconds=5)
MOST_REASONS = 100
MOST_LETTERS = 200
OTHER = "other"
_MOST_KNOWN = 10_000
_log = logging.getLogger(__name__)
_noted: dict[tuple[int, str], datetime] = {}


@dataclass(frozen=True, slots=True)
class Seen:
    """A source, and when it first and last sent something that was taken."""

    source: str
    first_received_at: datetime
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """How often items of a source were refused for one reason."""

    source: str
    reason: str
    count: int
    last_at: datetime
    sample_id: str


def note(
    conn: Connection[Any],
    *,
    project_id: int,
    source: str,
    received: int,
    rejections: Sequence[Rejection],
    now: datetime,
) -> None:
    """Note that `source` sent `received` items that were taken (stored, known already, or set apart), and others that
    were refused. To be called after the ledger's transaction; it raises nothing and stores nothing else."""
    try:
        if received and _is_news(project_id, source, now):
            touch_source(conn, project_id=project_id, source=source, now=now)
        if rejections:
            count_refused(conn, project_id=project_id, source=source, rejections=rejections, now=now)
    except psycopg.Error:
        _noted.pop((project_id, source), None)
        _log.warning("what %s sent to project %s could not be noted", source, project_id, exc_info=True)


def touch_source(conn: Connection[Any], *, project_id: int, source: str, now: datetime) -> None:
    """Move a source's last moment to `now`, unless another process did within STEP. Raises psycopg.Error."""
    arguments = {"project": project_id, "source": source, "now": now, "recent": now - STEP}
    with conn.transaction():
        conn.execute(statement(__package__, "touch_source"), arguments)


def count_refused(
    conn: Connection[Any], *, project_id: int, source: str, rejections: Sequence[Rejection], now: datetime
) -> None:
    """Add refused items to the counts of their reasons; past MOST_REASONS of a source, to OTHER. Raises
    psycopg.Error."""
    counts: Counter[str] = Counter()
    samples: dict[str, str] = {}
    for one in rejections:
        reason = _plain(one.reason) or OTHER
        counts[reason] += 1
        samples[reason] = _plain(one.id)
    arguments = {
        "project": project_id,
        "source": source,
        "now": now,
        "reasons": list(counts),
        "counts": list(counts.values()),
        "samples": [samples[reason] for reason in counts],
        "most": MOST_REASONS,
        "other": OTHER,
    }
    with conn.transaction():
        conn.execute(statement(__package__, "count_refused"), arguments)


def sources_seen(conn: Connection[Any], *, project_id: int) -> list[Seen]:
    """Every source that ever sent something to a project, by name."""
    with conn.cursor(row_factory=class_row(Seen)) as cursor:
        return cursor.execute(statement(__package__, "sources_seen"), {"project": project_id}).fetchall()


def refused_since(conn: Connection[Any], *, project_id: int, since: datetime) -> list[Refused]:
    """The reasons for which something was refused after `since`, most recent first."""
    with conn.cursor(row_factory=class_row(Refused)) as cursor:
        arguments = {"project": project_id, "since": since}
        return cursor.execute(statement(__package__, "refused_since"), arguments).fetchall()


def refused_totals(conn: Connection[Any], *, project_id: int) -> dict[str, int]:
    """How many items of each source were ever refused."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return dict(cursor.execute(statement(__package__, "refused_totals"), {"project": project_id}).fetchall())


def _is_news(project_id: int, source: str, now: datetime) -> bool:
    """Whether this process has not noted the source within STEP; asked again it says no."""
    last = _noted.get((project_id, source))
    if last is not None and last <= now < last + STEP:
        return False
    if len(_noted) >= _MOST_KNOWN:
        _noted.clear()
    _noted[project_id, source] = now
    return True


def _plain(words: str) -> str:
    """Words of a sender as PostgreSQL takes them: no NUL, no half characters, not too many."""
    return words.replace("\0", "")[:MOST_LETTERS].encode("utf-8", "replace").decode()
