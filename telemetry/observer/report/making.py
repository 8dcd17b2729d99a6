"""A report is made: read from runs and anomalies in one snapshot, whatever their number, and kept.

Every statement answers with a few rows, so memory does not grow with the runs of a period. A report that is made again
replaces the one before; of two that are made at once, the later one stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from telemetry.models import Project, Report, TokenMeasure
from telemetry.observer import wording
from telemetry.observer.findings import ratio, tokens_of
from telemetry.observer.report import document, reading, spending, trending
from telemetry.observer.report.document import Document, Group, Item, Leader, Leaders, Summary, Usage
from telemetry.observer.report.periods import Kind, Period
from telemetry.observer.report.reading import Days, Found, ListedAnomaly, LooseCalls, Span, TaskSums
from telemetry.observer.report.recommendations import recommendations
from telemetry.observer.waste import Sum
from telemetry.statements import statement
from telemetry.usage import usd, weighted_hundredths

DIMENSIONS = ("agent", "model", "task_type")


def make(
    conn: Connection[Any], *, project: Project, kind: Kind, first_day: date, last_day: date, now: datetime
) -> Report:
    """Write a report and keep it. To be called outside of a transaction, after runs are summed and judged. Raises
    BadWindow, psycopg.Error."""
    plain = write(conn, project=project, kind=kind, first_day=first_day, last_day=last_day, now=now)
    keep(conn, project_id=project.pk, kind=kind, first_day=first_day, last_day=last_day, plain=plain, now=now)
    return Report(project_id=project.pk, kind=kind, first_day=first_day, last_day=last_day, document=plain, made_at=now)


def write(
    conn: Connection[Any], *, project: Project, kind: Kind, first_day: date, last_day: date, now: datetime
) -> dict[str, Any]:
    """The document of a period of a project's zone, from what runs and anomalies say now, as plain values. To be
    called outside of a transaction, for it reads in one of its own. Raises BadWindow, psycopg.Error."""
    period = Period(kind, first_day, last_day)
    start, end = period.bounds(project.time_zone)
    found = reading.read(
        conn,
        Span(project.pk, start, end),
        Days(first_day, last_day, project.time_zone),
        severities=document.SEVERITIES,
        most_listed=document.MOST_LISTED,
        most_leaders=document.MOST_LEADERS,
        most_unusual=document.MOST_UNUSUAL,
        has_calls=project.calls_kept_from_at is None or start >= project.calls_kept_from_at,
        count=lambda conn: spending.account_of(conn, project=project, period=period),
    )
    return document.as_plain(_document(project, period, now, found))


def keep(
    conn: Connection[Any],
    *,
    project_id: int,
    kind: Kind,
    first_day: date,
    last_day: date,
    plain: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep a document as the report of its period, unless one that was written later is there."""
    keep_report(
        conn,
        {
            "project": project_id,
            "kind": kind,
            "first_day": first_day,
            "last_day": last_day,
            "document": Jsonb(plain),
            "now": now,
        },
    )


def keep_report(conn: Connection[Any], row: Mapping[str, Any]) -> None:
    """One upsert."""
    conn.execute(statement(__package__, "keep_report"), row)


def _document(project: Project, period: Period, now: datetime, found: Found) -> Document:
    start, end = period.bounds(project.time_zone)
    summary = _summary(project, found)
    spend = _spend(_whole(found))
    return Document(
        project=project.slug,
        kind=period.kind,
        period=period.name,
        first_day=period.first_day,
        last_day=period.last_day,
        time_zone=project.time_zone,
        start_at=start,
        end_at=end,
        made_at=now,
        is_whole=period.is_over(project.time_zone, now),
        measure="gross" if _is_gross(project) else "weighted",
        summary=summary,
        spend=spend,
        apart=_apart(found.loose) if found.loose else None,
        severities=tuple(_group(severity, found) for severity in document.SEVERITIES),
        recommendations=recommendations(summary, spend),
        leaders=tuple(_leaders(by, found) for by in DIMENSIONS),
        trends=trending.trends(*found.compared),
        objectives=found.account,
    )


def _is_gross(project: Project) -> bool:
    return project.token_measure == TokenMeasure.GROSS


def _summary(project: Project, found: Found) -> Summary:
    whole, waste = _whole(found), found.waste
    tasks, tokens, output = int(whole.tasks), whole.tokens, int(whole.output)
    weighed = 100 * sum(whole.inputs.values()) if _is_gross(project) else weighted_hundredths(**whole.inputs)
    return Summary(
        tasks=tasks,
        tokens=tokens,
        average_tokens=(2 * tokens + tasks) // (2 * tasks) if tasks else 0,
        input_tokens=tokens_of(weighed),
        output_tokens=output,
        average_io_ratio=ratio(weighed, output),
        anomalies=waste.total.anomalies,
        anomalies_by_severity={
            severity: waste.by_severity[severity].anomalies if severity in waste.by_severity else 0
            for severity in document.SEVERITIES
        },
        anomalies_by_type={name: waste.by_detector[name].anomalies for name in sorted(waste.by_detector)},
        tokens_wasted=waste.tokens_once,
        tokens_wasted_overlapping=waste.total.tokens_wasted,
        not_waste=waste.not_waste,
    )


def _whole(found: Found) -> TaskSums:
    return next(one for one in found.tasks if not one.dimension)


def _spend(whole: TaskSums) -> Usage:
    return Usage(
        calls=int(whole.calls),
        tokens=whole.tokens,
        cost_usd=usd(int(whole.cost_nanousd)),
        unpriced_calls=int(whole.unpriced_calls),
    )


def _apart(calls: LooseCalls) -> Usage:
    return Usage(
        calls=calls.calls,
        tokens=int(calls.tokens or 0),
        cost_usd=usd(int(calls.cost_nanousd or 0)),
        unpriced_calls=calls.unpriced_calls,
    )


def _group(severity: str, found: Found) -> Group:
    whole = found.waste.by_severity.get(severity, Sum())
    return Group(
        severity=severity,
        anomalies=whole.anomalies,
        tokens_wasted_overlapping=whole.tokens_wasted,
        listed=tuple(_item(one) for one in found.listed if one.severity == severity),
    )


def _item(one: ListedAnomaly) -> Item:
    evidence = msgspec.json.decode(one.evidence, type=dict[str, Any])
    return Item(
        execution_id=one.execution_id,
        task_id=one.task_id,
        type=one.detector,
        started_at=one.started_at,
        issue=wording.issue(one.detector, evidence),
        figure=wording.figure(one.detector, evidence),
        tokens=one.tokens,
        tokens_wasted=one.tokens_wasted,
        suggestion=wording.suggestion(one.detector),
    )


def _leaders(by: str, found: Found) -> Leaders:
    """The rows of one way of grouping; others that are a single one bear its name."""
    mine = [one for one in found.tasks if one.dimension == by]
    named = tuple(_leader(one) for one in mine if one.names == 1)
    others = [_leader(one) for one in mine if one.names > 1]
    return Leaders(by=by, rows=named, others=others[0] if others else None)


def _leader(one: TaskSums) -> Leader:
    return Leader(
        name=one.name,
        names=one.names,
        tasks=int(one.tasks),
        tokens=one.tokens,
        cost_usd=usd(int(one.cost_nanousd)),
        unpriced_calls=int(one.unpriced_calls),
        tokens_wasted=int(one.tokens_wasted),
    )
