"""Which days a baseline rests on: unusual ones are left out, until they are what is usual now. Pure."""

from __future__ import annotations

from collections.abc import Collection

LASTS = 7  # days, of which
MOST_UNUSUAL = 5  # being unusual makes a new level


def counted(flagged: Collection[int], *, first: int, today: int) -> list[int]:
    """The places from `first` to before `today` that a baseline rests on. `flagged` are the unusual ones. Where five of
    seven days were unusual, a new level began with the first of them: they count, and what was before does not."""
    if not flagged:
        return list(range(first, today))
    start, settled = first, -1
    for place in range(first, today):
        recent = [other for other in range(max(first, place - LASTS + 1, settled + 1), place + 1) if other in flagged]
        if len(recent) >= MOST_UNUSUAL:
            start, settled = recent[0], place
    return [place for place in range(start, today) if place <= settled or place not in flagged]
