"""Runs are judged: the detectors look at them, and what they find stands as anomalies until it no longer holds.

Live, the runs that were just added up, by the detectors themselves; at night, all that began in a span of time, by
their sieves (`sifting.py`). Both say the same, and both write under the project's lock, so that whoever comes later has
seen what the other saw and more. What a person made of an anomaly is never touched. The sums of waste are made anew in
the same transaction, where anomalies changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection, sql
from psycopg.rows import scalar_row, tuple_row

from telemetry.ledger import dirty
from telemetry.observer import run_facts, sifting
from telemetry.observer.alerts.waking import after_judging
from telemetry.observer.findings import Finding, is_running
from telemetry.observer.rules import Rules, lookback, rules_of, sieves_of
from telemetry.observer.run_facts import RunRow
from telemetry.observer.sifting import Pair
from telemetry.series import waste_sums
from telemetry.statements import statement

SLICE = 200_000  # runs that one statement sifts
PIECE = 2_000  # that are in memory at a time
_INT8 = 2**63 - 1
_encode = msgspec.json.Encoder().encode


def judge_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str], now: datetime) -> int:
    """Judge these executions, and the next run of the same task after each, which may repeat it; how many findings. One
    whose sender says that it goes on is left to the night. Raises psycopg.Error."""
    rules, found = rules_of(project_id=project_id), 0
    for first in range(0, len(keys), PIECE):
        with conn.transaction():
            dirty.lock_judging(conn, project_id=project_id)
            some = keys[first : first + PIECE]
            if window := lookback(rules):
                later = run_facts.following_runs(conn, project_id=project_id, keys=some, window=window)
                some = sorted({*some, *later})
            number, changed = _judge_named(conn, rules, project_id=project_id, keys=some, now=now)
            waste_sums.remake(conn, project_id=project_id, moments=changed)
            found += number
    return found


def _judge_named(
    conn: Connection[Any], rules: Rules, *, project_id: int, keys: Sequence[str], now: datetime, is_live: bool = True
) -> tuple[int, set[datetime]]:
    """How many findings, and the moments of runs whose anomalies changed."""
    window = lookback(rules)
    rows = run_facts.runs_by_key(conn, project_id=project_id, keys=keys, window=window)
    running = {row.execution_id for row in rows if is_live and is_running(row.status)}
    found = _findings([row for row in rows if row.execution_id not in running], rules)
    changed = write_anomalies(conn, rules, project_id=project_id, found=found, now=now)
    outdated = outdated_of(conn, project_id=project_id, keys=sorted({*keys} - running), found=_pairs(found))
    return len(found), changed | retire(conn, project_id, outdated)


def judge_span(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, now: datetime) -> int:
    """Judge every run begun in [start, end); how many findings. However often that is done, the anomalies are the same.
    Each slice has a transaction of its own, so that whoever judges live waits for a moment only. Raises psycopg.Error;
    then slices before are judged."""
    rules, found = rules_of(project_id=project_id), 0
    while start < end:
        with conn.transaction():
            dirty.lock_judging(conn, project_id=project_id)
            until = sifting.end_of_slice(conn, project_id=project_id, span=(start, end), runs=SLICE)
            sifted = sifting.judge_slice(conn, rules, project_id=project_id, span=(start, until), now=now)
            changed = sifted.changed | retire(conn, project_id, sifted.outdated)
            found += sifted.found
            if sifted.found:
                after_judging(conn, project_id=project_id, now=now)
            for first in range(0, len(sifted.huge), PIECE):
                some = sifted.huge[first : first + PIECE]
                number, more = _judge_named(conn, rules, project_id=project_id, keys=some, now=now, is_live=False)
                found, changed = found + number, changed | more
            waste_sums.remake(conn, project_id=project_id, moments=changed)
        start = until
    return found


def _findings(rows: Iterable[RunRow], rules: Rules) -> list[tuple[RunRow, Finding]]:
    """What the detectors say of runs, each with its run."""
    return [(row, finding) for row in rows for finding in rules.findings(run_facts.facts_of(row, rules.measure))]


def _pairs(found: Sequence[tuple[RunRow, Finding]]) -> list[Pair]:
    return [(row.execution_id, finding.detector) for row, finding in found]


def write_anomalies(
    conn: Connection[Any], rules: Rules, *, project_id: int, found: Sequence[tuple[RunRow, Finding]], now: datetime
) -> set[datetime]:
    """Write findings as anomalies: new ones as found `now`, known ones with the numbers of today. The moments of runs
    for which something changed by that, and where one was moved, the one before."""
    if not found:
        return set()
    keys = {name: sifting.rule_key(rules, name) for name in rules.limits}
    asks_before = {name for name, sieve in sieves_of(rules).items() if sieve.within_ms is not None}
    before = [(row.earlier_id, row.earlier_at) if one.detector in asks_before else (None, None) for row, one in found]
    arguments = {
        "project": project_id,
        "now": now,
        "keys": [row.execution_id for row, _ in found],
        "detectors": [one.detector for _, one in found],
        "severities": [one.severity for _, one in found],
        "tokens": [min(one.tokens, _INT8) for _, one in found],
        "wasted": [min(one.tokens_wasted, _INT8) for _, one in found],
        "evidence": [_encode({**one.evidence, "measure": rules.measure}).decode() for _, one in found],
        "rules": [keys[one.detector] for _, one in found],
        "earlier_ids": [key for key, _ in before],
        "earlier_ats": [moment for _, moment in before],
        **sifting.weights(rules),
    }
    query = sql.SQL(statement(__package__, "write_anomalies")).format(
        digest=sifting.finding_digest(
            rule=sql.SQL("found.rule"),
            weighed=sifting.weighed(),
            earlier_id=sql.SQL("found.earlier_id"),
            earlier_at=sql.SQL("found.earlier_at"),
        )
    )
    with conn.cursor(row_factory=scalar_row) as cursor:
        changed: set[datetime] = set(cursor.execute(query, arguments).fetchall())
    if changed:
        after_judging(conn, project_id=project_id, now=now)
    return changed


def outdated_of(conn: Connection[Any], *, project_id: int, keys: Sequence[str], found: Sequence[Pair]) -> list[Pair]:
    """The anomalies of executions that are not among those that were found now."""
    names = {"keys": [key for key, _ in found], "detectors": [detector for _, detector in found]}
    arguments = {"project": project_id, "judged": list(keys), **names}
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "outdated_of"), arguments).fetchall()


def retire(conn: Connection[Any], project_id: int, outdated: Sequence[Pair]) -> set[datetime]:
    """Remove anomalies that no longer hold; those that a person judged stay, waste nothing, and say so. The moments of
    the runs that had any."""
    changed: set[datetime] = set()
    for first in range(0, len(outdated), PIECE):
        some = outdated[first : first + PIECE]
        changed.update(drop_anomalies(conn, project_id=project_id, pairs=some))
        changed.update(outdate_anomalies(conn, project_id=project_id, pairs=some))
    return changed


def drop_anomalies(conn: Connection[Any], *, project_id: int, pairs: Sequence[Pair]) -> list[datetime]:
    """Delete those of these anomalies that nobody judged. The moments of their runs."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "drop_anomalies"), _named(project_id, pairs)).fetchall()


def outdate_anomalies(conn: Connection[Any], *, project_id: int, pairs: Sequence[Pair]) -> list[datetime]:
    """Let those of these anomalies that somebody judged waste nothing, and say what they wasted then. The moments of
    their runs."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "outdate_anomalies"), _named(project_id, pairs)).fetchall()


def _named(project_id: int, pairs: Sequence[Pair]) -> dict[str, Any]:
    return {"project": project_id, "keys": [key for key, _ in pairs], "detectors": [name for _, name in pairs]}
