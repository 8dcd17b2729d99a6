"""Pages of one thing: what runs and sessions have in common between their address and their template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from telemetry.access.projects import visible_projects
from telemetry.dashboards import callpanels, formats, pages, shell
from telemetry.dashboards.callpanels import Told
from telemetry.dashboards.facts import Fact, Figure, Finding
from telemetry.dashboards.pages import Shown
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell
from telemetry.models import Anomaly, Membership, Project
from telemetry.observer import wording
from telemetry.series.queries import Coverage

MOST_FINDINGS = 100
_TITLE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What a page says of one thing: its kind, its id, what else is known of it, its figures, panels, and a sentence
    where sums are still to come."""

    kind: str
    key: str
    title: str
    facts: Sequence[Fact]
    errors: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    panels: Sequence[Shown] = ()
    waiting: str = ""


def answer(
    request: HttpRequest, detail: Detail, *, page: str, state: PageState, membership: Membership, covered: Coverage
) -> HttpResponse:
    """The page."""
    around = shell.around(
        state,
        membership,
        visible_projects(membership.user_id),
        page=page,
        covered=covered,
        about=f"{detail.kind} {formats.clipped(detail.key, _TITLE)}",
        filtered=False,
        title=formats.clipped(detail.title, _TITLE),
    )
    shown = [panel for panel in detail.panels if panel.content is not None or panel.failure]
    context = {
        "shell": around,
        "state": state,
        "detail": detail,
        "panels": shown,
        "has_charts": any(panel.panel.template == callpanels.CHART for panel in shown),
    }
    return render(request, "telemetry/detail.html", context)


def shown(panels: Iterable[Panel], project: Project, told: Told) -> list[Shown]:
    """Each panel with its answer, or with the reason why there is none."""
    reader = Reader(told.conn, project, told.state)
    return [pages.show(panel, reader) for panel in panels]


def findings(using: str, project_id: int, **narrowed: object) -> list[Finding]:
    """Anomalies of a project that hold, as pages print them, the newest first."""
    anomalies = Anomaly.objects.using(using).filter(project_id=project_id, **narrowed)
    anomalies = anomalies.exclude(evidence__contains={"holds": False}).order_by("-started_at")
    return [
        Finding(
            execution_id=one.execution_id,
            detector=one.get_detector_display(),
            issue=wording.issue(one.detector, one.evidence),
            severity=one.severity,
            tokens_wasted=one.tokens_wasted,
            state=one.get_state_display(),
        )
        for one in anomalies[:MOST_FINDINGS]
    ]


def moment(title: str, at: datetime | None, state: PageState) -> list[Fact]:
    """A fact that is a moment, to the second; none where it is not known."""
    if at is None:
        return []
    local = at.astimezone(state.window.tz)
    return [Fact(title, Cell(f"{formats.day(local.date())}, {local:%H:%M:%S}", local.isoformat(), words=True))]
