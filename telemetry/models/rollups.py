"""Sums of calls and executions, ready to be read. Only `series/rollups.py` writes them, and only as a whole.

A row is what a series (calls that are alike in every dimension) did in the bucket that begins at `bucket` (UTC).
`series_id` is a digest of the dimensions: these themselves can be longer than a row of an index. Sums that would be
greater than an int8 stay at its largest value. `first_at` and `last_at` are of calls; executions alone have none.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Dirty(models.Model):
    """The minutes of a UTC day in which a transaction changed calls or executions; gone once they are folded."""

    pk = models.CompositePrimaryKey("project_id", "day", "id")
    project_id = models.BigIntegerField()
    day = models.DateField()
    id = models.BigIntegerField()
    minutes = ArrayField(models.DateTimeField())

    class Meta:
        managed = False  # its id is counted by PostgreSQL: made by SQL in the migration
        db_table = "telemetry_dirty"


class _BriefSums(models.Model):
    """The dimensions that pages begin with, and what is added up."""

    project_id = models.BigIntegerField()
    bucket = models.DateTimeField()
    series_id = models.UUIDField()
    provider = models.TextField()
    model = models.TextField()
    agent = models.TextField()
    task_type = models.TextField()
    calls = models.BigIntegerField()
    input_uncached = models.BigIntegerField()
    cache_read = models.BigIntegerField()
    cache_write_5m = models.BigIntegerField()
    cache_write_1h = models.BigIntegerField()
    cache_write_unknown = models.BigIntegerField()
    output = models.BigIntegerField()
    reasoning = models.BigIntegerField()
    cost_nanousd = models.BigIntegerField()  # reported, else computed
    unpriced_calls = models.BigIntegerField()
    failed_calls = models.BigIntegerField()
    executions = models.BigIntegerField()
    failed_executions = models.BigIntegerField()
    compared_calls = models.BigIntegerField()  # those that bear both costs
    compared_reported_nanousd = models.BigIntegerField()
    compared_computed_nanousd = models.BigIntegerField()
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class _Sums(_BriefSums):
    """All dimensions, and what is added up."""

    host = models.TextField()
    session_type = models.TextField()
    tier = models.TextField()

    class Meta:
        abstract = True


class _Histograms(models.Model):
    """How often durations and token counts fell into each bin of `series/histogram.py`; empty bins are left out."""

    duration_bins = ArrayField(models.SmallIntegerField())
    duration_counts = ArrayField(models.BigIntegerField())
    tokens_bins = ArrayField(models.SmallIntegerField())
    tokens_counts = ArrayField(models.BigIntegerField())

    class Meta:
        abstract = True


class Minute(_Histograms, _Sums):
    """A minute of a session, kept for days: what quarters of an hour are made of while they still change often."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "session_id", "series_id")
    session_id = models.TextField()

    class Meta:
        db_table = "telemetry_rollup_1m"


class Quarter(_Histograms, _Sums):
    """A quarter of an hour: every day of every zone is made of whole ones."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_15m"


class Day(_Histograms, _Sums):
    """A day of the project's zone; its bucket is the UTC moment at which it begins."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_1d"


class BriefQuarter(_Histograms, _BriefSums):
    """A quarter of an hour by few dimensions, so that whatever the traffic a day has a few dozen rows."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_brief_15m"


class BriefDay(_Histograms, _BriefSums):
    """A day of the project's zone by few dimensions."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_brief_1d"


class SessionQuarter(_Sums):
    """A quarter of an hour of a session."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "session_id", "series_id")
    session_id = models.TextField()

    class Meta:
        db_table = "telemetry_rollup_session_15m"


class SessionDay(_Sums):
    """A day of a session."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "session_id", "series_id")
    session_id = models.TextField()

    class Meta:
        db_table = "telemetry_rollup_session_1d"
        indexes = (models.Index(fields=("project_id", "session_id"), name="days_of_session"),)


class SessionTotal(models.Model):
    """A session's whole life, by which the dearest of any window are found; calls without a session have none."""

    pk = models.CompositePrimaryKey("project_id", "session_id")
    project_id = models.BigIntegerField()
    session_id = models.TextField()
    cost_nanousd = models.BigIntegerField()
    tokens = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        db_table = "telemetry_rollup_session"
        indexes = (
            models.Index(
                "project_id", models.F("cost_nanousd").desc(), models.F("tokens").desc(), name="dearest_sessions"
            ),
            models.Index("project_id", models.F("tokens").desc(), name="largest_sessions"),
            models.Index(fields=("project_id", "first_at"), name="newest_sessions"),
            models.Index(fields=("project_id", "last_at", "first_at"), name="ended_sessions"),
        )


class Difference(models.Model):
    """An execution whose sent totals are not what its calls add up to, with what each says; None: nothing was sent.
    `labels` are the calls' dimensions, each combination once, so that filters find them."""

    pk = models.CompositePrimaryKey("project_id", "execution_id")
    project_id = models.BigIntegerField()
    execution_id = models.TextField()
    started_at = models.DateTimeField()
    task_id = models.TextField()
    agent = models.TextField()
    calls = models.BigIntegerField()
    sent_input = models.BigIntegerField(null=True)
    counted_input = models.BigIntegerField()
    sent_output = models.BigIntegerField(null=True)
    counted_output = models.BigIntegerField()
    labels = models.JSONField()

    class Meta:
        db_table = "telemetry_rollup_difference"
        indexes = (models.Index(fields=("project_id", "started_at"), name="difference_by_time"),)


class RollupState(models.Model):
    """How far a project is folded: the zone that its days are cut in, and its newest folded call.

    Minutes from `minutes_from_at` on are all there, and quarters from then on are made of them; older ones are made of
    calls. `fold_ms` is what the last fold took.
    """

    project_id = models.BigIntegerField(primary_key=True)
    zone = models.TextField()
    minutes_from_at = models.DateTimeField()
    folded_at = models.DateTimeField()
    newest_call_at = models.DateTimeField(null=True)
    fold_ms = models.BigIntegerField()

    class Meta:
        db_table = "telemetry_rollup_state"
