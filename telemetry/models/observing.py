"""What the observer found and what people make of it: anomalies, their rules, reports.

Rules, and what a project lets pass, are edited in the admin; anomalies and reports are written by `observer/` alone.
"""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import ExpressionWrapper, Q

from telemetry.models.access import Project


class Detector(models.TextChoices):
    """The five detectors, a file each in `observer/detectors/`."""

    CONTEXT_BLOAT = "context_bloat", "Context bloat"
    EXPENSIVE_TASK = "expensive_task", "Expensive task"
    DUPLICATE_WORK = "duplicate_work", "Duplicate work"
    FALSE_COMPLETION = "false_completion", "False completion"
    INEFFICIENT_TASK = "inefficient_task", "Inefficient task"


class Anomaly(models.Model):
    """One finding of one detector about one execution. `tokens` is what the whole run came to in the same measure as
    `tokens_wasted`, so that a run with several findings counts once, and never above its total."""

    class Severity(models.TextChoices):
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"

    class State(models.TextChoices):
        NEW = "new", "New"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        NOT_WASTE = "not_waste", "Not waste"
        RESOLVED = "resolved", "Resolved"

    pk = models.CompositePrimaryKey("project_id", "execution_id", "detector")
    project_id = models.BigIntegerField()
    execution_id = models.TextField()
    detector = models.TextField(choices=Detector.choices)
    severity = models.TextField(choices=Severity.choices)
    started_at = models.DateTimeField()
    task_id = models.TextField(db_default="")
    task_type = models.TextField(db_default="")
    agent = models.TextField(db_default="")
    model = models.TextField(db_default="")
    session_id = models.TextField(db_default="")
    tokens = models.BigIntegerField()
    tokens_wasted = models.BigIntegerField()
    evidence = models.JSONField(default=dict)  # the numbers that the rule compared, by name
    digest = models.BigIntegerField(null=True)  # of all that the finding follows from; None: it is to be written anew
    state = models.TextField(choices=State.choices, db_default=State.NEW)
    state_at = models.DateTimeField(null=True)
    state_by = models.TextField(db_default="")
    note = models.TextField(db_default="")
    found_at = models.DateTimeField()
    moved_from_at = models.DateTimeField(null=True, editable=False)  # `started_at` before it was last written anew

    class Meta:
        verbose_name_plural = "anomalies"
        indexes = (
            models.Index(fields=("project_id", "started_at"), name="anomaly_by_time"),
            models.Index(
                "project_id",
                ExpressionWrapper(Q(severity="high"), output_field=models.BooleanField()),
                "tokens_wasted",
                "started_at",
                name="anomaly_by_waste",
            ),
            models.Index(
                fields=("project_id", "session_id", "started_at"),
                name="anomaly_of_session",
                condition=~models.Q(session_id=""),
            ),
            models.Index(
                fields=("project_id", "detector", "task_type"),
                name="anomaly_judged",
                condition=~models.Q(state="new"),
            ),
        )


class DetectorRule(models.Model):
    """What a project says of a detector, where that is not its default; an empty field is the default."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="detector_rules")
    detector = models.TextField(choices=Detector.choices)
    is_enabled = models.BooleanField(default=True)
    threshold = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    allowance = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    floor_tokens = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "detector"), name="one_rule_a_detector"),)

    def __str__(self) -> str:
        return f"{self.project}: {self.detector}"


class AllowedWaste(models.Model):
    """A task type that a detector lets pass; proposed by what people marked, in force once one of them accepts it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="allowed_waste")
    detector = models.TextField(choices=Detector.choices)
    task_type = models.CharField(max_length=200)
    note = models.TextField(blank=True, default="")
    proposed_at = models.DateTimeField(auto_now_add=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "allowed waste"
        constraints = (
            models.UniqueConstraint(fields=("project", "detector", "task_type"), name="one_allowance_a_task_type"),
        )

    def __str__(self) -> str:
        return f"{self.project}: {self.detector} of {self.task_type or 'no task type'}"


class Report(models.Model):
    """What a project did in a day, a week or a month of its zone, as `observer/report/` wrote it down then."""

    class Kind(models.TextChoices):
        DAILY = "daily", "Daily"
        WEEKLY = "weekly", "Weekly"
        MONTHLY = "monthly", "Monthly"

    pk = models.CompositePrimaryKey("project_id", "kind", "first_day")
    project_id = models.BigIntegerField()
    kind = models.TextField(choices=Kind.choices)
    first_day = models.DateField()
    last_day = models.DateField()
    document = models.JSONField()
    made_at = models.DateTimeField()


class Job(models.Model):
    """Work that must be done once for a project and a period: this row is the truth about it, Celery only wakes it.

    Taken with a lease; a worker that dies lets it expire. After three attempts it is dead, until a person tries again.
    Its states and who moves it from one to the next: `jobs/queue.py`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        DEAD = "dead", "Dead: failed three times"

    kind = models.CharField(max_length=40)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="jobs")
    period = models.CharField(max_length=20)  # 2025-11-06, 2025-W45, 2025-11
    first_day = models.DateField()
    last_day = models.DateField()  # both of the project's zone, inclusive
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True, editable=False)
    lease_until_at = models.DateTimeField(null=True, editable=False)
    not_before_at = models.DateTimeField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outdated_at = models.DateTimeField(null=True, editable=False)  # while it runs: its days changed, so once more
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("kind", "project", "period"), name="one_job_a_period"),
            models.UniqueConstraint(
                fields=("project",), name="one_running_job_a_project", condition=models.Q(state="running")
            ),
        )
        indexes = (
            models.Index(
                fields=("not_before_at",), name="job_to_do", condition=models.Q(state__in=("waiting", "running"))
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.project} for {self.period}: {self.state}"
