"""What became of answers, what they add up to, what was learned of them, and what a tier's share costs."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Outcome(models.Model):
    """An attempt of a tier: why it was made, how it failed; of an answer (`fault` is empty then) what it looked like,
    what the gate said, and, once it is known, whether it was good."""

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.CharField(max_length=200)  # the attempt's, as in the ledger
    at = models.DateTimeField()
    task_type = models.CharField(max_length=200)
    tier_id = models.BigIntegerField()
    execution = models.CharField(max_length=200)
    reason = models.CharField(max_length=200, default="")  # its first words, which many have alike
    fault = models.CharField(max_length=20, default="")
    prompt_chars = models.IntegerField()
    p_good = models.FloatField()
    is_refused = models.BooleanField()
    is_final = models.BooleanField()
    findings = ArrayField(models.TextField())
    signals = ArrayField(models.FloatField())
    is_good = models.BooleanField(null=True)
    would_help = models.BooleanField(null=True)  # a higher tier's answer: known where one was asked for
    known_by = models.CharField(max_length=20, default="")  # climb, audit, execution

    class Meta:
        indexes = (
            models.Index(
                fields=("project_id", "task_type", "tier_id", "-at"),
                name="outcome_known",
                condition=models.Q(is_good__isnull=False),
            ),
            models.Index(
                fields=("project_id", "at"),
                name="outcome_awaited",
                condition=models.Q(is_good__isnull=True, is_final=True) & ~models.Q(execution=""),
            ),
            models.Index(fields=("at",), name="outcome_at"),
        )

    def __str__(self) -> str:
        return self.id


class OutcomeDay(models.Model):
    """What a day's answers of a task type and tier add up to; `good` is a sum of chances where it is not known.
    `compared`: of how many a higher tier's answer was had as well, and of how many that was the better one."""

    pk = models.CompositePrimaryKey("project_id", "day", "task_type", "tier_id")
    project_id = models.BigIntegerField()
    day = models.DateField()  # UTC
    task_type = models.CharField(max_length=200)
    tier_id = models.BigIntegerField()
    n = models.BigIntegerField()
    good = models.FloatField()
    refused = models.BigIntegerField()
    failed = models.BigIntegerField(default=0)
    compared = models.BigIntegerField(default=0)
    bettered = models.BigIntegerField(default=0)
    log_chars = models.FloatField()
    log_chars_squared = models.FloatField()

    def __str__(self) -> str:
        return f"{self.day} {self.task_type}"


class ReasonDay(models.Model):
    """Why a tier was asked on a day, how often, and how well it answered then."""

    pk = models.CompositePrimaryKey("project_id", "day", "tier_id", "reason")
    project_id = models.BigIntegerField()
    day = models.DateField()  # UTC
    tier_id = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    n = models.BigIntegerField()
    answered = models.BigIntegerField()
    final = models.BigIntegerField()
    good = models.FloatField()

    def __str__(self) -> str:
        return f"{self.day} {self.reason}"


class Calibration(models.Model):
    """A fit of the quality gate: `good` says how likely an answer is good, `helps` how likely a higher tier's would be
    while it is not."""

    pk = models.CompositePrimaryKey("project_id", "task_type", "tier_id", "kind")
    project_id = models.BigIntegerField()
    task_type = models.CharField(max_length=200)
    tier_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    n = models.IntegerField()
    fit = models.JSONField()
    fitted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task_type} {self.kind}"


class TierPrice(models.Model):
    """What a call of a tier costs in the measure of the ladder, so that it keeps its share, and how many answers it
    gave since that was last looked at. Of the instance, as tiers are."""

    tier_id = models.BigIntegerField(primary_key=True)
    price = models.FloatField(null=True)
    answered = models.BigIntegerField(default=0)
    stepped_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.tier_id)


class BreakerChange(models.Model):
    """A tier was left out (`kind` says after what), or is asked again (empty), as one process saw it."""

    tier_id = models.BigIntegerField()
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=20)

    def __str__(self) -> str:
        return f"{self.tier_id} {self.kind}"

    @classmethod
    def newest(cls) -> models.QuerySet[BreakerChange]:
        """Of each tier what was seen last."""
        return cls.objects.order_by("tier_id", "-at", "-pk").distinct("tier_id")


class Audit(models.Model):
    """An answer that passed the gate, of which a higher tier is to be asked as well. Taken away when that begins."""

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.CharField(max_length=200)  # the attempt's
    created_at = models.DateTimeField()
    protocol = models.CharField(max_length=40)
    caller = models.JSONField()
    body = models.JSONField()
    text = models.TextField()
    position = models.PositiveSmallIntegerField()  # of the tier that is asked

    def __str__(self) -> str:
        return self.id


class AuditDay(models.Model):
    """What the audits of a UTC day have cost, of all projects, and how many there were."""

    day = models.DateField(primary_key=True)
    done = models.IntegerField(default=0)
    cost_nanousd = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.day)
