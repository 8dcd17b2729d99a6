"""What is reserved of budgets: how each stands in a span of time, who holds a part of it, and whom it had no room for.

Only `limits/reserving.py` and its neighbours write them. Amounts are whole tokens, or nano-dollars where a window
counts usd.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class BudgetWindow(models.Model):
    """A budget in one span: a day, week or month of the project's zone (`from_at`, `to_at`), or a session or run
    (`span` names it). `id` is a digest of the budget, its subject and the span, so that nobody has to look for it.

    `used` is what the ledger said at `counted_at`, and what was settled since; `reserved` is what open leases hold;
    `granted` is the limit as it was when something was last reserved. A session's window counts all of `sessions`: its
    own, and those that draw on it.
    """

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.UUIDField()
    budget_id = models.BigIntegerField()
    scope = models.TextField()
    subject = models.TextField()
    period = models.TextField()
    counts = models.TextField()
    span = models.TextField()
    from_at = models.DateTimeField(null=True)
    to_at = models.DateTimeField(null=True)
    sessions = ArrayField(models.TextField())
    granted = models.BigIntegerField()
    used = models.BigIntegerField()
    reserved = models.BigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        db_table = "telemetry_budget_window"
        constraints = (
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="a_window_holds_no_less_than_nothing"),
        )


class BudgetLease(models.Model):
    """A part of some windows that a call holds: `amounts[n]` of `windows[n]`, until `until_at`.

    `open`: the call goes on. `expired`: nobody said what became of it; all of it counts as used until somebody does.
    `settled`: it came to so many tokens and nano-dollars, which count until the ledger has them: its marks up to
    `marked` are folded, or where nobody said that it `is_recorded`, some minutes have passed. Then the row goes.
    """

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.TextField()
    windows = ArrayField(models.UUIDField())
    amounts = ArrayField(models.BigIntegerField())
    state = models.TextField()
    created_at = models.DateTimeField()
    until_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    weighted = models.BigIntegerField(db_default=0)
    gross = models.BigIntegerField(db_default=0)
    nanousd = models.BigIntegerField(db_default=0)
    is_recorded = models.BooleanField(db_default=False)
    marked = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "telemetry_budget_lease"
        # No index has a column that changes: a lease that ends stays where it is.
        indexes = (models.Index(fields=("project_id", "until_at"), name="leases_by_end"),)


class BudgetCurb(models.Model):
    """Calls of a session that a budget refused, or whose output it lowered, in an hour: how many, and the last of them.

    `id` is a digest of all that they have in common. `remaining` is what nobody had used or reserved of the budget
    then, in its unit; `prompt` and `wanted` are what the call asked for, `given` the output that it was left: tokens.
    """

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.UUIDField()
    kind = models.TextField()
    budget_id = models.BigIntegerField()
    scope = models.TextField()
    subject = models.TextField()
    period = models.TextField()
    counts = models.TextField()
    session_id = models.TextField()
    agent = models.TextField()
    tier = models.TextField()
    granted = models.BigIntegerField()
    remaining = models.BigIntegerField()
    prompt = models.BigIntegerField()
    wanted = models.BigIntegerField()
    given = models.BigIntegerField()
    calls = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        db_table = "telemetry_budget_curb"
        indexes = (models.Index(fields=("project_id", "last_at"), name="curbs_by_time"),)
