"""Alerts: channels and rules are edited, what was found and sent is looked at."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html

from telemetry.access import sealing
from telemetry.models import Alert, AlertChannel, AlertDelivery, AlertRule
from telemetry.observer.alerts import channels, delivering, mailing, posting

KEPT = "Leave empty to keep it."


class ChannelForm(forms.ModelForm[AlertChannel]):
    """A channel as a person writes it: its address and secret go in and never come out."""

    address = forms.CharField(
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=f"Of the webhook, https://… Not for e-mail. {KEPT}",
    )
    secret = forms.CharField(
        label="Signing secret",
        required=False,
        widget=forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"}),
        help_text=f"Of a webhook. Empty for a new one: it is made, and shown once. {KEPT}",
    )

    class Meta:
        model = AlertChannel
        fields = ("project", "name", "kind", "is_enabled", "recipients")

    def clean_address(self) -> str:
        """Refuse what nothing is ever sent to."""
        address: str = self.cleaned_data["address"]
        if address:
            try:
                posting.check(address, allowed=settings.ALLOW_PRIVATE_WEBHOOKS)
            except posting.Refused as error:
                raise ValidationError(str(error)) from error
        return address

    def clean(self) -> dict[str, Any] | None:
        """Everything but e-mail and what a setting names needs an address."""
        found = super().clean()
        needs = self.cleaned_data.get("kind") != AlertChannel.Kind.EMAIL and not self.instance.from_setting
        if needs and not self.cleaned_data.get("address") and not self.instance.sealed_address:
            self.add_error("address", "Say where its messages go.")
        return found


@admin.register(AlertChannel)
class AlertChannelAdmin(admin.ModelAdmin[AlertChannel]):
    """Channels, with their secrets as their last four characters."""

    form = ChannelForm
    list_display = ("name", "project", "kind", "is_enabled", "where_to", "standing")
    list_filter = ("project", "kind", "is_enabled")
    list_select_related = ("project",)
    search_fields = ("name",)
    readonly_fields = ("where_to", "signed_with", "standing")
    fields = (
        "project",
        "name",
        "kind",
        "is_enabled",
        ("address", "where_to"),
        ("secret", "signed_with"),
        "recipients",
        "standing",
    )
    actions = ("send_test",)

    @admin.display(description="Goes to")
    def where_to(self, channel: AlertChannel) -> str:
        """The setting, the recipients, or how the address ends."""
        if channel.from_setting:
            return f"${channel.from_setting}"
        if channel.kind == AlertChannel.Kind.EMAIL:
            return ", ".join(channel.to)
        return _ending(channel.sealed_address)

    @admin.display(description="Signed with")
    def signed_with(self, channel: AlertChannel) -> str:
        """How the signing secret ends."""
        return _ending(channel.sealed_secret)

    @admin.display(description="State")
    def standing(self, channel: AlertChannel) -> str:
        """Whether its messages arrive."""
        if channel.failing_since_at is None:
            return "no failure"
        return f"failing since {channel.failing_since_at:%Y-%m-%d %H:%M} UTC: {channel.last_error}"

    def get_readonly_fields(self, request: HttpRequest, obj: AlertChannel | None = None) -> tuple[str, ...]:
        """What a setting names is not typed in here, and no channel moves to another project."""
        if obj is None:
            return self.readonly_fields
        return (*self.readonly_fields, "project", *(("kind",) if obj.from_setting else ()))

    def save_model(self, request: HttpRequest, obj: AlertChannel, form: ModelForm[AlertChannel], change: bool) -> None:
        """Seal what was typed in; a new webhook without a secret gets one."""
        address, secret = form.cleaned_data.get("address", ""), form.cleaned_data.get("secret", "")
        if obj.kind == AlertChannel.Kind.WEBHOOK and not (secret or obj.sealed_secret or obj.from_setting):
            secret = secrets.token_urlsafe(32)
            self.message_user(
                request, f"Copy the signing secret now, it is not shown again: {secret}", messages.WARNING
            )
        if address:
            obj.sealed_address = sealing.seal(address)
        if secret:
            obj.sealed_secret = sealing.seal(secret)
        super().save_model(request, obj, form, change)
        if obj.kind == AlertChannel.Kind.EMAIL and not (settings.MAIL_SERVER and settings.MAIL_FROM):
            self.message_user(request, mailing.NO_SERVER, messages.WARNING)
        if channels.begin_with_rules(obj.project):
            self.message_user(request, "The project had no alert rules: it has one of each kind now. Look at them.")

    @admin.action(description="Send test")
    def send_test(self, request: HttpRequest, chosen: QuerySet[AlertChannel]) -> None:
        """Send a message now, and say what came of it."""
        for channel in chosen.select_related("project").order_by("pk")[:10]:
            outcome = delivering.send_test(channel, now=datetime.now(UTC))
            if outcome.is_sent:
                code = f", it answered {outcome.status_code}" if outcome.status_code else ""
                says, level = f"{channel}: sent in {outcome.latency_ms} ms{code}.", messages.SUCCESS
            else:
                says, level = f"{channel}: not sent. {outcome.error}", messages.ERROR
            self.message_user(request, says, level)


@admin.register(AlertRule)
class AlertRuleAdmin(admin.ModelAdmin[AlertRule]):
    """Rules of a project."""

    list_display = ("kind", "project", "is_enabled", "severity", "asks", "period", "quiet", "channel")
    list_filter = ("project", "kind", "is_enabled")
    list_select_related = ("project", "channel__project")
    fieldsets = (
        ("When", {"fields": ("project", "kind", "is_enabled", "severity")}),
        ("Of an anomaly", {"fields": ("detector",)}),
        ("Of a silent agent", {"fields": (("active_days", "silent_hours"),)}),
        ("Of ingest errors", {"fields": ("more_than",)}),
        ("Who is told, and how often", {"fields": ("channel", "period", ("quiet_from", "quiet_until"))}),
    )

    def save_model(self, request: HttpRequest, obj: AlertRule, form: ModelForm[AlertRule], change: bool) -> None:
        """Save; what a rule that is off has found is over, and nobody is told."""
        super().save_model(request, obj, form, change)
        if not obj.is_enabled:
            now = datetime.now(UTC)
            firing = Alert.objects.filter(rule=obj, state=Alert.State.FIRING)
            firing.update(state=Alert.State.RESOLVED, resolved_at=now, resolved_told_at=now)

    @admin.display(description="Asks for")
    def asks(self, rule: AlertRule) -> str:
        """What its kind lets one choose."""
        return {
            AlertRule.Kind.ANOMALY: rule.get_detector_display() or "every detector",
            AlertRule.Kind.AGENT_SILENT: f"{rule.silent_hours} h, busy on {rule.active_days} of 7 days",
            AlertRule.Kind.INGEST_ERRORS: f"more than {rule.more_than} an hour",
        }.get(AlertRule.Kind(rule.kind), "")

    @admin.display(description="Quiet")
    def quiet(self, rule: AlertRule) -> str:
        """Its quiet hours."""
        return f"{rule.quiet_from:%H:%M} to {rule.quiet_until:%H:%M}" if rule.quiet_from and rule.quiet_until else ""


class LookedAt(admin.ModelAdmin[Any]):
    """Rows that TLOI writes itself: to look at."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """TLOI writes them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was is not changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go after 90 days, or with their project, rule or channel, on whose page that is asked."""
        asked = request.resolver_match.url_name if request.resolver_match else None
        own = f"telemetry_{self.opts.model_name}_"
        return not (asked or own).startswith(own) and super().has_delete_permission(request, obj)


@admin.register(Alert)
class AlertAdmin(LookedAt):
    """What rules found."""

    list_display = ("first_at", "project", "severity", "title", "state", "page")
    list_filter = ("project", "state", "severity", "rule__kind")
    list_select_related = ("project",)
    date_hierarchy = "first_at"

    @admin.display(description="Page")
    def page(self, alert: Alert) -> str:
        """The page with its exact filter."""
        path = str(alert.links[0][1]) if alert.links else ""
        return format_html('<a href="{}">show</a>', path) if path.startswith("/") else ""


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(LookedAt):
    """The log of messages."""

    list_display = ("created_at", "channel", "headline", "outcome")
    list_filter = ("state", "event", "project", "channel__kind")
    list_select_related = ("channel__project",)
    date_hierarchy = "created_at"

    @admin.display(description="Message")
    def headline(self, delivery: AlertDelivery) -> str:
        """What was said."""
        return str(delivery.message.get("headline", ""))

    @admin.display(description="What became of it")
    def outcome(self, delivery: AlertDelivery) -> str:
        """Its state, how often it was tried, and what was answered last."""
        tried = f"{delivery.attempts} attempt{'' if delivery.attempts == 1 else 's'}"
        code = f", answered {delivery.status_code}" if delivery.status_code and not delivery.error else ""
        took = f" in {delivery.latency_ms} ms" if delivery.latency_ms is not None else ""
        again = f"; next at {delivery.next_at:%Y-%m-%d %H:%M:%S} UTC" if delivery.state == "waiting" else ""
        error = f": {delivery.error}" if delivery.error else ""
        return f"{delivery.get_state_display()}, {tried}{code}{took}{again}{error}"


def _ending(sealed: str) -> str:
    """The last characters of a secret, or that it is lost."""
    try:
        return sealing.ending(sealed) if sealed else "not set"
    except sealing.Lost as error:
        return str(error)
