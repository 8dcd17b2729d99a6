"""How many tokens a skill's body is, counted once a process for each content."""

from __future__ import annotations

from skills.contracts import Skill
from telemetry import facade

_MOST_KEPT = 50_000
_counted: dict[str, int] = {}


def tokens_of(skill: Skill) -> int:
    """The tokens of a body in o200k_base. A process's first count reads a table: a third of a second."""
    if skill.digest not in _counted:
        if len(_counted) >= _MOST_KEPT:
            _counted.clear()
        _counted[skill.digest] = facade.count_text(skill.body)
    return _counted[skill.digest]
