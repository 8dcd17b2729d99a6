"""The runs of a span of time, sifted where they lie: one statement judges a slice of them by all detectors.

A detector says the same twice: as `judge`, in Python's integers, which is what it means, and as a `Sieve`, from which
this statement is made. Tests hold the two to each other. So a day of a million runs is never carried to Python and
back; only runs with sums beyond all reason are, for PostgreSQL's integers end there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import scalar_row, tuple_row

from telemetry.observer.findings import Limits, Sieve
from telemetry.observer.rules import BY_NAME, Rules, lookback, sieves_of
from telemetry.statements import statement
from telemetry.usage import DONE, FAILED

HUGE = 10**12  # tokens of a run beyond all reason
_STEEP = 10**6  # so many hundredths times HUGE is still an int8; beyond, numeric is
_WEIGHTS = {
    "weighted": {"read": 10, "written": 125, "written_1h": 200},
    "gross": {"read": 100, "written": 100, "written_1h": 100},
}
_WASTED_OF = {"input": sql.SQL("run.weighed"), "total": sql.SQL("(run.weighed + 100 * run.output)")}
_EVIDENCE: Mapping[str, sql.SQL] = {  # as JSON
    "ratio": sql.SQL(
        "coalesce(round((2 * run.weighed + 10 * run.output) / nullif(20 * run.output, 0) * 0.1, 1)::text, 'null')"
    ),
    "input": sql.SQL("(run.weighed + 50) / 100"),
    "output": sql.SQL("run.output"),
    "total": sql.SQL("(run.weighed + 100 * run.output + 50) / 100"),
    "took_s": sql.SQL("round(run.duration_ms / 1000.0, 3)"),
    "status": sql.SQL("to_json(run.status)"),
    "errors": sql.SQL("run.errors"),
    "verified": sql.SQL("CASE WHEN NOT run.is_verified THEN '\"no\"' ELSE 'null' END"),
    "earlier": sql.SQL("to_json(run.earlier_id)"),
    "seconds": sql.SQL("extract(epoch FROM run.started_at - run.earlier_at)"),
}
Pair = tuple[str, str]  # an execution's id, a detector's name: the key of an anomaly in its project
Span = tuple[datetime, datetime]  # the end is outside


@dataclass(slots=True)
class Sifted:
    """What became of a slice: how many findings, which anomalies were not found again, which runs are still to be
    judged, for their sums are beyond all reason, and the quarters of an hour whose anomalies changed."""

    found: int
    outdated: list[Pair]
    huge: list[str]
    changed: set[datetime]


def judge_slice(conn: Connection[Any], rules: Rules, *, project_id: int, span: Span, now: datetime) -> Sifted:
    """Judge the runs begun in a span and write what is new or different as anomalies, in one statement."""
    sieves = sieves_of(rules)
    suspected = [sieve(one) for one in sieves.values() if one.within_ms is None]
    query = sql.SQL(statement(__package__, "judge_slice")).format(
        weighed=weighed(),
        evidence=_evidence_of(rules),
        suspected=sql.SQL(" OR ").join([*suspected, sql.SQL("false")]),
        found=sql.SQL(" UNION ALL ").join(findings_of(rules, name) for name in BY_NAME),
    )
    arguments = {
        "project": project_id,
        "start": span[0],
        "end": span[1],
        "lookback_s": math.ceil(lookback(rules).total_seconds()),
        "done": sorted(DONE),
        "failed": sorted(FAILED),
        "now": now,
        **weights(rules),
    }
    conn.execute("SET LOCAL work_mem = '64MB'")
    sifted = Sifted(0, [], [], set())
    with conn.cursor(row_factory=tuple_row) as cursor:
        for what, number, key, detector, quarter in cursor.execute(query, arguments):
            if what == "found":
                sifted.found = number
            elif what == "outdated":
                sifted.outdated.append((key, detector))
            elif what == "changed":
                sifted.changed.add(quarter)
            else:
                sifted.huge.append(key)
    return sifted


def weighed() -> sql.SQL:
    """What a run's input comes to in that statement."""
    return sql.SQL(statement(__package__, "weighed"))


def weights(rules: Rules) -> dict[str, int]:
    """The numbers that `weighed` needs."""
    return {"huge": HUGE, **_WEIGHTS[rules.measure]}


