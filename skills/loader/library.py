"""Several roots as one: the first that has a name is where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from skills.contracts import Broken, Listed, Listing, Skill, SkillFile
from skills.frontmatter import MOST_NAME, NAME
from skills.loader.folder import Folder
from skills.loader.opening import Missing, Refused

_Found = TypeVar("_Found")


class NoSkill(LookupError):
    """There is none of that name, or no such file of it."""


class BadSkill(ValueError):
    """There is one, and it cannot be given out; the text says why."""


class Library:
    """The skills of some roots. A skill that is broken hides one of the same name in a later root, so that nobody gets
    another text than was meant without being told."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._folders = tuple(folders)
        self._merged: tuple[list[Listing], Listing] = [], Listing({})

    def get(self, name: str, *, keep: bool = True) -> Skill:
        """A skill as it is on the disk now; it is kept for the next who asks, unless nobody will. Raises NoSkill,
        BadSkill."""
        return self._first(name, lambda folder: folder.get(name, keep=keep))

    def file(self, name: str, path: str) -> SkillFile:
        """A file beside its SKILL.md. Raises NoSkill, BadSkill."""

        def found(folder: Folder) -> SkillFile:
            folder.get(name)
            try:
                return folder.file(name, path)
            except Missing:
                raise NoSkill(f"The skill {name} has no such file.") from None
            except Refused as refused:
                raise BadSkill(f"This file of {name} cannot be given out: {refused}.") from None

        return self._first(name, found)

    def paths(self, name: str) -> list[str]:
        """The files beside its SKILL.md, as paths. Raises NoSkill, BadSkill."""

        def found(folder: Folder) -> list[str]:
            folder.get(name)
            return folder.paths(name)

        return self._first(name, found)

    def listing(self, *, wait: bool = True) -> Listing:
        """All that there is, by its headers, and what is broken: the same object while that is the same. Who does not
        `wait` gets what is known, and threads look."""
        found = [folder.listing(wait=wait) for folder in self._folders]
        known, merged = self._merged
        if len(found) != len(known) or any(one is not other for one, other in zip(found, known, strict=True)):
            merged = _merge(found)
            self._merged = found, merged
        return merged

    def _first(self, name: str, look: Callable[[Folder], _Found]) -> _Found:
        if len(name) > MOST_NAME or not NAME.fullmatch(name):
            raise NoSkill("A skill's name is of lower-case letters, digits and single hyphens between them.")
        for folder in self._folders:
            try:
                return look(folder)
            except Missing:
                continue
            except Refused as refused:
                raise BadSkill(f"The skill {name} cannot be given out: {refused}.") from None
        raise NoSkill(f"There is no skill {name}.")


def _merge(listings: Sequence[Listing]) -> Listing:
    skills: dict[str, Listed] = {}
    broken: dict[tuple[str, str], Broken] = {}
    hidden: set[str] = set()
    for listing in listings:
        for name, listed in listing.skills.items():
            if name not in hidden:
                skills.setdefault(name, listed)
        for one in listing.broken:
            broken[one.name, one.root] = one
        hidden |= {one.name for one in listing.broken} - skills.keys()
    return Listing(skills, tuple(broken.values()))
