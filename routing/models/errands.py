"""Work that an agent asks for and does not wait for: one request of the ladder, done by a worker, answered once."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models.functions import Now


class Errand(models.Model):
    """One task of `POST /api/v1/tasks/`. What is asked is kept until it is over, the answer for seven days."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid4)
    project_id = models.BigIntegerField()
    key_id = models.BigIntegerField()
    idempotency_key = models.CharField(max_length=200, null=True)
    digest = models.BinaryField(max_length=32)  # of what was asked: the same key must ask the same
    caller = models.JSONField()
    body = models.JSONField(null=True)  # of a chat completion; None once it is over
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_default=Now())  # by the clock that leases are measured by
    finished_at = models.DateTimeField(null=True)
    answer = models.JSONField(null=True)
    error = models.TextField(default="")
    callback = models.TextField(default="")  # sealed, with the secret that signs it
    called_back = models.PositiveSmallIntegerField(default=0)  # attempts
    call_back_at = models.DateTimeField(null=True)  # None: nothing is to be told any more
    callback_status = models.CharField(max_length=200, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("project_id", "idempotency_key"), name="one_errand_an_idempotency_key"),
        )
        indexes = (
            models.Index(fields=("due_at",), name="errand_open", condition=models.Q(state__in=("waiting", "running"))),
            models.Index(fields=("call_back_at",), name="errand_to_tell", condition=~models.Q(call_back_at=None)),
            models.Index(fields=("finished_at",), name="errand_over"),
        )

    def __str__(self) -> str:
        return str(self.id)
