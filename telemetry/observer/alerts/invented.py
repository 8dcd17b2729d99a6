"""Alerts of the demo's budgets, as its rule would have told them while its sessions went on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from psycopg import Connection

from telemetry.limits.filling import Filled
from telemetry.limits.granted import Written
from telemetry.limits.standing import budgets_of
from telemetry.models import Alert, AlertRule, Project
from telemetry.observer.alerts.kinds.budgets import NEARLY, QUITE, held_of
from telemetry.sources.demo.governed import MARKS, Passed


def keep_demo_alerts(conn: Connection[object], *, project: Project, passed: Iterable[Passed], now: datetime) -> None:
    """Give the demo that rule, and what it would have found; what is there already stays as it is. It has no channel,
    so nobody is told."""
    rule, _ = AlertRule.objects.get_or_create(project=project, kind=AlertRule.Kind.BUDGET)
    own = {
        one.subject: one for one in budgets_of(conn, project_id=project.pk) if one.is_own and one.period == "session"
    }
    alerts = [_alert(rule, own[one.session_type], one, now) for one in passed if one.session_type in own]
    Alert.objects.bulk_create(alerts, ignore_conflicts=True)


def _alert(rule: AlertRule, budget: Written, one: Passed, now: datetime) -> Alert:
    filled = Filled(budget, one.session_type, one.session_id, one.used)
    mark = NEARLY if one.percent == MARKS[0] else QUITE
    how_full = f"is {int(100 * one.used / budget.limit)} % used" if mark == NEARLY else "is used up"
    held, is_over = held_of(rule.project, rule, filled, mark, how_full), one.over_at <= now
    return Alert(
        project=rule.project,
        rule=rule,
        subject=held.subject,
        period_at=one.at.replace(hour=0, minute=0, second=0, microsecond=0),
        since_at=one.at,
        state=Alert.State.RESOLVED if is_over else Alert.State.FIRING,
        severity=held.severity,
        title=held.title,
        facts=[[fact.name, fact.value] for fact in held.facts],
        links=[[link.title, link.path] for link in held.links],
        first_at=one.at,
        last_at=min(one.over_at, now),
        resolved_at=one.over_at if is_over else None,
    )
