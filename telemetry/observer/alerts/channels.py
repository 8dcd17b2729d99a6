"""Channels that settings name, the rules that a project begins with, and where a channel's messages go."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from telemetry.access import sealing
from telemetry.models import AlertChannel, AlertRule, Project

OF_SETTINGS = (
    ("ALERTING_WEBHOOK_URL", AlertChannel.Kind.WEBHOOK, "Webhook of this server"),
    ("SLACK_WEBHOOK_URL", AlertChannel.Kind.SLACK, "Slack of this server"),
)
NOT_SET = "Its setting is no longer set."


@dataclass(frozen=True, slots=True)
class Target:
    """Where a channel's messages go, and what signs them; both secret."""

    address: str
    secret: str


def ensure_of_settings() -> None:
    """Give every project but the demo the channels that settings name. Where none is set, nothing is asked."""
    for setting, kind, name in OF_SETTINGS:
        if not getattr(settings, setting):
            continue
        lacking = Project.objects.filter(is_demo=False).exclude(alert_channels__from_setting=setting)
        for project in lacking.order_by("pk"):
            with transaction.atomic():
                AlertChannel.objects.bulk_create(
                    [AlertChannel(project=project, kind=kind, name=name, from_setting=setting)], ignore_conflicts=True
                )
                begin_with_rules(project)


def begin_with_rules(project: Project) -> bool:
    """Give a project that has no rule one of each kind; whether it had none. They hold back what is not urgent: one
    message a day and subject."""
    with transaction.atomic():
        Project.objects.select_for_update(of=("self",), no_key=True).get(pk=project.pk)
        if AlertRule.objects.filter(project=project).exists():
            return False
        medium = {AlertRule.Kind.UNPRICED_MODEL, AlertRule.Kind.INGEST_ERRORS}
        AlertRule.objects.bulk_create(
            AlertRule(project=project, kind=kind, severity="medium" if kind in medium else "high")
            for kind in AlertRule.Kind.values
        )
        return True


def target(channel: AlertChannel) -> Target:
    """Where a channel's messages go. Raises sealing.Lost; ValueError where its setting is gone."""
    if not channel.from_setting:
        return Target(sealing.unseal(channel.sealed_address), sealing.unseal(channel.sealed_secret))
    address = str(getattr(settings, channel.from_setting, ""))
    if not address:
        raise ValueError(NOT_SET)
    is_signed = channel.kind == AlertChannel.Kind.WEBHOOK
    return Target(address, settings.ALERTING_WEBHOOK_SECRET if is_signed else "")
