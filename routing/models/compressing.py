"""Whose prompts are made shorter and when, what was left out of them, and what that came to."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class CompressionRule(models.Model):
    """How a project's prompts are made shorter. The one for a project comes before the one for all."""

    class Mode(models.TextChoices):
        OFF = "off", "Off"
        SHADOW = "shadow", "Shadow: measured, and sent as they came"
        ON = "on", "On"

    project = models.CharField(
        max_length=60, blank=True, default="", unique=True, help_text="Its slug. Empty: every project."
    )
    mode = models.CharField(
        max_length=10,
        choices=Mode,
        default=Mode.SHADOW,
        help_text="On: what tools printed is kept here, where it is left out of a prompt, for 30 days after it was "
        "needed last, or for as long as calls are kept, if that is less.",
    )
    session_tokens = models.PositiveIntegerField(
        "prompt longer than",
        default=50_000,
        validators=[MinValueValidator(1_000)],
        help_text="Tokens, above which the oldest steps of a conversation are left out.",
    )
    turns = models.PositiveIntegerField(
        "more turns than",
        default=20,
        validators=[MinValueValidator(1)],
        help_text="Answers of the model since the last cut, above which the same is done.",
    )
    result_tokens = models.PositiveIntegerField(
        "tool result longer than",
        default=5_000,
        validators=[MinValueValidator(300), MaxValueValidator(1_000_000)],
        help_text="Tokens, above which a new result is replaced by what tells what it is.",
    )

    class Meta:
        ordering = ("project",)

    def __str__(self) -> str:
        return self.get_mode_display()


class Original(models.Model):
    """What was left out of prompts of a project, once, by the hash of its bytes. `parts` are the hashes of what it is
    made of; it may go at `expires_at`, which moves on while a conversation needs it."""

    pk = models.CompositePrimaryKey("project_id", "sha256")
    project_id = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_collation="C")
    kind = models.CharField(max_length=10)
    content = models.BinaryField()
    size = models.IntegerField()  # bytes, as they come, not as PostgreSQL packs them
    parts = ArrayField(models.CharField(max_length=64))
    expires_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("project_id", "expires_at"), name="original_expiry"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.sha256[:16]}"


class Conversation(models.Model):
    """What is known of a conversation between two of its requests: its `state` as routing.compression writes it. Who
    writes it shows the `version` that they read."""

    pk = models.CompositePrimaryKey("project_id", "digest")
    project_id = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)  # of its session, its first message, and how it is spoken
    version = models.BigIntegerField()
    state = models.BinaryField()
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("project_id", "expires_at"), name="conversation_expiry"),)

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:16]


class CompressionDay(models.Model):
    """What making prompts of a tier shorter came to on a UTC day, as it is estimated, or what it would have come to
    (`is_shadow`). Of `asked` requests so many prompts were `shortened`, which would have had `came_tokens`."""

    pk = models.CompositePrimaryKey("project_id", "day", "tier_id", "is_shadow")
    project_id = models.BigIntegerField()
    day = models.DateField()
    tier_id = models.BigIntegerField()
    is_shadow = models.BooleanField()
    asked = models.BigIntegerField()
    shortened = models.BigIntegerField()
    came_tokens = models.BigIntegerField()
    saved_tokens = models.BigIntegerField()
    came_nanousd = models.BigIntegerField()
    saved_nanousd = models.BigIntegerField()
    fetched = models.BigIntegerField()  # parts of what was left out that models asked for

    def __str__(self) -> str:
        return f"{self.day} {self.tier_id}"
