"""Skills' door: what the site and routing may ask. Nothing but contracts and plain values passes."""

from __future__ import annotations

from skills.concierge.night import shelve
from skills.contracts import Listing, Skill, SkillFile
from skills.equipping import Equipped, Whose, equip
from skills.loader.library import BadSkill, NoSkill
from skills.loads import flush as flush_loads
from skills.registry import suggest
from skills.roots import library

__all__ = [
    "BadSkill",
    "Equipped",
    "NoSkill",
    "Whose",
    "equip",
    "flush_loads",
    "get",
    "get_file",
    "listing",
    "shelve",
    "suggest",
]


def get(name: str, *, project_id: int) -> Skill:
    """A skill as it is on the disk now. Raises NoSkill, BadSkill, django.db.Error."""
    return library(project_id).get(name)


def get_file(name: str, path: str, *, project_id: int) -> SkillFile:
    """A file that lies beside its SKILL.md. Raises NoSkill, BadSkill, django.db.Error."""
    return library(project_id).file(name, path)


def listing(*, project_id: int) -> Listing:
    """The skills that a project may use, by their headers, and what is broken. Raises django.db.Error."""
    return library(project_id).listing()
