"""The skills that a project could load now, as the page Skills shows them.

Telemetry prints the page, with its own sums of loads; it is told where this is by the site's setting SKILL_SHELF, so
that neither app imports the other's pages.
"""

from __future__ import annotations

from skills import registry
from skills.retired import retired
from telemetry.contracts import SkillBroken, SkillOffered, SkillsAlike, SkillShelf


def shelf(*, project_id: int) -> SkillShelf:
    """What there is, by name. The first time a process is asked it reads every skill. Raises django.db.Error."""
    known, gone = registry.registry_of(project_id), retired(project_id)
    made = known.current()
    return SkillShelf(
        tuple(
            SkillOffered(
                name, listed.header.description, listed.header.tags, made.tokens[name], listed.root, name in gone
            )
            for name, listed in sorted(made.listing.skills.items())
            if name in made.tokens
        ),
        tuple(SkillBroken(one.name, one.root, one.reason) for one in made.listing.broken),
        tuple(
            SkillsAlike(pair.one, pair.other, pair.alike, min(made.tokens[pair.one], made.tokens[pair.other]))
            for pair in known.overlaps()
            if {pair.one, pair.other} <= made.tokens.keys() - gone
        ),
    )
