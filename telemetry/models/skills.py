"""Which skill was loaded when, by whom and for what. `ledger.skill_loads` alone writes it."""

from __future__ import annotations

from django.db import models


class SkillInvocation(models.Model):
    """One load of a skill. `digest` says which content of it, so that what was loaded once stays known; `tokens` are
    those of its body in o200k_base, `load_us` how long the loading took. `route`: by the API, the gateway or a task."""

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.UUIDField()
    loaded_at = models.DateTimeField()
    skill = models.TextField()
    digest = models.TextField()
    tokens = models.IntegerField()
    load_us = models.BigIntegerField()
    route = models.TextField()
    agent = models.TextField()
    task_type = models.TextField()
    session_id = models.TextField()
    execution_id = models.TextField()

    class Meta:
        db_table = "telemetry_skill_invocation"
        indexes = (
            models.Index(fields=("project_id", "loaded_at"), name="skill_loads_by_time"),
            models.Index(fields=("project_id", "skill", "loaded_at"), name="skill_loads_by_skill"),
        )
