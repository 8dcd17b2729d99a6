"""Which skills a project has retired: they are matched with no task, and given to whoever names them."""

from __future__ import annotations

import time
from datetime import datetime

from skills.models import RetiredSkill

_READ_AFTER_S = 1.0
_known: dict[int, tuple[float, frozenset[str]]] = {}


def retired(project_id: int) -> frozenset[str]:
    """The names, as they were a second ago at most. Raises django.db.Error."""
    known = _known.get(project_id)
    if known is None or time.monotonic() - known[0] >= _READ_AFTER_S:
        names = frozenset(RetiredSkill.objects.filter(project_id=project_id).values_list("skill", flat=True))
        known = _known[project_id] = time.monotonic(), names
    return known[1]


def retire(skill: str, *, project_id: int, by: str, now: datetime) -> bool:
    """Offer a skill no longer; False where it is retired already. Other processes know within a second."""
    said = {"retired_at": now, "retired_by": by[:150]}
    _, is_new = RetiredSkill.objects.get_or_create(project_id=project_id, skill=skill, defaults=said)
    _known.pop(project_id, None)
    return is_new


def offer_again(skill: str, *, project_id: int) -> bool:
    """Offer a retired skill again; False where it is none."""
    deleted, _ = RetiredSkill.objects.filter(project_id=project_id, skill=skill).delete()
    _known.pop(project_id, None)
    return bool(deleted)
