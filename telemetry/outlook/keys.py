"""What runs have alike, from all runs of a project to those of one task: the levels that an estimate backs off over.
Pure. Source: methods.md §4."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from telemetry.outlook.expected import Level

LEVELS: tuple[Level, ...] = ("global", "tool", "task_type", "agent", "description")
_LONGEST = 200  # characters of a description that are looked at: the SDK sends no more
# What differs between two runs of one task: ids (of 8 digits of a hexadecimal number or more), dates, times, numbers.
_CHANGING = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[a-f]*[0-9])[0-9a-f]{8,}\b"
    r"|[0-9]+(?:[-:/.,t][0-9]+)*(?: [0-9]{1,2}:[0-9]{2}(?::[0-9.,]+)?)?"
)
_SPACES = re.compile(r"\s+")


class Key(NamedTuple):
    """A place in LEVELS, and a digest of what is alike; an empty digest: how far runs of that level are from their
    keys."""

    level: int
    digest: str


ALL = Key(0, "all")


def fingerprint(description: str, task_id: str = "") -> str:
    """What runs of one task have alike: its description without what changes from run to run, or where there is none
    its id; empty where neither is known."""
    said = _SPACES.sub(" ", _CHANGING.sub("#", description[:_LONGEST].lower())).strip()
    return f"what {said}" if said else f"id {task_id}" if task_id else ""


def keys_of(*, tool: str, task_type: str, agent: str, fingerprint: str) -> list[Key]:
    """The keys of a run, coarse to fine; levels of which nothing is known are left out."""
    parts: Sequence[tuple[bool, tuple[str, ...]]] = (
        (bool(tool), (tool,)),
        (bool(task_type), (task_type,)),
        (bool(agent), (task_type, agent)),
        (bool(fingerprint), (task_type, agent, fingerprint)),
    )
    return [ALL, *(Key(level, _digest(words)) for level, (is_known, words) in enumerate(parts, 1) if is_known)]


def spread_key(level: int) -> Key:
    """The key under which is kept how far runs are from the mean of their key of that level."""
    return Key(level, "")


def _digest(words: Sequence[str]) -> str:
    return blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
