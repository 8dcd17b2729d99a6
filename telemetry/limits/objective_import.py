"""What a file says of objectives is kept: all of it or nothing, and the same file again changes nothing.

What is not in the file stays as it is. Days that are over keep what was said of them, as in the admin (editing.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from telemetry.limits import editing
from telemetry.limits.objective_files import (
    AttributionRow,
    BadFile,
    KeyResultRow,
    ObjectiveRow,
    Record,
    Sheet,
    ValueRow,
    WorkItemRow,
)
from telemetry.models import Attribution, KeyResult, KeyResultValue, Objective, Project, WorkItem

_PRIORITIES = {one.label.lower(): one for one in Objective.Priority}
_NAMES = {
    ObjectiveRow: "objectives",
    KeyResultRow: "key results",
    ValueRow: "values",
    WorkItemRow: "work items",
    AttributionRow: "attributions",
}


@dataclass(slots=True)
class Kept:
    """How many of each kind were new, changed, or as they were."""

    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        parts = [
            f"{self.new[name]} new, {self.changed[name]} changed, {self.same[name]} unchanged {name}"
            for name in _NAMES.values()
            if self.new[name] or self.changed[name] or self.same[name]
        ]
        return "; ".join(parts) or "The file says nothing."


def keep(sheet: Sheet, *, project: Project, by: str, today: date, dry_run: bool = False) -> Kept:
    """Keep what a file says. Raises BadFile with every problem; then nothing is kept."""
    kept = Kept()
    with transaction.atomic():
        editing.hold(project.pk)
        _Keeper(project, by, today, kept).keep(sheet)
        transaction.set_rollback(dry_run)
    return kept


@dataclass(slots=True)
class _Keeper:
    project: Project
    by: str
    today: date
    kept: Kept

    def keep(self, sheet: Sheet) -> None:
        """Raises BadFile."""
        problems: list[str] = []
        for place, record in [*sheet.records]:
            if not isinstance(record, AttributionRow):
                self._try(place, record, problems)
        said = [(place, one) for place, one in sheet.records if isinstance(one, AttributionRow)]
        for place, one in sorted(said, key=lambda pair: self._grows(pair[1])):  # what shrinks makes room first
            self._try(place, one, problems)
        if problems:
            raise BadFile(problems)

    def _try(self, place: str, record: Record, problems: list[str]) -> None:
        name = _NAMES[type(record)]
        try:
            done = self._keep(record)
        except ValidationError as error:
            problems.append(f"{place}: {' '.join(error.messages)}")
        else:
            {None: self.kept.same, False: self.kept.changed, True: self.kept.new}[done][name] += 1

    def _keep(self, record: Record) -> bool | None:
        """Whether it is new; None where nothing changed. Raises ValidationError."""
        if isinstance(record, ObjectiveRow):
            return self._objective(record)
        if isinstance(record, KeyResultRow):
            return self._key_result(record)
        if isinstance(record, ValueRow):
            return self._value(record)
        if isinstance(record, WorkItemRow):
            return self._work_item(record)
        return self._attribution(record)

    def _objective(self, said: ObjectiveRow) -> bool | None:
        fields: dict[str, Any] = {
            "title": said.title,
            "priority": _PRIORITIES[said.priority],
            "owner": said.owner,
            "first_day": said.first_day,
            "last_day": said.last_day,
        }
        known = Objective.objects.filter(project=self.project, key=said.key).first()
        return self._put(known or Objective(project=self.project, key=said.key), fields)

    def _key_result(self, said: KeyResultRow) -> bool | None:
        objective = Objective.objects.filter(project=self.project, key=said.objective).first()
        if objective is None:
            raise ValidationError(f"There is no objective {said.objective!r}.")
        is_down = said.start is not None and said.target is not None and said.target < said.start
        fields: dict[str, Any] = {
            "title": said.title,
            "metric": said.metric,
            "unit": said.unit,
            "start_value": said.start,
            "target_value": said.target,
            "direction": KeyResult.Direction.DOWN if is_down else KeyResult.Direction.UP,
            "first_day": said.first_day,
            "last_day": said.last_day,
        }
        known = KeyResult.objects.filter(project=self.project, key=said.key).first()
        if known and known.objective_id != objective.pk:
            raise ValidationError(f"{said.key} belongs to another objective, and what was spent for it stays there.")
        return self._put(known or KeyResult(project=self.project, objective=objective, key=said.key), fields)

    def _put(self, row: Any, fields: dict[str, Any]) -> bool | None:
        """Write an objective or a key result where it is new or says something else now."""
        is_new = row.pk is None
        if not is_new and all(getattr(row, name) == value for name, value in fields.items()):
            return None
        for name, value in fields.items():
            setattr(row, name, value)
        if is_new:
            row.recorded_on = self.today
            editing.refuse_taken(row)
        row.full_clean()
        row.save()
        return is_new

    def _value(self, said: ValueRow) -> bool | None:
        key_result = KeyResult.objects.filter(project=self.project, key=said.key_result).first()
        if key_result is None:
            raise ValidationError(f"There is no key result {said.key_result!r}.")
        known = KeyResultValue.objects.filter(key_result=key_result, day=said.day).first()
        if known and (known.value, known.source) == (said.value, said.source or known.source):
            return None
        row = known or KeyResultValue(project=self.project, key_result=key_result, day=said.day)
        row.value, row.source = said.value, said.source or row.source
        row.full_clean()
        row.save()
        return known is None

    def _work_item(self, said: WorkItemRow) -> bool | None:
        rows = WorkItem.objects.filter(project=self.project, key=said.key.strip())
        known = rows.filter(last_day=None).order_by("-first_day", "-pk").first()
        if known and known.parent == said.parent.strip():
            title, source = said.title or known.title, said.source or known.source
            if (known.title, known.source) == (title, source):
                return None
            known.title, known.source = title, source
            known.save(update_fields=["title", "source"])
            return False
        row = WorkItem(
            project=self.project,
            key=said.key,
            parent=said.parent,
            title=said.title or (known.title if known else ""),
            source=said.source or (known.source if known else ""),
            first_day=said.first_day,
        )
        editing.stand(row, today=self.today)
        return known is None

    def _attribution(self, said: AttributionRow) -> bool | None:
        objective, key_result = self._target(said.to)
        known = self._known(said)
        if known is None:
            row = Attribution(
                project=self.project,
                kind=said.kind,
                name=said.name,
                task_type=said.task_type,
                agent=said.agent,
                pattern=said.pattern,
                objective=objective,
                key_result=key_result,
                weight=said.weight,
                first_day=said.first_day,
                last_day=said.last_day,
                note=said.note,
            )
            editing.say(row, by=self.by, today=self.today)
            return True
        if (known.weight, known.last_day) == (said.weight, said.last_day):
            return None
        if known.last_day != said.last_day:
            editing.refuse_past(said.last_day, known.last_day, self.today)
            known.last_day = said.last_day
            known.full_clean()
            editing.refuse_overfull(known, since=self.today)
            known.save(update_fields=["last_day"])
        editing.reweigh(known, said.weight, by=self.by, today=self.today)
        return False

    def _target(self, key: str) -> tuple[Objective, KeyResult | None]:
        result = KeyResult.objects.select_related("objective").filter(project=self.project, key=key).first()
        if result:
            return result.objective, result
        objective = Objective.objects.filter(project=self.project, key=key).first()
        if objective is None:
            raise ValidationError(f"There is no key result or objective {key!r}.")
        return objective, None

    def _known(self, said: AttributionRow) -> Attribution | None:
        """The row that says the same of the same work now or later, or of the very days that are asked for."""
        rows = Attribution.objects.filter(
            project=self.project,
            kind=said.kind,
            name=said.name.strip(),
            task_type=said.task_type.strip(),
            agent=said.agent.strip(),
            pattern=said.pattern.strip(),
        )
        rows = rows.filter(key_result__key=said.to) | rows.filter(key_result=None, objective__key=said.to)
        of_days = rows.filter(first_day=said.first_day, last_day=said.last_day).order_by("-pk").first()
        if of_days is not None and said.last_day is not None:
            return of_days
        open_rows = [one for one in rows.order_by("-pk") if one.last_day is None or one.last_day >= self.today]
        return open_rows[0] if open_rows else None

    def _grows(self, said: AttributionRow) -> tuple[bool, Any]:
        """Rows that take more than before come after those that take less."""
        known = self._known(said)
        return (known is None or said.weight > known.weight), said.weight
