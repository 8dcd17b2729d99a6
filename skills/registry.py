"""Which skills a task needs, of those that a project may use: the index is made again when any of them is another.

Of a small library the next who asks waits for that, a matter of milliseconds; of a large one threads look what is new
and make the index while the old one answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from skills.contracts import Listed, Listing
from skills.loader.library import BadSkill, Library, NoSkill
from skills.matching.index import Entry, Index, entry
from skills.matching.match import Matches, Past, match
from skills.matching.overlap import Overlap, overlaps
from skills.retired import retired
from skills.roots import library
from skills.tokens import tokens_of
from telemetry import facade

SMALL = 1_000  # skills, up to which an index is made at once
PAST = timedelta(days=90)
_PAST_FOR_S = 60.0


class Weighed(Struct, frozen=True):
    """A skill as it is compared, with its tokens and whichever file that was."""

    stamp: tuple[int, ...]
    entry: Entry
    tokens: int


class Made(Struct, frozen=True):
    """An index, and what it was made of."""

    listing: Listing
    index: Index
    tokens: dict[str, int]


class Suggested(Struct, frozen=True):
    """The skills that a task needs; the tokens of each, and of all that could have been loaded."""

    found: Matches
    tokens: dict[str, int]
    skills: int
    all_tokens: int


class Registry:
    """Of one library, in one process."""

    def __init__(self, skills: Library) -> None:
        self._skills = skills
        self._weighed: dict[str, Weighed] = {}
        self._made: Made | None = None
        self._making = threading.Lock()
        self._compared: tuple[Made, list[Overlap]] | None = None

    def suggest(self, task: str, *, history: Mapping[str, Past], without: frozenset[str] = frozenset()) -> Suggested:
        """The skills that a task needs; those that are retired are `without`."""
        made = self.current()
        found = match(made.index, task, history=history, without=without)
        tokens = {one.name: made.tokens[one.name] for one in found.matches}
        offered = [count for name, count in made.tokens.items() if name not in without]
        return Suggested(found, tokens, len(offered), sum(offered))

    def overlaps(self) -> list[Overlap]:
        """Skills that say much the same; none of a large library, which nobody could wait for."""
        made = self.current()
        if self._compared is None or self._compared[0] is not made:
            self._compared = made, overlaps(made.index) if len(made.tokens) <= SMALL else []
        return self._compared[1]

    def current(self) -> Made:
        """The index of what there is now; of a large library, of what there was a moment ago."""
        made = self._made
        listing = self._skills.listing(wait=made is None or len(made.tokens) <= SMALL)
        if made is not None and made.listing is listing:
            return made
        if made is not None and len(listing.skills) > SMALL:
            if not self._making.locked():
                threading.Thread(target=self._make, args=(listing,), name="skill-index", daemon=True).start()
            return made
        return self._make(listing)

    def _make(self, listing: Listing) -> Made:
        with self._making:
            if self._made is not None and self._made.listing is listing:
                return self._made
            weighed = {
                name: one
                for name, listed in listing.skills.items()
                if listed.header.is_offered and (one := self._weigh(name, listed)) is not None
            }
            index = Index([one.entry for one in weighed.values()])
            self._weighed = weighed
            self._made = Made(listing, index, {name: one.tokens for name, one in weighed.items()})
            return self._made

    def _weigh(self, name: str, listed: Listed) -> Weighed | None:
        """A skill as it is compared; None where its body cannot be given out."""
        known = self._weighed.get(name)
        if known is not None and known.stamp == listed.stamp:
            return known
        try:
            skill = self._skills.get(name, keep=False)
        except (NoSkill, BadSkill):
            return None
        said = skill.header
        own = entry(name=name, tags=said.tags, description=said.description, body=skill.body)
        return Weighed(listed.stamp, own, tokens_of(skill))


_registries: dict[int, tuple[Library, Registry]] = {}
_pasts: dict[int, tuple[float, dict[str, Past]]] = {}


def suggest(task: str, *, project_id: int, now: datetime) -> Suggested:
    """The skills that a task needs, of those that a project may use. Raises psycopg.Error, django.db.Error."""
    return registry_of(project_id).suggest(task, history=_past(project_id, now), without=retired(project_id))


def registry_of(project_id: int) -> Registry:
    """The registry of the skills that a project may use. Raises django.db.Error."""
    skills = library(project_id)
    known = _registries.get(id(skills))
    if known is None:
        known = _registries[id(skills)] = skills, Registry(skills)  # kept beside it, so that its id stays its own
    return known[1]


def _past(project_id: int, now: datetime) -> dict[str, Past]:
    """How a project's runs that had each skill ended, as it was a minute ago at most."""
    known = _pasts.get(project_id)
    if known is None or time.monotonic() - known[0] > _PAST_FOR_S:
        found = facade.skill_outcomes(project_id=project_id, since=now - PAST)
        known = _pasts[project_id] = time.monotonic(), {skill: Past(*counts) for skill, counts in found.items()}
    return known[1]