def finding_digest(**parts: sql.Composable) -> sql.Composed:
    """From what a finding follows, as one number: a known anomaly with the same one says the same. Its parts are the
    run's input, weighed; the `rule_key`; and which run is repeated, and when that began."""
    return sql.SQL(statement(__package__, "finding_digest")).format(**parts)


def rule_key(rules: Rules, name: str) -> int:
    """A number for all that a project's rules say of a detector."""
    detector = BY_NAME[name]
    limits = rules.limits.get(name, detector.DEFAULTS)
    said = repr((name, detector.SEVERITY, rules.measure, limits, detector.sieve(limits)))
    return int.from_bytes(sha256(said.encode()).digest()[:8], signed=True)


def findings_of(rules: Rules, name: str) -> sql.Composed:
    """The part of that statement which makes findings of a detector; none where it is off."""
    detector = BY_NAME[name]
    limits = rules.limits.get(name, detector.DEFAULTS)
    one = detector.sieve(limits)
    spared = _factor(one.spared)
    passes = sieve(one) if name in rules.limits else sql.SQL("false")
    digest = finding_digest(
        rule=sql.Literal(rule_key(rules, name)),
        weighed=sql.SQL("run.weighed"),
        earlier_id=sql.SQL("run.earlier_id"),
        earlier_at=sql.SQL("run.earlier_at"),
    )
    if one.within_ms is not None:
        passes += sql.SQL(
            " AND NOT run.is_exempt AND run.earlier_at > run.started_at - {} * interval '1 millisecond'"
        ).format(sql.Literal(one.within_ms))
    return sql.SQL(statement(__package__, "findings_of")).format(
        detector=sql.Literal(name),
        severity=sql.Literal(detector.SEVERITY),
        wasted_of=_WASTED_OF[one.wasted_of],
        spared=sql.SQL("{} * run.output").format(spared) if one.is_spared_per_output else spared,
        digest=digest,
        runs=sql.SQL("suspect" if one.within_ms is None else "repeating"),
        passes=passes,
        allowed=sql.Literal(sorted(task_type for of, task_type in rules.allowed if of == name)),
    )


def _evidence_of(rules: Rules) -> sql.Composed:
    """The evidence of a finding by its detector, made only of what is written."""
    case = sql.SQL(" WHEN run.detector = {} THEN concat({})")
    cases = [
        case.format(sql.Literal(name), _evidence(BY_NAME[name].sieve(limits), rules, limits))
        for name, limits in rules.limits.items()
    ]
    return sql.SQL("CASE WHEN false THEN ''{} END").format(sql.SQL("").join(cases))


def _evidence(one: Sieve, rules: Rules, limits: Limits) -> sql.Composed:
    """The numbers that were compared, as parts of a JSON object's text: PostgreSQL's own functions are slow at it."""
    fixed = {"threshold": f"{limits.threshold:f}", "allowance": f"{limits.allowance:f}", "floor": limits.floor_tokens}
    parts, text = list[sql.Composable](), ""
    for named in one.evidence:
        text += f'{", " if text or parts else "{"}"{named}": '
        if named in fixed:
            text += str(fixed[named])
        else:
            parts += [sql.Literal(text), _EVIDENCE[named]]
            text = ""
    parts.append(sql.Literal(f'{text}, "measure": "{rules.measure}"}}'))
    return sql.SQL(", ").join(parts)


def sieve(one: Sieve) -> sql.Composable:
    """The condition of a sieve on a run alone."""
    return sql.SQL(statement(__package__, "sieve")).format(
        input_from=sql.Literal(one.input_from or None),
        total_from=sql.Literal(one.total_from or None),
        ratio_over=_factor(one.ratio_over),
        below_ms=sql.Literal(one.below_ms),
        errors_from=sql.Literal(one.errors_from),
    )


def _factor(value: int | None) -> sql.Composable:
    """A number that a run's tokens are multiplied by."""
    is_steep = value is not None and value > _STEEP
    return sql.SQL("{}::numeric").format(sql.Literal(value)) if is_steep else sql.Literal(value)


def end_of_slice(conn: Connection[Any], *, project_id: int, span: Span, runs: int) -> datetime:
    """Where a slice of about so many runs ends that begins with a span; the span's end where it holds no more."""
    start, end = span
    arguments = {"project": project_id, "start": start, "end": end, "runs": runs}
    with conn.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(statement(__package__, "end_of_slice"), arguments).fetchone()
    return end if found is None else max(found, start + timedelta(microseconds=1))
