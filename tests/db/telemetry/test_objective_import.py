"""A file of objectives is kept whole or not at all, and again it changes nothing; days that are over stay."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from telemetry.limits import objective_files, objective_import
from telemetry.limits.objective_files import BadFile
from telemetry.limits.objective_import import Kept
from telemetry.models import Attribution, KeyResult, KeyResultValue, Objective, Project, WorkItem
from tests.okr_file import DOCUMENT

THEN, TODAY = date(2026, 11, 2), date(2026, 11, 20)
DAY = timedelta(days=1)


def kept(project: Project, said: dict[str, Any], *, today: date = THEN, dry_run: bool = False) -> Kept:
    sheet = objective_files.read(json.dumps(said).encode(), file_name="okr.json")
    return objective_import.keep(sheet, project=project, by="test", today=today, dry_run=dry_run)


def weights(project: Project) -> list[tuple[str, Decimal, date | None, date | None]]:
    rows = Attribution.objects.filter(project=project).order_by("name", "pk")
    return list(rows.values_list("name", "weight", "first_day", "last_day"))


def test_the_same_file_again_changes_nothing(project: Project) -> None:
    first = kept(project, DOCUMENT)
    assert (sum(first.new.values()), sum(first.changed.values())) == (6, 0)
    again = kept(project, DOCUMENT, today=TODAY)
    assert (sum(again.same.values()), sum(again.new.values()), sum(again.changed.values())) == (6, 0, 0)
    made = KeyResult.objects.get(project=project)
    assert (made.key, made.direction, made.recorded_on) == ("O1-KR1", "down", THEN)


def test_a_new_weight_and_a_new_parent_hold_from_the_day_of_the_file_on(project: Project) -> None:
    kept(project, DOCUMENT)
    moved = {
        "work_items": [{"key": "T-1", "parent": "E-2"}],
        "attributions": [{"work_item": "E-1", "to": "O1-KR1", "weight": "0.3"}],
    }
    changed = kept(project, moved, today=TODAY)
    assert changed.changed == {"work items": 1, "attributions": 1}
    assert weights(project)[1:] == [
        ("E-1", Decimal("0.6"), None, TODAY - DAY),
        ("E-1", Decimal("0.3"), TODAY, None),
    ]
    rows = WorkItem.objects.filter(project=project).order_by("pk").values_list("parent", "first_day", "last_day")
    assert list(rows) == [("E-1", None, TODAY - DAY), ("E-2", TODAY, None)]


def test_two_weights_change_places_whatever_their_order_in_the_file(project: Project) -> None:
    def shares(one: str, other: str) -> dict[str, Any]:
        goals = [{"key": key, "title": key} for key in ("A", "B")]
        said = [{"tag": "t", "to": "A", "weight": one}, {"tag": "t", "to": "B", "weight": other}]
        return {"objectives": goals, "attributions": said}

    kept(project, shares("0.7", "0.3"))
    kept(project, shares("0.3", "0.7"), today=TODAY)
    held = Attribution.objects.filter(project=project, last_day=None).order_by("objective__key")
    assert [one.weight for one in held] == [Decimal("0.3"), Decimal("0.7")]


def test_nothing_is_kept_of_a_file_in_which_anything_is_wrong(project: Project) -> None:
    said = {
        **DOCUMENT,
        "attributions": [
            {"tag": "t", "to": "O1", "weight": "0.7"},
            {"tag": "t", "to": "O1-KR1", "weight": "0.7"},
            {"tag": "t", "to": "O9"},
        ],
    }
    with pytest.raises(BadFile) as caught:
        kept(project, said)
    assert any("exceed 1" in problem for problem in caught.value.problems)
    assert any("attributions[2]: There is no key result or objective 'O9'" in one for one in caught.value.problems)
    for table in (Objective, KeyResult, KeyResultValue, WorkItem, Attribution):
        assert not table.objects.filter(project=project).exists()
    kept(project, DOCUMENT, dry_run=True)
    assert not Objective.objects.filter(project=project).exists()


def test_the_command_says_what_it_kept_or_what_is_wrong(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "okr.json"
    path.write_text(json.dumps(DOCUMENT))
    call_command("objectives", "import", str(path), project=project.slug)
    assert "1 new, 0 changed, 0 unchanged objectives" in capsys.readouterr().out
    path.write_text('{"objectives": [{"key": "O 2", "title": "x"}]}')
    with pytest.raises(CommandError, match=r"objectives\[0\]: A key has letters"):
        call_command("objectives", "import", str(path), project=project.slug)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("objectives", "import", str(tmp_path / "gone.json"), project=project.slug)
