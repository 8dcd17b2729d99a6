"""How many tokens a skill's body is, counted once for each content, by whichever process comes first."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.cache import cache
from redis import RedisError

from skills.contracts import Skill
from telemetry import facade

_MOST_KEPT = 50_000
_SHARED_S = 30 * 24 * 3600
_AWAY_S = 10.0
_counted: dict[str, int] = {}
_away_until = 0.0


def tokens_of(skill: Skill) -> int:
    """The tokens of a body in o200k_base. Who counts reads a table, a third of a second and tens of megabytes, so what
    one process counted the others are told by the cache; while that is away each counts for itself."""
    if skill.digest not in _counted:
        if len(_counted) >= _MOST_KEPT:
            _counted.clear()
        _counted[skill.digest] = _shared(skill)
    return _counted[skill.digest]


def _shared(skill: Skill) -> int:
    name = f"skill-tokens:{skill.digest}"
    known = _asked(lambda: cache.get(name))
    if isinstance(known, int):
        return known
    counted = facade.count_text(skill.body)
    _asked(lambda: cache.set(name, counted, timeout=_SHARED_S))
    return counted


def _asked(ask: Callable[[], object]) -> object:
    """What the cache says; None while it is away, which is known for a while, for there may be thousands of skills."""
    global _away_until  # noqa: PLW0603 (one for the process)
    if time.monotonic() < _away_until:
        return None
    try:
        return ask()
    except RedisError:
        _away_until = time.monotonic() + _AWAY_S
        return None
