"""A skill as a person could begin it: what a gap's own tasks say, as SKILL.md. Pure.

It is nobody's skill until a person has written what to do: a model's guess at that would help nobody (SkillsBench:
skills that models wrote +0.0 points, those that people wrote +16.2), and would be tried on everybody. What tasks say is
quoted as data, without what Markdown or a model could take for more, and the header keeps the text from being matched
with tasks even where it is saved as it is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection

from msgspec import Struct

from skills.concierge.gaps import Gap
from skills.frontmatter import MOST_NAME

_NAME_WORDS, _TAGS, _TOLD = 2, 5, 6
_MOST_QUOTED = 120
_NOT_PLAIN = re.compile(r"[^\w .,:;?!%&+@/()'-]")


class Draft(Struct, frozen=True):
    """A skill that might be written: its name, what would find it, and its SKILL.md."""

    name: str
    description: str
    tags: tuple[str, ...]
    text: str


def draft(gap: Gap, *, taken: Collection[str] = ()) -> Draft:
    """The beginning of a skill for a gap, under a name that is not `taken`. The same for the same gap."""
    terms = [plain for term in gap.terms if (plain := _plain_word(term))]
    name = _free("-".join(terms[:_NAME_WORDS]) or "new-skill", taken)
    tags = tuple(dict.fromkeys(terms))[:_TAGS]
    about = ", ".join(dict.fromkeys(term for term in gap.terms[:_TOLD] if term)) or "these tasks"
    description = f"Use for tasks about {about}."
    return Draft(name, description, tags, _text(name, description, tags, gap))


def quoted(text: str) -> str:
    """What a task said, in one line that is only words: cut, and without marks that mean something to a renderer or a
    model."""
    one_line = " ".join(unicodedata.normalize("NFKC", text).split())
    plain = " ".join(_NOT_PLAIN.sub(" ", one_line.replace('"', "'")).split())
    return plain if len(plain) <= _MOST_QUOTED else plain[: _MOST_QUOTED - 1].rstrip() + "…"


def _text(name: str, description: str, tags: tuple[str, ...], gap: Gap) -> str:
    header = [
        "---",
        f"name: {name}",
        f"description: {json.dumps(description, ensure_ascii=False)}",
        "disable-model-invocation: true  # take this line away when it is written",
        *(["metadata:", f"  tags: {', '.join(tags)}"] if tags else []),
        "---",
    ]
    body = [
        f"# {name.replace('-', ' ').capitalize()}",
        "",
        "(A draft: what to do is not written yet.)",
        "",
        "## When",
        "",
        f"Tasks like these came {gap.runs:,} times on {gap.days} days, and no skill fitted. They are quoted:",
        "",
        *(f'- "{quoted(example)}"' for example in gap.examples),
        "",
        "## Why",
        "",
        *(f"- {reason}" for reason in reasons(gap)),
        "",
        "## What to do",
        "",
        "1. …",
        "",
        "## How to tell that it is done",
        "",
        "- …",
    ]
    return "\n".join([*header, *body, ""])


def reasons(gap: Gap) -> list[str]:
    """How the gap's runs fared, a sentence each."""
    said = []
    if gap.fails:
        own, others = 100 * gap.failed / gap.ended, 100 * gap.expected / gap.ended
        said.append(f"{own:.0f} % of {gap.ended:,} runs failed; of others by the same agents {others:.0f} % did.")
    if gap.costs:
        said.append(f"A run took {gap.times:.1f} times the tokens of others by the same agents.")
    return said


def _plain_word(term: str) -> str:
    """A word as a name may hold it."""
    plain = unicodedata.normalize("NFKD", term.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain)[:24]


def _free(name: str, taken: Collection[str]) -> str:
    name = name[: MOST_NAME - 4].strip("-")
    numbers = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbers if one not in taken)
