"""What was recorded. Large tables bear `project_id` as a plain number in every key (docs/design.md, Citus rules).

`Call` and `Identity` are written by COPY in `ledger/store.py`; these classes document their columns and make the
migrations. Token columns count tokens, `*_nanousd` integers of 10⁻⁹ US dollars, `*_ms` milliseconds.
"""

from __future__ import annotations

from django.db import models


class Call(models.Model):
    """One billed request to a model. Partitioned by `started_at`; the only thing that is counted."""

    pk = models.CompositePrimaryKey("project_id", "started_at", "id")
    project_id = models.BigIntegerField()
    started_at = models.DateTimeField()
    id = models.UUIDField()
    input_uncached = models.BigIntegerField()
    cache_read = models.BigIntegerField()
    cache_write_5m = models.BigIntegerField()
    cache_write_1h = models.BigIntegerField()
    cache_write_unknown = models.BigIntegerField()
    output = models.BigIntegerField()
    reasoning = models.BigIntegerField(null=True)
    cost_reported_nanousd = models.BigIntegerField(null=True)
    cost_computed_nanousd = models.BigIntegerField(null=True)
    cost_kind = models.TextField()
    price_version = models.TextField()
    quality = models.IntegerField()
    duration_ms = models.BigIntegerField(null=True)
    ttft_ms = models.BigIntegerField(null=True)
    received_at = models.DateTimeField()
    source = models.TextField()
    provider = models.TextField()
    model = models.TextField()
    agent = models.TextField()
    host = models.TextField()
    session_id = models.TextField()
    subagent_id = models.TextField()
    session_type = models.TextField()
    execution_id = models.TextField()
    task_type = models.TextField()
    objective = models.TextField()
    skill = models.TextField()
    tier = models.TextField()
    service_tier = models.TextField()
    error_type = models.TextField()
    request_key = models.TextField()
    attributes = models.JSONField(null=True)

    class Meta:
        managed = False  # partitioned: made by SQL in the migration
        db_table = "telemetry_call"


class Identity(models.Model):
    """Which call an identity belongs to: decides for ever in which partition that call lives.

    `call_id` is set where the identity is another name of a call: an alias, or what calls of two routes have alike.
    """

    pk = models.CompositePrimaryKey("project_id", "id")
    project_id = models.BigIntegerField()
    id = models.UUIDField()
    started_at = models.DateTimeField()
    usage_rank = models.BigIntegerField()
    cost_rank = models.BigIntegerField()
    fields = models.IntegerField()
    revision = models.IntegerField(db_default=1)
    call_id = models.UUIDField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("project_id", "call_id"), name="identity_of_call", condition=models.Q(call_id__isnull=False)
            ),
        )


class Execution(models.Model):
    """One run of a task. Its usage is always the sum over its calls; `sent_*` is what the sender claimed.

    `moved_from_at` is where the last change found it: RETURNING shows only what a row has become.
    """

    pk = models.CompositePrimaryKey("project_id", "execution_id")
    project_id = models.BigIntegerField()
    execution_id = models.TextField()
    started_at = models.DateTimeField()
    task_id = models.TextField(db_default="")
    tool = models.TextField(db_default="")
    action = models.TextField(db_default="")
    model = models.TextField(db_default="")
    duration_ms = models.BigIntegerField(null=True)
    sent_input_tokens = models.BigIntegerField(null=True)
    sent_output_tokens = models.BigIntegerField(null=True)
    sent_cache_read_tokens = models.BigIntegerField(null=True)
    sent_cache_write_tokens = models.BigIntegerField(null=True)
    status = models.TextField(db_default="")
    errors = models.JSONField(default=list)
    task_type = models.TextField(db_default="")
    agent = models.TextField(db_default="")
    session_id = models.TextField(db_default="")
    session_type = models.TextField(db_default="")
    skills = models.JSONField(default=list)
    objective = models.TextField(db_default="")
    source = models.TextField(db_default="")
    has_calls = models.BooleanField(db_default=False)
    called_from_at = models.DateTimeField(null=True)  # calls that name it began between these two, or a minute beside
    called_to_at = models.DateTimeField(null=True)
    attributes = models.JSONField(null=True)
    received_at = models.DateTimeField()
    moved_from_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("project_id", "started_at"), name="execution_by_time"),
            models.Index(
                fields=("project_id", "started_at"),
                name="execution_to_compare",
                condition=models.Q(has_calls=True)
                & (models.Q(sent_input_tokens__isnull=False) | models.Q(sent_output_tokens__isnull=False)),
            ),
            models.Index(
                fields=("project_id", "session_id"),
                name="execution_without_calls",
                condition=models.Q(has_calls=False) & ~models.Q(session_id=""),
            ),
            models.Index(
                fields=("project_id", "session_id"),
                name="execution_with_totals",
                condition=~models.Q(session_id="")
                & (models.Q(sent_input_tokens__gt=0) | models.Q(sent_output_tokens__gt=0)),
            ),
        )


class Session(models.Model):
    """One conversation of an agent. Sub-agents' calls bear the parent's session and their own `subagent_id`.

    `started_at` and `last_call_at` are moments of calls; some may lie up to a minute outside of the two.
    """

    pk = models.CompositePrimaryKey("project_id", "session_id")
    project_id = models.BigIntegerField()
    session_id = models.TextField()
    agent = models.TextField(db_default="")
    host = models.TextField(db_default="")
    session_type = models.TextField(db_default="")
    started_at = models.DateTimeField()
    last_call_at = models.DateTimeField()


class MeterPoint(models.Model):
    """What a session's counter of tokens showed; counts only while the session has no calls of its own."""

    pk = models.CompositePrimaryKey("project_id", "series", "started_at", "at")
    project_id = models.BigIntegerField()
    series = models.UUIDField()
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    session_id = models.TextField()
    model = models.TextField()
    agent = models.TextField()
    bucket = models.TextField()
    value = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=("project_id", "session_id"), name="meter_of_session"),)


class Quarantined(models.Model):
    """A record whose time cannot be believed: kept and counted, in no sum until a person decides."""

    project_id = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)
    reason = models.TextField()
    source = models.TextField()
    record = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "quarantined"
        constraints = (models.UniqueConstraint(fields=("project_id", "digest"), name="quarantined_once"),)


class ImportedFile(models.Model):
    """How far a local file has been read, and the state of its reader there; what makes import incremental."""

    pk = models.CompositePrimaryKey("project_id", "source", "host", "path")
    project_id = models.BigIntegerField()
    source = models.TextField()
    host = models.TextField()
    path = models.TextField()
    size = models.BigIntegerField()
    offset = models.BigIntegerField()
    fingerprint = models.BinaryField()
    state = models.JSONField(default=dict)
    imported_at = models.DateTimeField()
