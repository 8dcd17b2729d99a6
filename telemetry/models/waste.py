"""What anomalies come to, ready to be read. Only `series/waste_sums.py` writes them, and only as a whole.

A row is what the anomalies of the runs begun in its bucket come to that are alike in all it names. `detector` '' is no
detector: it is the runs themselves, each once, with the largest of its findings that nobody called no waste. What no
longer holds is in no row. Sums are numeric: those of int8 may be more than an int8.
"""

from __future__ import annotations

from django.db import models

_DIGITS = 38


class _WasteSums(models.Model):
    """Whose findings, and what is added up: anomalies (or runs), what they wasted by their own figures, and the same
    where none is above what its run came to."""

    project_id = models.BigIntegerField()
    bucket = models.DateTimeField()
    series_id = models.UUIDField()
    detector = models.TextField()
    severity = models.TextField()
    state = models.TextField()
    anomalies = models.BigIntegerField()
    tokens_wasted = models.DecimalField(max_digits=_DIGITS, decimal_places=0)
    tokens_once = models.DecimalField(max_digits=_DIGITS, decimal_places=0)

    class Meta:
        abstract = True


class _LabelledWaste(_WasteSums):
    """By what runs are labelled with, too."""

    agent = models.TextField()
    model = models.TextField()
    task_type = models.TextField()

    class Meta:
        abstract = True


class WasteQuarter(_LabelledWaste):
    """A quarter of an hour."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_waste_15m"


class WasteDay(_LabelledWaste):
    """A day of UTC, whatever the project's zone: a range is some whole ones and quarters of an hour around them."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_waste_1d"


class BriefWasteQuarter(_WasteSums):
    """A quarter of an hour, whatever runs are labelled with: a few rows, however much is wasted."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_waste_brief_15m"


class BriefWasteDay(_WasteSums):
    """A day of UTC, whatever runs are labelled with."""

    pk = models.CompositePrimaryKey("project_id", "bucket", "series_id")

    class Meta:
        db_table = "telemetry_rollup_waste_brief_1d"
