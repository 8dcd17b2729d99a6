"""What the concierge proposed and what people decided, when a skill was first there, and which are retired."""

from __future__ import annotations

from django.db import models


class Advice(models.Model):
    """A gap, a skill that nobody needs, or two that are the same: what was found, and what a person made of it.
    `weight` is how much evidence there is (runs, or days), `decided_weight` how much there was at the decision."""

    class Kind(models.TextChoices):
        GAP = "gap", "Missing"
        IDLE = "idle", "Not needed"
        DOUBLE = "double", "Twice"

    class State(models.TextChoices):
        OPEN = "open", "Proposed"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"

    project_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    weight = models.BigIntegerField()
    found = models.JSONField()
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, default="")
    decided_weight = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project_id", "kind", "key"), name="one_advice"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class SkillSeen(models.Model):
    """Since when a skill has been there for a project, as far as the concierge has looked."""

    project_id = models.BigIntegerField()
    skill = models.CharField(max_length=64)
    first_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project_id", "skill"), name="one_skill_seen"),)


class RetiredSkill(models.Model):
    """A skill that is no longer matched with a project's tasks; who knows its name may read it."""

    project_id = models.BigIntegerField()
    skill = models.CharField(max_length=64)
    retired_at = models.DateTimeField()
    retired_by = models.CharField(max_length=150)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project_id", "skill"), name="one_retired_skill"),)
