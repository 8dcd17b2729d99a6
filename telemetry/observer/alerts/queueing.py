"""An alert becomes a message to each of its channels, written down once and delivered later."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings

from telemetry.models import Alert, AlertChannel, AlertDelivery, AlertRule, Project
from telemetry.observer.alerts.message import Fact, Link, Message, moment, one_line


def tell(alert: Alert, rule: AlertRule, *, event: str, now: datetime) -> None:
    """Hand an alert, or that it is over, to the channels of its rule, and note when. Where there is none, it is noted
    all the same: a channel that is added later is not told what was before it."""
    channels = AlertChannel.objects.filter(project_id=alert.project_id, is_enabled=True).order_by("pk")
    if rule.channel_id is not None:
        channels = channels.filter(pk=rule.channel_id)
    deliveries = [
        waiting(channel, of_alert(alert, rule, event=event, now=now), alert=alert, now=now) for channel in channels
    ]
    AlertDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    told = "resolved_told_at" if event == AlertDelivery.Event.RESOLVED else "told_at"
    Alert.objects.filter(pk=alert.pk).update(**{told: now})


def waiting(channel: AlertChannel, message: Message, *, alert: Alert | None, now: datetime) -> AlertDelivery:
    """A message that waits for its first attempt; not saved."""
    return AlertDelivery(
        project_id=channel.project_id,
        channel=channel,
        alert=alert,
        event=message.event,
        message_id=message.id,
        message=message.as_document(),
        next_at=now,
        created_at=now,
    )


def of_alert(alert: Alert, rule: AlertRule, *, event: str, now: datetime) -> Message:
    """What is said of an alert, with whole addresses."""
    return _message(
        rule.project,
        event=event,
        rule=rule.kind,
        subject=alert.subject,
        severity=alert.severity,
        title=alert.title,
        facts=tuple(Fact(name, value) for name, value in alert.facts),
        links=tuple(Link(title, f"{settings.SITE_ADDRESS}{path}") for title, path in alert.links),
        since=moment(alert.first_at),
        now=now,
    )


def of_test(channel: AlertChannel, *, now: datetime) -> Message:
    """A message that says only that messages arrive."""
    return _message(
        channel.project,
        event=AlertDelivery.Event.TEST,
        rule="test",
        subject="test",
        severity="medium",
        title=f"TLOI reaches {one_line(channel.name, 80)}",
        facts=(Fact("Nothing is wrong", "A person asked for this message."),),
        links=(Link("Open TLOI", f"{settings.SITE_ADDRESS}/?project={channel.project.slug}"),),
        since=moment(now),
        now=now,
    )


def _message(project: Project, *, now: datetime, **said: object) -> Message:
    return Message(
        id=str(uuid.uuid4()),
        project=project.slug,
        project_name=one_line(project.name or project.slug, 120),
        time_zone=project.time_zone,
        created=moment(now),
        **said,  # type: ignore[arg-type]
    )
