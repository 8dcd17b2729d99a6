"""Models whose calls of the last 24 hours have no price, so that what they cost stands in no figure."""

from __future__ import annotations

from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.message import Fact, Held, Link, one_line, page, subject_of
from telemetry.series import queries
from telemetry.series.window import by_preset


def look(glance: Glance) -> list[Held]:
    """A `Held` a model of a provider."""
    window = by_preset("24h", zone=glance.tz.key, now=glance.now)
    found = queries.unpriced_models(glance.conn, project_id=glance.project.pk, window=window)
    return [_held(glance, provider, model, calls) for provider, model, calls in found]


def _held(glance: Glance, provider: str, model: str, calls: int) -> Held:
    return Held(
        subject=subject_of(provider, model),
        title=f"Model {one_line(model, 120) or '(none)'} has no price",
        severity=glance.rule.severity,
        facts=(
            Fact("Calls without a price in the last 24 hours", f"{calls:,}"),
            Fact("Provider", one_line(provider, 120) or "(none)"),
        ),
        links=(Link("Price it", page("/models/", project=glance.project.slug, model=model, range="24h")),),
    )
