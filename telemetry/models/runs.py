"""What each execution came to: the sum over its calls beside what is known of its run, ready to be judged.

Only `series/runs.py` writes them, and only as a whole. An execution's own calls are those that name it, or where none
does, those of its session while it ran; totals that were sent with it are a call that names it.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class RunMark(models.Model):
    """Minutes of a UTC hour in which calls or executions were folded whose runs are to be added up again; or, under the
    oldest hour there is, executions themselves that are so long that each change of them would be dear. Gone once they
    are added up."""

    pk = models.CompositePrimaryKey("project_id", "hour", "id")
    project_id = models.BigIntegerField()
    hour = models.DateTimeField()
    id = models.BigIntegerField()
    minutes = ArrayField(models.DateTimeField())
    execution_ids = ArrayField(models.TextField())

    class Meta:
        managed = False  # its id is counted by PostgreSQL: made by SQL in the migration
        db_table = "telemetry_run_mark"


class RunState(models.Model):
    """When runs of a project, the long ones or the others, were last added up, and what that took."""

    pk = models.CompositePrimaryKey("project_id", "is_long")
    project_id = models.BigIntegerField()
    is_long = models.BooleanField()
    summed_at = models.DateTimeField()
    sum_ms = models.BigIntegerField()

    class Meta:
        db_table = "telemetry_run_state"


class Run(models.Model):
    """An execution with the sums of its calls. Sums that would be greater than an int8 stay at its largest value.

    `task_key` is what two runs of one task have alike, empty where nothing says so. `is_cut`: TLOI cut it itself out of
    a transcript or trace, so that it is a turn and no task. `is_provider_fault`: it ended because the provider failed,
    so that the next run repeats nothing. `result_digest`: of what came out, empty where the sender is silent.
    `repeats_after_s`: it began so many seconds, or more, after a run of the same task; None: after none.
    `is_verified`: the sender says that somebody looked (true), or that the look failed (false); None: nothing.
    """

    pk = models.CompositePrimaryKey("project_id", "execution_id")
    project_id = models.BigIntegerField()
    execution_id = models.TextField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # its last call, or when it says that it ended, whichever is later
    task_key = models.TextField(db_default="")
    task_id = models.TextField(db_default="")
    task_type = models.TextField(db_default="")
    tool = models.TextField(db_default="")
    action = models.TextField(db_default="")
    agent = models.TextField(db_default="")
    host = models.TextField(db_default="")
    model = models.TextField(db_default="")  # the one that cost the most, else what the execution says
    session_id = models.TextField(db_default="")
    session_type = models.TextField(db_default="")
    objective = models.TextField(db_default="")
    source = models.TextField(db_default="")
    status = models.TextField(db_default="")
    errors = models.IntegerField(db_default=0)
    duration_ms = models.BigIntegerField(null=True)  # as the sender says
    is_cut = models.BooleanField(db_default=False)
    is_provider_fault = models.BooleanField(db_default=False)
    is_verified = models.BooleanField(null=True)
    result_digest = models.TextField(db_default="")
    repeats_after_s = models.IntegerField(null=True)  # whole seconds, rounded down
    calls = models.BigIntegerField(db_default=0)
    failed_calls = models.BigIntegerField(db_default=0)
    cut_off_calls = models.BigIntegerField(db_default=0)  # of whose output only the beginning was counted
    subagents = models.IntegerField(db_default=0)
    input_uncached = models.BigIntegerField(db_default=0)
    cache_read = models.BigIntegerField(db_default=0)
    cache_write_5m = models.BigIntegerField(db_default=0)
    cache_write_1h = models.BigIntegerField(db_default=0)
    cache_write_unknown = models.BigIntegerField(db_default=0)
    output = models.BigIntegerField(db_default=0)
    reasoning = models.BigIntegerField(db_default=0)
    cost_nanousd = models.BigIntegerField(db_default=0)
    unpriced_calls = models.BigIntegerField(db_default=0)
    first_call_at = models.DateTimeField(null=True)
    last_call_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "telemetry_rollup_run"
        indexes = (
            models.Index(fields=("project_id", "started_at"), name="run_by_time"),
            models.Index(
                fields=("project_id", "task_key", "started_at"), name="run_by_task", condition=~models.Q(task_key="")
            ),
            models.Index(
                fields=("project_id", "session_id", "started_at"),
                name="run_of_session",
                condition=~models.Q(session_id=""),
            ),
        )
