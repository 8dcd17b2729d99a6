"""A project's own days are set in the admin; fewer than two cannot be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from telemetry.access.projects import ensure_project
from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.ledger import retention
from telemetry.ledger.ingest import ingest
from telemetry.models import Project

pytestmark = pytest.mark.usefixtures("database", "static_files")


def save(admin_client: Client, project: Project, days: str) -> int:
    """The status of saving the project's form with so many days."""
    form = {
        "slug": project.slug,
        "name": project.name,
        "time_zone": "UTC",
        "retention_days": days,
        "token_measure": project.token_measure,
        "observed_at_hour": str(project.observed_at_hour),
    }
    for inline in ("memberships", "detector_rules", "allowed_waste"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    return admin_client.post(f"/admin/telemetry/project/{project.pk}/change/", form).status_code


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "status", "kept"), [("30", 302, 30), ("", 302, None), ("1", 200, 7), ("-5", 200, 7)])
def test_days_that_can_be_are_saved_and_others_are_shown_again(
    admin_client: Client, days: str, status: int, kept: int | None
) -> None:
    project = ensure_project(slug="days")
    Project.objects.filter(pk=project.pk).update(retention_days=7)
    assert save(admin_client, project, days) == status
    project.refresh_from_db()
    assert project.retention_days == kept


def test_they_hold_for_what_comes_within_seconds(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "RECHECK_S", 0.0)
    now = datetime.now(UTC)

    def refused(name: str) -> list[str]:
        call = Call(id=name, started_at=now - timedelta(days=20), model="house-llama")
        receipt = ingest(connection(), project_id=project.pk, calls=[call], source="test", now=now)
        return [one.reason for one in receipt.rejected]

    assert refused("before") == []
    Project.objects.filter(pk=project.pk).update(retention_days=10)
    assert refused("after") == ["it is older than the 10 days that are kept"]
