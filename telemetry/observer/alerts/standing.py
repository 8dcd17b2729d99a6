"""How a project's alerts stand: what fires, and which channels do not get through. What Overview shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telemetry.models import Alert, AlertChannel, AlertRule

MOST = 3
OF_BUDGETS = (AlertRule.Kind.BUDGET, AlertRule.Kind.OVERRUN_GOING, AlertRule.Kind.OVERRUN_AHEAD)


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that holds, and the page that shows what it is about."""

    title: str
    severity: str
    url: str


@dataclass(frozen=True, slots=True)
class Failing:
    """A channel that gave a message up, and has taken none since."""

    name: str
    kind: str
    since_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The first few of what fires, how many more there are, and what fails."""

    firing: tuple[Firing, ...]
    more: int
    failing: tuple[Failing, ...]


def standing(project_id: int, *, using: str) -> Standing | None:
    """How the alerts of a project stand in a database; None where all is well."""
    alerts = Alert.objects.using(using).filter(project_id=project_id, state=Alert.State.FIRING, rule__is_enabled=True)
    channels = AlertChannel.objects.using(using).filter(
        project_id=project_id, is_enabled=True, failing_since_at__isnull=False
    )
    first = list(alerts.order_by("severity", "-first_at", "pk")[: MOST + 1])
    more = alerts.count() - MOST if len(first) > MOST else 0
    failing = tuple(
        Failing(one.name, one.get_kind_display(), one.failing_since_at, one.last_error)
        for one in channels.order_by("failing_since_at", "pk")
        if one.failing_since_at
    )
    if not first and not failing:
        return None
    return Standing(tuple(Firing(one.title, one.severity, _first(one.links)) for one in first[:MOST]), more, failing)


@dataclass(frozen=True, slots=True)
class Told:
    """An alert of a budget: what it said, when it began, and how it stands."""

    title: str
    severity: str
    state: str
    first_at: datetime
    told_at: datetime | None
    resolved_at: datetime | None


def told_of_budgets(project_id: int, *, using: str, most: int) -> list[Told]:
    """The newest alerts of budgets, those of runs that were to exceed one among them."""
    names = ("title", "severity", "state", "first_at", "told_at", "resolved_at")
    alerts = Alert.objects.using(using).filter(project_id=project_id, rule__kind__in=OF_BUDGETS)
    return [Told(*row) for row in alerts.order_by("-first_at", "-pk").values_list(*names)[:most]]


def _first(links: list[Any]) -> str:
    return str(links[0][1]) if links else ""
