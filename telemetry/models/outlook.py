"""What is expected of a project: what its days came to, and what each was against those before.

Only `outlook/` writes them. Days are those of the project's zone. Sums that would be greater than an int8 stay at its
largest value.
"""

from __future__ import annotations

from django.db import models


class RunDay(models.Model):
    """The runs that began in a day and are alike in three dimensions, of which `series_id` is a digest. Kept when the
    runs are gone. Logarithms are natural ones of a run's tokens, of the `measured` runs that have some."""

    pk = models.CompositePrimaryKey("project_id", "day", "series_id")
    project_id = models.BigIntegerField()
    day = models.DateField()
    series_id = models.UUIDField()
    agent = models.TextField()
    task_type = models.TextField()
    model = models.TextField()
    runs = models.BigIntegerField()
    measured = models.BigIntegerField()
    log_sum = models.FloatField()
    log_squares = models.FloatField()
    tokens = models.BigIntegerField()
    cost_nanousd = models.BigIntegerField()
    unpriced_calls = models.BigIntegerField()

    class Meta:
        db_table = "telemetry_run_day"


class TrendDay(models.Model):
    """Which days were judged, and the zone that cut them."""

    pk = models.CompositePrimaryKey("project_id", "day")
    project_id = models.BigIntegerField()
    day = models.DateField()
    zone = models.TextField()
    judged_at = models.DateTimeField()

    class Meta:
        db_table = "telemetry_trend_day"


class Trend(models.Model):
    """What a day of a series was against the days before: a `Verdict` of `outlook/verdicts.py`, field by field."""

    pk = models.CompositePrimaryKey("project_id", "day", "dimension", "name", "what")
    project_id = models.BigIntegerField()
    day = models.DateField()
    dimension = models.TextField()
    name = models.TextField()
    what = models.TextField()
    state = models.TextField()
    runs = models.BigIntegerField()
    value = models.FloatField(null=True)
    level = models.FloatField(null=True)
    low_7 = models.FloatField(null=True)
    high_7 = models.FloatField(null=True)
    baseline = models.FloatField(null=True)
    low_30 = models.FloatField(null=True)
    high_30 = models.FloatField(null=True)
    baseline_days = models.IntegerField()
    baseline_runs = models.BigIntegerField()
    slope = models.FloatField(null=True)
    slope_p = models.FloatField(null=True)
    z = models.FloatField(null=True)
    p = models.FloatField(null=True)
    q = models.FloatField(null=True)
    effect = models.FloatField(null=True)
    tokens = models.BigIntegerField()
    cost_nanousd = models.BigIntegerField()
    at_stake_nanousd = models.BigIntegerField()
    is_flagged = models.BooleanField()
    is_shift = models.BooleanField()
    is_alert = models.BooleanField()
    root_dimension = models.TextField(db_default="")
    root_name = models.TextField(db_default="")

    class Meta:
        db_table = "telemetry_trend"
