"""What runs of each kind came to, in a few numbers a kind, and what was expected of each run beside its outcome.

Only `outlook/` writes them. Tokens are gross unless the name says otherwise.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class KeyStat(models.Model):
    """Decayed statistics of one measure over the runs that have a key alike, or of how far runs are from their keys
    (an empty key): with each run all that was known weighs 0.99 of what it did. Source: methods.md §12.

    `key` is a digest of what is alike, `runs` how many there were, undecayed, as is `total`, their plain sum.
    """

    pk = models.CompositePrimaryKey("project_id", "level", "key", "measure")
    project_id = models.BigIntegerField()
    level = models.PositiveSmallIntegerField()  # 0 all, 1 tool, 2 task type, 3 and agent, 4 and description
    key = models.TextField()
    measure = models.TextField()  # gross, weighted, usd, duration_ms
    runs = models.BigIntegerField()
    weight = models.FloatField()
    mean_log = models.FloatField()
    m2_log = models.FloatField()
    total = models.FloatField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        db_table = "telemetry_key_stat"


class ResidualPool(models.Model):
    """How far the last runs were from what was expected of them, in its own unit of spread, oldest first; and which
    share of them may exceed the bounds so that half and a tenth of the next ones do (adaptive conformal inference)."""

    pk = models.CompositePrimaryKey("project_id", "measure")
    project_id = models.BigIntegerField()
    measure = models.TextField()
    scores = ArrayField(models.FloatField())
    score_ats = ArrayField(models.DateTimeField())
    above_q50 = models.FloatField()
    above_q90 = models.FloatField()

    class Meta:
        db_table = "telemetry_residual_pool"


class RunLearned(models.Model):
    """A run whose outcome is in the statistics (no `due_at`), or will be from then on if nothing more comes of it."""

    pk = models.CompositePrimaryKey("project_id", "execution_id")
    project_id = models.BigIntegerField()
    execution_id = models.TextField()
    due_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "telemetry_run_learned"
        indexes = (
            models.Index(fields=("due_at",), name="run_to_learn", condition=models.Q(due_at__isnull=False)),
            models.Index(
                fields=("project_id", "due_at"), name="run_to_learn_next", condition=models.Q(due_at__isnull=False)
            ),
        )


class Forecast(models.Model):
    """What was expected of a run, and what became of it. `is_asked`: somebody asked before it began; else it is what
    the answer would have been when TLOI first saw the run, from other runs alone.

    The budget is the one that was likeliest to be exceeded. `outcome_share`: the share of runs that were expected to
    come to less than this one did, which is uniform where forecasts are right. `overrun_*`: the first time that, while
    the run went on, half of what was thinkable exceeded the budget.
    """

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.UUIDField()
    asked_at = models.DateTimeField()
    is_asked = models.BooleanField()
    execution_id = models.TextField(db_default="")
    task_id = models.TextField(db_default="")
    task_type = models.TextField(db_default="")
    tool = models.TextField(db_default="")
    agent = models.TextField(db_default="")
    session_id = models.TextField(db_default="")
    level = models.TextField(db_default="")
    n = models.BigIntegerField(db_default=0)
    runs = models.BigIntegerField(db_default=0)
    tokens_q50 = models.BigIntegerField(null=True)
    tokens_q90 = models.BigIntegerField(null=True)
    tokens_naive = models.BigIntegerField(null=True)  # the mean of earlier runs of the same level
    tokens_grid = ArrayField(models.BigIntegerField(), null=True)  # at 0.05, 0.10 … 0.95
    weighted_q50 = models.BigIntegerField(null=True)
    weighted_q90 = models.BigIntegerField(null=True)
    cost_q50_nanousd = models.BigIntegerField(null=True)
    cost_q90_nanousd = models.BigIntegerField(null=True)
    duration_q50_ms = models.BigIntegerField(null=True)
    duration_q90_ms = models.BigIntegerField(null=True)
    chances = models.JSONField(default=list)  # a budget each, as `outlook.expected.Chance`
    budget_period = models.TextField(db_default="")  # run or session
    budget_counts = models.TextField(db_default="")  # gross, weighted, usd: the unit of the four that follow
    budget_limit = models.BigIntegerField(null=True)
    budget_spent = models.BigIntegerField(null=True)  # of the session before the run
    budget_naive = models.BigIntegerField(null=True)  # the mean of earlier runs
    budget_used = models.BigIntegerField(null=True)  # by the run, once it has ended
    p_exceed = models.FloatField(null=True)
    warns = models.BooleanField(db_default=False)  # p_exceed is high and rests on enough: told before the run begins
    ended_at = models.DateTimeField(null=True)
    tokens = models.BigIntegerField(null=True)
    cost_nanousd = models.BigIntegerField(null=True)
    duration_ms = models.BigIntegerField(null=True)
    exceeded = models.BooleanField(null=True)
    outcome_share = models.FloatField(null=True)
    overrun_at = models.DateTimeField(null=True)
    overrun_calls = models.BigIntegerField(null=True)
    overrun_used = models.BigIntegerField(null=True)
    overrun_expected = models.BigIntegerField(null=True)

    class Meta:
        db_table = "telemetry_forecast"
        indexes = (
            models.Index(fields=("project_id", "asked_at"), name="forecast_by_time"),
            models.Index(
                fields=("project_id", "execution_id"),
                name="forecast_of_run",
                condition=~models.Q(execution_id=""),
            ),
            models.Index(fields=("project_id", "asked_at"), name="forecast_that_warns", condition=models.Q(warns=True)),
            models.Index(
                fields=("project_id", "overrun_at"),
                name="forecast_overrun",
                condition=models.Q(overrun_at__isnull=False),
            ),
        )
