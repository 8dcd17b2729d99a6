"""Objectives in the stock admin: what is refused, and that days that are over keep what was said of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from telemetry.access.projects import ensure_project
from telemetry.models import Attribution, KeyResult, KeyResultValue, Objective, Project, WorkItem
from tests.page_reading import person, visitor

ADMIN = "/admin/telemetry"
TODAY = datetime.now(UTC).date()
LONG_AGO = date(2026, 1, 1)
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


@pytest.fixture
def objective(project: Project) -> Objective:
    """An objective of long ago."""
    return Objective.objects.create(project=project, key="O1", title="Faster", recorded_on=LONG_AGO)


def posted(admin: Client, where: str, **form: object) -> str:
    return unescape(admin.post(f"{ADMIN}/{where}/", form, follow=True).content.decode())


def added(admin: Client, objective: Objective, **form: object) -> str:
    usual = {"project": objective.project_id, "objective": objective.pk, "kind": "tag", "name": "speed", "weight": "1"}
    return posted(admin, "attribution/add", **(usual | form))


def test_a_key_result_is_written_with_its_values_and_keys_name_one_thing(admin: Client, objective: Objective) -> None:
    rows: dict[str, object] = {"values-TOTAL_FORMS": 1, "values-INITIAL_FORMS": 0}
    rows |= {"values-0-day": "2026-11-01", "values-0-value": "12.5"}
    form: dict[str, object] = {
        "objective": objective.pk,
        "title": "Days to merge",
        "direction": "down",
        "metric": "days",
    }
    form |= {"start_value": "20", "target_value": "10"}
    posted(admin, "keyresult/add", key="O1-KR1", **form, **rows)
    made = KeyResult.objects.get(project=objective.project, key="O1-KR1")
    assert list(KeyResultValue.objects.filter(project=objective.project).values_list("key_result", "value")) == [
        (made.pk, Decimal("12.5"))
    ]
    for key in ("O1-KR1", "O1"):
        assert "already" in posted(admin, "keyresult/add", key=key, **form, **rows)
    assert "does not lie down" in posted(admin, "keyresult/add", key="K2", **(form | {"target_value": "30"}), **rows)
    assert KeyResult.objects.filter(project=objective.project).count() == 1


def test_nobody_gives_more_of_a_subject_away_than_there_is(admin: Client, objective: Objective) -> None:
    added(admin, objective, weight="0.6")
    assert "exceed 1" in added(admin, objective, weight="0.5")
    added(admin, objective, weight="0.4")
    added(admin, objective, name="other", weight="1")
    assert "0.0001" in added(admin, objective, name="third", weight="0")
    weights = Attribution.objects.filter(project=objective.project).values_list("name", "weight")
    assert sorted(weights) == [("other", 1), ("speed", Decimal("0.4")), ("speed", Decimal("0.6"))]


def test_a_new_weight_of_what_held_before_begins_today(admin: Client, objective: Objective) -> None:
    known = Attribution.objects.create(
        project=objective.project, objective=objective, kind="tag", name="speed", recorded_on=LONG_AGO
    )
    page = posted(admin, f"attribution/{known.pk}/change", weight="0.25")
    assert "what was spent before stays" in page
    rows = Attribution.objects.filter(project=objective.project).order_by("pk")
    assert list(rows.values_list("weight", "first_day", "last_day")) == [
        (Decimal(1), None, TODAY - timedelta(days=1)),
        (Decimal("0.25"), TODAY, None),
    ]
    posted(admin, f"attribution/{rows[1].pk}/change", weight="0.5")
    assert [row.weight for row in rows.all()] == [Decimal(1), Decimal("0.5")]


def test_what_held_before_neither_goes_nor_ends_in_the_past(admin: Client, objective: Objective) -> None:
    known = Attribution.objects.create(
        project=objective.project, objective=objective, kind="tag", name="speed", recorded_on=LONG_AGO
    )
    assert "keep what was said" in posted(admin, f"attribution/{known.pk}/change", weight="1", last_day="2026-02-01")
    assert admin.post(f"{ADMIN}/attribution/{known.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.post(f"{ADMIN}/objective/{objective.pk}/delete/", {"post": "yes"}).status_code == 403
    posted(admin, "attribution", action="end", _selected_action=known.pk)
    assert Attribution.objects.get(pk=known.pk).last_day == TODAY - timedelta(days=1)


def test_an_item_that_moves_ends_where_it_stood_and_none_stands_below_itself(
    admin: Client, objective: Objective
) -> None:
    project = objective.project
    WorkItem.objects.create(project=project, key="T-1", parent="EPIC-1", recorded_on=LONG_AGO)
    posted(admin, "workitem/add", project=project.pk, key="T-1", parent="EPIC-2")
    rows = WorkItem.objects.filter(project=project).order_by("pk").values_list("parent", "first_day", "last_day")
    assert list(rows) == [("EPIC-1", None, TODAY - timedelta(days=1)), ("EPIC-2", TODAY, None)]
    assert "below itself" in posted(admin, "workitem/add", project=project.pk, key="EPIC-2", parent="T-1")
    assert len(rows.all()) == 2


def test_a_rule_says_what_it_is_for_and_nothing_else(admin: Client, objective: Objective) -> None:
    assert "A rule has no name" in added(admin, objective, kind="rule", name="")
    assert "rest is for rules" in added(admin, objective, agent="builder")
    added(admin, objective, kind="rule", name="", agent="builder", pattern="release-*")
    assert (
        str(Attribution.objects.get(project=objective.project)) == "rule: agent builder, tasks release-* for O1: Faster"
    )


def test_work_of_one_project_counts_towards_no_objective_of_another(admin: Client, objective: Objective) -> None:
    other = ensure_project(slug=f"{objective.project.slug}-other")
    assert "belongs to another project" in added(admin, objective, project=other.pk)
    assert not Attribution.objects.filter(objective=objective).exists()


def test_a_file_is_uploaded_whole_or_refused_with_every_reason(admin: Client, project: Project) -> None:
    def sent(content: str) -> str:
        form = {"project": project.pk, "file": SimpleUploadedFile("okr.csv", content.encode())}
        return posted(admin, "objective/import", **form)

    assert "Import from a file" in admin.get(f"{ADMIN}/objective/").content.decode()
    lines = "kind,key,title,objective\nobjective,O1,One,\nkey_result,O1-KR1,Days,"
    refused = sent(f"{lines}O9\nkey_result,O1-KR2,,O1\n")
    assert "line 4: Object missing required field `title`" in refused
    assert "There is no objective 'O9'" in sent(f"{lines}O9\n")
    assert not Objective.objects.filter(project=project).exists()
    assert "1 new, 0 changed, 0 unchanged objectives; 1 new, 0 changed, 0 unchanged key results" in sent(f"{lines}O1\n")
    assert visitor(project, role="viewer").get(f"{ADMIN}/objective/import/").status_code == 302
