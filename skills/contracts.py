"""The records that pass between the parts of skills, and through its door. Pure: neither Django nor the network.

Frozen `msgspec.Struct`s, as in telemetry. A digest is SHA-256 of a SKILL.md, in hexadecimal.
"""

from __future__ import annotations

from msgspec import Struct


class Header(Struct, frozen=True, kw_only=True):
    """What a SKILL.md says of itself before its body: the little that an agent may always know of it."""

    name: str
    description: str
    tags: tuple[str, ...] = ()
    version: str = ""
    license: str = ""
    compatibility: str = ""
    allowed_tools: tuple[str, ...] = ()
    is_offered: bool = True  # False: only a person may ask for it, so that no task is matched with it


class Skill(Struct, frozen=True, kw_only=True):
    """A skill that was loaded: its header, and the body that enters a prompt. `root` is the folder that it came from,
    as it was named; `size` the bytes of its SKILL.md."""

    header: Header
    body: str
    digest: str
    size: int
    root: str


class Listed(Struct, frozen=True, kw_only=True):
    """A skill of which only the header was read. `stamp` is another where the file is."""

    header: Header
    root: str
    size: int
    stamp: tuple[int, ...]


class SkillFile(Struct, frozen=True, kw_only=True):
    """A file beside a SKILL.md, and its digest."""

    path: str
    content: bytes
    digest: str


class Broken(Struct, frozen=True):
    """What lies in a root and is no skill that can be given out, and why: one clause for a person."""

    name: str
    root: str
    reason: str


class Listing(Struct, frozen=True):
    """What there is: the skills by name, and what is broken."""

    skills: dict[str, Listed]
    broken: tuple[Broken, ...] = ()
