"""The gate's calibrations: fitted by a worker to the answers of which it is known whether they were good, and read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from json import dumps
from typing import Any

import msgspec
from django.db import Error, connection

from routing import models
from routing.cache.results import cache_with_ttl
from routing.ladder.logistic import Fit
from routing.ladder.quality import Calibration, calibrated
from telemetry import facade
from telemetry.facade import statement

KEPT = timedelta(days=90)
_MOST = 1_500  # answers of a task type and tier that a fit is made of
_MOST_AWAITED = 5_000
_log = logging.getLogger(__name__)

# Most of what was known an hour ago is all that is known now, and a fit of it takes a quarter of a second of a
# processor. Whoever changes how a fit is made raises the version.
_calibrated = cache_with_ttl(hours=24, version=1)(calibrated)


def calibrations(project_id: int) -> Calibration:
    """The fits of a project. One that is of another form than ours is left out. Raises django.db.Error."""
    found: dict[str, dict[tuple[str, int], Fit]] = {"good": {}, "helps": {}}
    for row in models.Calibration.objects.filter(project_id=project_id):
        try:
            found[row.kind][row.task_type, row.tier_id] = msgspec.convert(row.fit, Fit)
        except (KeyError, msgspec.ValidationError):
            _log.warning("a calibration of %r cannot be read", row.task_type)
    return Calibration(good=found["good"], helps=found["helps"])


def calibrate(project_id: int, *, now: datetime) -> int:
    """Fit the gate anew to what is known of a project's answers; how many fits there are. Raises django.db.Error."""
    count = 0
    for key, group in groupby(known_outcomes(project_id, now=now), key=lambda row: (row[0], row[1])):
        rows = list(group)
        compared = [row for row in rows if row[4] is not None]
        count += _fit(project_id, key, "good", [row[2] for row in rows], [row[3] for row in rows], now)
        count += _fit(project_id, key, "helps", [row[2] for row in compared], [row[4] for row in compared], now)
    return count


def learn_from_runs(project_id: int, *, now: datetime) -> int:
    """Note of answers that a run of an agent got whether the run ended well; of how many. A weak sign of each answer,
    and the only one that most have; what was compared with a higher tier's is left as it is. Raises django.db.Error."""
    awaited = awaited_outcomes(project_id, now=now)
    ended = facade.run_endings(project_id=project_id, executions=sorted({execution for _, execution in awaited}))
    said = [
        {"id": key, "is_good": ended[execution], "would_help": None, "known_by": "execution"}
        for key, execution in awaited
        if execution in ended
    ]
    return know_outcomes(project_id, said)


def calibrate_due(*, now: datetime) -> None:
    """Calibrate every project that had answers lately. One that fails is logged."""
    for project_id in projects_with_outcomes(now=now):
        try:
            learn_from_runs(project_id, now=now)
            calibrate(project_id, now=now)
        except Error:
            _log.exception("The gate of project %s was not calibrated.", project_id)


def forget(*, now: datetime) -> None:
    """Take away what is older than ninety days. Raises django.db.Error."""
    models.Outcome.objects.filter(at__lt=now - KEPT).delete()
    models.OutcomeDay.objects.filter(day__lt=(now - KEPT).date()).delete()
    models.ReasonDay.objects.filter(day__lt=(now - KEPT).date()).delete()
    models.BreakerChange.objects.filter(at__lt=now - KEPT).delete()


def _fit(
    project_id: int,
    key: tuple[str, int],
    kind: str,
    signals: Sequence[Sequence[float]],
    truths: Sequence[bool],
    now: datetime,
) -> int:
    fit = _calibrated(signals, truths)
    if fit is None:
        return 0
    task_type, tier_id = key
    models.Calibration.objects.update_or_create(
        project_id=project_id,
        task_type=task_type,
        tier_id=tier_id,
        kind=kind,
        defaults={"n": len(truths), "fit": msgspec.to_builtins(fit), "fitted_at": now},
    )
    return 1


def known_outcomes(project_id: int, *, now: datetime) -> list[Any]:
    """(task type, tier id, signals, is good, would help) of answers of which that is known, by the first two."""
    return _rows("known_outcomes", project_id=project_id, after=now - KEPT, most=_MOST)


def projects_with_outcomes(*, now: datetime) -> list[int]:
    """The projects that had answers yesterday or today."""
    return [row[0] for row in _rows("projects_with_outcomes", since=(now - timedelta(days=1)).date())]


def awaited_outcomes(project_id: int, *, now: datetime) -> list[Any]:
    """(id, execution) of answers that a run got of which it is not known how it ended: of the last two days, a minute
    old."""
    return _rows(
        "awaited_outcomes",
        project_id=project_id,
        after=now - timedelta(days=2),
        until=now - timedelta(minutes=1),
        most=_MOST_AWAITED,
    )


def know_outcomes(project_id: int, rows: Sequence[dict[str, Any]]) -> int:
    """Note of outcomes whether they were good; of how many that was not known before."""
    return int(_rows("know_outcomes", project_id=project_id, rows=dumps(rows))[0][0]) if rows else 0


def _rows(name: str, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement("routing.ladder", name), given)
        found: list[Any] = cursor.fetchall()
    return found
