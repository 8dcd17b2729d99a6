"""Rules are looked at: what holds becomes alerts, and alerts become messages that wait to be delivered.

A rule is locked while it is looked at and its next look is written in the same transaction, so two workers share the
rules out between them; an alert is unique by rule, subject and period, a message by alert and channel, so whatever runs
twice tells nobody twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import psycopg
from django.db import DatabaseError, transaction
from django.db.models import Q

from telemetry.database import connection
from telemetry.models import Alert, AlertDelivery, AlertRule
from telemetry.observer.alerts import channels, queueing, timing
from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.kinds import anomalies, budgets, overruns, refusals, silence, trends, unpriced
from telemetry.observer.alerts.message import Held
from telemetry.series.window import time_zone

EVERY = timedelta(minutes=1)
PATIENCE_S = 5.0  # then the next look goes on: a worker has other tasks
KEPT = timedelta(days=90)
LOOKS: Mapping[str, Callable[[Glance], list[Held]]] = {
    AlertRule.Kind.ANOMALY: anomalies.look,
    AlertRule.Kind.AGENT_SILENT: silence.look,
    AlertRule.Kind.UNPRICED_MODEL: unpriced.look,
    AlertRule.Kind.INGEST_ERRORS: refusals.look,
    AlertRule.Kind.OVERRUN_AHEAD: overruns.look_ahead,
    AlertRule.Kind.OVERRUN_GOING: overruns.look_going,
    AlertRule.Kind.TREND: trends.look,
    AlertRule.Kind.BUDGET: budgets.look,
}
_FAILURES = (psycopg.Error, DatabaseError, ArithmeticError, LookupError, TypeError, ValueError)
_log = logging.getLogger(__name__)


def look(*, now: datetime, patience_s: float = PATIENCE_S) -> int:
    """Look at the rules that are due, the longest waiting first, for about `patience_s`; how many were looked at. One
    that cannot be looked at is logged and put off."""
    channels.ensure_of_settings()
    began, looked = time.monotonic(), 0
    while time.monotonic() - began < patience_s and (rule_id := _one(now)) is not None:
        looked += 1
        if rule_id:
            AlertRule.objects.filter(pk=rule_id).update(look_at=now + EVERY)
    return looked


def forget(*, now: datetime) -> None:
    """Delete alerts that are over, and what was delivered, after 90 days."""
    before = now - KEPT
    AlertDelivery.objects.filter(created_at__lt=before).delete()
    Alert.objects.filter(last_at__lt=before).exclude(state=Alert.State.FIRING).delete()


def _one(now: datetime) -> int | None:
    """Look at one rule that is due: 0 when that is done, its number where it failed, None where none is due."""
    rule_id = 0
    try:
        with transaction.atomic():
            due = AlertRule.objects.filter(is_enabled=True, look_at__lte=now).order_by("look_at", "pk")
            rule = due.select_related("project").select_for_update(skip_locked=True, of=("self",)).first()
            if rule is None:
                return None
            rule_id = rule.pk
            _look(rule, now)
            rule.look_at = now + EVERY
            rule.save(update_fields=["look_at", "memory"])
    except _FAILURES:
        _log.exception("the alert rule %s could not be looked at", rule_id)
        return rule_id
    return 0


def _look(rule: AlertRule, now: datetime) -> None:
    """Bring a rule's alerts to what holds now. Raises what the database raises, and BadWindow."""
    tz = time_zone(rule.project.time_zone)
    firing = {alert.subject: alert for alert in Alert.objects.filter(rule=rule, state=Alert.State.FIRING)}
    glance = Glance(
        conn=connection(),
        rule=rule,
        project=rule.project,
        tz=tz,
        now=now,
        period_at=timing.period_of(now, period=rule.period, tz=tz),
        firing=dict(firing),
    )
    is_quiet = timing.quiet_until(now, start=rule.quiet_from, end=rule.quiet_until, tz=tz) is not None
    for held in LOOKS[rule.kind](glance):
        alert = _kept(glance, held, firing.pop(held.subject, None))
        if alert.told_at is None and not (held.once and alert.was_told) and not is_quiet:
            queueing.tell(alert, rule, event=AlertDelivery.Event.FIRING, now=now)
    for over in firing.values():
        over.state, over.resolved_at = Alert.State.RESOLVED, now
        over.save(update_fields=["state", "resolved_at"])
    if not is_quiet:
        _tell_resolved(rule, now)


def _kept(glance: Glance, held: Held, before: Alert | None) -> Alert:
    """The alert of what holds, in the period that runs; `before` is the one that was firing until now."""
    said = {
        "title": held.title,
        "severity": held.severity,
        "facts": [[fact.name, fact.value] for fact in held.facts],
        "links": [[link.title, link.path] for link in held.links],
        "last_at": glance.now,
        "state": Alert.State.FIRING,
        "resolved_at": None,
    }
    if before is not None and before.period_at >= glance.period_at:
        Alert.objects.filter(pk=before.pk).update(**said)
        return Alert.objects.get(pk=before.pk)
    first = said | {"project": glance.project, "first_at": glance.now, "since_at": glance.since(held.subject)}
    if before is not None:
        first |= {"was_told": before.was_told or before.told_at is not None}
        Alert.objects.filter(pk=before.pk).update(state=Alert.State.CONTINUED)
    key = {"rule": glance.rule, "subject": held.subject, "period_at": glance.period_at}
    return Alert.objects.update_or_create(**key, defaults=said, create_defaults=first)[0]


def _tell_resolved(rule: AlertRule, now: datetime) -> None:
    """Whoever heard of an alert hears once that it is over."""
    heard_of = Q(told_at__isnull=False) | Q(was_told=True)
    over = Alert.objects.filter(heard_of, rule=rule, state=Alert.State.RESOLVED, resolved_told_at__isnull=True)
    for alert in over.order_by("pk"):
        queueing.tell(alert, rule, event=AlertDelivery.Event.RESOLVED, now=now)
