"""Who is told what: channels and rules that people edit, alerts and deliveries that `observer/alerts/` writes."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models

from telemetry.models.access import Project
from telemetry.models.observing import Anomaly, Detector


class AlertChannel(models.Model):
    """A way to tell people. Its address and signing secret are sealed, so that no page, dump or backup shows them.

    `from_setting` names the environment variable that its address is read from; such a channel is made by itself.
    `failing_since_at`: since then every message that was given up was given up here, and none arrived.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook: JSON, signed"
        SLACK = "slack", "Slack"
        DISCORD = "discord", "Discord"
        TEAMS = "teams", "Microsoft Teams"
        EMAIL = "email", "E-mail"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_channels")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    is_enabled = models.BooleanField("enabled", default=True)
    sealed_address = models.TextField(blank=True, default="", editable=False)
    sealed_secret = models.TextField(blank=True, default="", editable=False)
    recipients = models.TextField(blank=True, default="", help_text="For e-mail: addresses, one a line.")
    from_setting = models.CharField(max_length=40, blank=True, default="", editable=False)
    failing_since_at = models.DateTimeField("failing since", null=True, blank=True, editable=False)
    last_error = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("project", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("project", "from_setting"), name="one_channel_a_setting", condition=~models.Q(from_setting="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.project}: {self.name}"

    @property
    def to(self) -> list[str]:
        """The recipients of an e-mail."""
        return self.recipients.replace(",", "\n").split()

    def clean(self) -> None:
        """An e-mail needs recipients. Raises ValidationError."""
        if self.kind != self.Kind.EMAIL:
            return
        if not self.to:
            raise ValidationError({"recipients": "Say at least one address."})
        for one in self.to:
            try:
                validate_email(one)
            except ValidationError as error:
                raise ValidationError({"recipients": f"{one!r} is no address."}) from error


class AlertRule(models.Model):
    """When people are told: once a subject and period while it holds, and once more when it no longer does.

    `look_at` is when it is looked at next; `memory` is what it must remember between two looks.
    """

    class Kind(models.TextChoices):
        ANOMALY = "anomaly", "Anomaly of at least a severity"
        AGENT_SILENT = "agent_silent", "Agent silent"
        UNPRICED_MODEL = "unpriced_model", "Model without a price"
        INGEST_ERRORS = "ingest_errors", "Ingest errors"
        OVERRUN_AHEAD = "overrun_ahead", "Run expected to exceed a budget"
        OVERRUN_GOING = "overrun_going", "Run about to exceed a budget"
        TREND = "trend", "Spend against baseline"
        BUDGET = "budget", "Budget nearly or quite used up"

    class Period(models.TextChoices):
        HOUR = "hour", "Hour"
        DAY = "day", "Day"

    FIELDS_OF: ClassVar[dict[str, tuple[str, ...]]] = {
        Kind.ANOMALY: ("severity", "detector"),
        Kind.AGENT_SILENT: ("active_days", "silent_hours"),
        Kind.UNPRICED_MODEL: (),
        Kind.INGEST_ERRORS: ("more_than",),
        Kind.OVERRUN_AHEAD: (),
        Kind.OVERRUN_GOING: (),
        Kind.TREND: (),
        Kind.BUDGET: (),
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_rules")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    is_enabled = models.BooleanField("enabled", default=True)
    severity = models.CharField(
        max_length=10,
        choices=Anomaly.Severity.choices,
        default=Anomaly.Severity.HIGH,
        help_text="Of an anomaly: at least this. Else: what messages are marked with.",
    )
    detector = models.CharField(
        max_length=30, choices=Detector.choices, blank=True, default="", help_text="For anomalies. Empty: each."
    )
    active_days = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(7)],
        help_text="For a silent agent: it had calls on at least so many of the last 7 days.",
    )
    silent_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 7)],
        help_text="For a silent agent: it has had none for so many hours.",
    )
    more_than = models.PositiveIntegerField(
        default=10, help_text="For ingest errors: more items of a source than this were refused within an hour."
    )
    period = models.CharField(
        max_length=4,
        choices=Period.choices,
        default=Period.DAY,
        help_text="One message a subject in each, of the project's zone, while it holds.",
    )
    quiet_from = models.TimeField(null=True, blank=True, help_text="In the project's zone.")
    quiet_until = models.TimeField(
        null=True, blank=True, help_text="What falls into quiet hours is sent when they end, if it still holds."
    )
    channel = models.ForeignKey(
        AlertChannel, on_delete=models.CASCADE, null=True, blank=True, help_text="Empty: all of the project."
    )
    look_at = models.DateTimeField(auto_now_add=True, editable=False)
    memory = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ("project", "kind")
        indexes = (models.Index(fields=("look_at",), name="rule_to_look_at", condition=models.Q(is_enabled=True)),)

    def __str__(self) -> str:
        return f"{self.project}: {self.get_kind_display()}"

    def clean(self) -> None:
        """Quiet hours have both ends, and a channel is the project's own. Raises ValidationError."""
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValidationError("Quiet hours need both a beginning and an end.")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValidationError("Quiet hours that end when they begin are none; leave both empty.")
        if self.channel is not None and self.channel.project_id != self.project_id:
            raise ValidationError({"channel": "This channel belongs to another project."})


class Alert(models.Model):
    """What a rule found about one subject in one period. One that goes on in the next period is `continued` there.

    `since_at` is where what it tells begins: earlier than its period where quiet hours kept it back. `told_at` is when
    its message was handed to the channels; `was_told`: people have heard of it in a period before.
    """

    class State(models.TextChoices):
        FIRING = "firing", "Firing"
        CONTINUED = "continued", "Continued in the next period"
        RESOLVED = "resolved", "Resolved"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alerts")
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    subject = models.TextField()
    period_at = models.DateTimeField()
    since_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.FIRING)
    severity = models.CharField(max_length=10, choices=Anomaly.Severity.choices)
    title = models.TextField()
    facts = models.JSONField(default=list)
    links = models.JSONField(default=list)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    was_told = models.BooleanField(default=False)
    resolved_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-first_at",)
        constraints = (
            models.UniqueConstraint(fields=("rule", "subject", "period_at"), name="one_alert_a_subject_and_period"),
        )
        indexes = (
            models.Index(fields=("rule", "state"), name="alert_of_rule"),
            models.Index(fields=("project", "first_at"), name="alert_by_time"),
        )

    def __str__(self) -> str:
        return self.title


class AlertDelivery(models.Model):
    """One message to one channel, and what became of it. `message_id` is the same in every attempt."""

    class Event(models.TextChoices):
        FIRING = "firing", "Firing"
        RESOLVED = "resolved", "Resolved"
        TEST = "test", "Test"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_deliveries")
    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, null=True, related_name="deliveries")
    event = models.CharField(max_length=10, choices=Event.choices)
    message_id = models.UUIDField(unique=True)
    message = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "alert deliveries"
        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=("alert", "event", "channel"), name="one_message_a_channel"),)
        indexes = (
            models.Index(fields=("next_at",), name="delivery_to_do", condition=models.Q(state="waiting")),
            models.Index(fields=("project", "created_at"), name="delivery_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.event} to {self.channel}: {self.state}"
