"""For how long answers may be given again, and what that came to."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

MOST_HOURS = 30 * 24


class KeepRule(models.Model):
    """Answers of a project, of one API key, to one type of task, are kept for so many hours for who asks the same. The
    nearest rule holds: the one for a key before a project's, and one for a type of task before one for all."""

    project = models.CharField(max_length=60, blank=True, default="", help_text="Its slug. Empty: every project.")
    key_id = models.BigIntegerField("API key", null=True, blank=True, help_text="Empty: every key.")
    task_type = models.CharField("type of task", max_length=200, blank=True, default="", help_text="Empty: all.")
    hours = models.FloatField(
        default=24,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_HOURS)],
        help_text="0: none are kept. Only answers to requests with temperature 0 and without tools, and vectors.",
    )

    class Meta:
        ordering = ("project", "key_id", "task_type")
        constraints = (
            models.UniqueConstraint(
                fields=("project", "key_id", "task_type"), name="one_keep_rule", nulls_distinct=False
            ),
        )

    def __str__(self) -> str:
        return f"{self.hours:g} h"


class RecallDay(models.Model):
    """How often kept answers of a tier were asked for on a UTC day, were found, and what they had used when they were
    made. `unpriced` of those that were found had no known cost."""

    pk = models.CompositePrimaryKey("project_id", "day", "tier_id")
    project_id = models.BigIntegerField()
    day = models.DateField()
    tier_id = models.BigIntegerField()
    asked = models.BigIntegerField()
    found = models.BigIntegerField()
    unpriced = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    saved_nanousd = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day} {self.tier_id}"
