"""What the Connect page knows of each source: when it last sent something, and why items of it were refused."""

from __future__ import annotations

from django.db import models


class SourceSeen(models.Model):
    """A source that has sent something that was taken; `last_received_at` is exact to a few seconds, by design."""

    pk = models.CompositePrimaryKey("project_id", "source")
    project_id = models.BigIntegerField()
    source = models.TextField()
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()


class RejectedReason(models.Model):
    """How many items of a source were refused for one reason; `sample_id` is the id of one of the last of them."""

    pk = models.CompositePrimaryKey("project_id", "source", "reason")
    project_id = models.BigIntegerField()
    source = models.TextField()
    reason = models.TextField()
    count = models.BigIntegerField()
    last_at = models.DateTimeField()
    sample_id = models.TextField(db_default="")
