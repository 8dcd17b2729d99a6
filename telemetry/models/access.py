"""Who may see and send what: projects, their members, their keys, and links that log a person in once."""

from __future__ import annotations

import zoneinfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


def validate_time_zone(name: str) -> None:
    """Accept an IANA zone that this machine knows. Raises ValidationError."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name!r} is not an IANA time zone such as Europe/Madrid.")


class TokenMeasure(models.TextChoices):
    """How detectors count input tokens."""

    WEIGHTED = "weighted", "Weighted by price"
    GROSS = "gross", "Gross: each token once"


class Project(models.Model):
    """The tenant: everything recorded belongs to exactly one project, and is shown in its one time zone.

    Calls before `calls_kept_from_at` may be gone, and their sums are never computed again; None: all are there. It only
    grows, whatever becomes of `retention_days`.
    """

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=60, default="UTC", validators=[validate_time_zone])
    keep_content = models.BooleanField(
        default=False,
        help_text="Keep prompts, answers and tools' arguments that exporters send; else they are dropped.",
    )
    retention_days = models.PositiveIntegerField(
        "days kept",
        null=True,
        blank=True,
        validators=[MinValueValidator(2)],
        help_text="Calls older than this are deleted; sums stay. Empty: what TLOI_RETENTION_DAYS says.",
    )
    calls_kept_from_at = models.DateTimeField(null=True, editable=False)
    token_measure = models.CharField(
        max_length=10,
        choices=TokenMeasure.choices,
        default=TokenMeasure.WEIGHTED,
        help_text="How detectors count input. Weighted: what is read from a cache counts a tenth, what is written to"
        " one 1.25 or 2 times, as it is priced. Gross: each token once.",
    )
    observed_at_hour = models.PositiveSmallIntegerField(
        "observed at hour",
        default=1,
        validators=[MaxValueValidator(23)],
        help_text="The hour of the project's zone at which the day before is judged and reported.",
    )
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """A person's role in a project."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer: sees pages"
        EDITOR = "editor", "Editor: also edits prices, budgets and tiers"
        OWNER = "owner", "Owner: also manages keys and members"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "project"), name="one_role_a_project"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


class ApiKey(models.Model):
    """`tloi_<prefix>_<secret>`; only the prefix and the SHA-256 of the whole key are stored."""

    class Scope(models.TextChoices):
        INGEST = "ingest", "Ingest: send telemetry"
        READ = "read", "Read: ask for usage"
        GATEWAY = "gateway", "Gateway: call models"
        ADMIN = "admin", "Admin: change budgets and tiers"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices))
    session_type = models.CharField(
        max_length=40, blank=True, default="", help_text="of calls by the gateway that say none, such as cron"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("project", "name")

    def __str__(self) -> str:
        return f"{self.name} (tloi_{self.prefix}_…)"


class LoginLink(models.Model):
    """A link that logs `user` in once, before `expires_at`; only the SHA-256 of its token is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link for {self.user} until {self.expires_at}"
