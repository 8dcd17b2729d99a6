"""What is said, before any channel's own format: one line a text, and nothing in it that a reader would act on. Pure.

Names come from agents, so each text is brought to one line without control characters and without marks that turn the
direction of writing; no title can then begin a second header of an e-mail, or a second line of a log.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

SCHEMA_VERSION = 1
MOST_LETTERS = 200  # of a name or a value
_MOST_OF_SUBJECT = 150  # PostgreSQL's index takes 2,700 bytes
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Fact:
    """A number or a name that belongs to an alert."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """A page of TLOI: `path` begins with a slash and bears the exact filter; without the site's address."""

    title: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a rule found about one subject just now. `once`: it is told once for as long as it holds, not in every
    period."""

    subject: str
    title: str
    severity: str
    facts: tuple[Fact, ...] = ()
    links: tuple[Link, ...] = ()
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, the same for every channel. `links` are whole addresses, the first one the most exact."""

    id: str
    event: str
    project: str
    project_name: str
    time_zone: str
    rule: str
    subject: str
    severity: str
    title: str
    facts: tuple[Fact, ...]
    links: tuple[Link, ...]
    since: str
    created: str

    @property
    def headline(self) -> str:
        """What stands first in every channel."""
        return {"resolved": "Resolved: ", "test": "Test: "}.get(self.event, "") + self.title

    def as_document(self) -> dict[str, Any]:
        """What is stored, and what a generic webhook is sent: docs/alerts.md describes it."""
        document = {"schema_version": SCHEMA_VERSION, **asdict(self), "headline": self.headline}
        return document | {"links": [{"title": link.title, "url": link.path} for link in self.links]}


def from_document(document: Mapping[str, Any]) -> Message:
    """A message as it was stored."""
    said = {name: document[name] for name in Message.__dataclass_fields__ if name not in ("facts", "links")}
    facts = tuple(Fact(one["name"], one["value"]) for one in document["facts"])
    return Message(**said, facts=facts, links=tuple(Link(one["title"], one["url"]) for one in document["links"]))


def one_line(text: str, most: int = MOST_LETTERS) -> str:
    """A text of an agent as one short line: spaces for whatever breaks lines, an ellipsis for what is too long."""
    plain = _TURNING.sub("", text[: 20 * most])
    plain = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") else letter for letter in plain)
    return clip(" ".join(plain.split()), most)


def clip(text: str, most: int) -> str:
    """At most so many letters, the last one an ellipsis where some are missing."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def subject_of(*parts: str) -> str:
    """A name for what an alert is about, the same whenever the parts are, and never too long for an index."""
    whole = "/".join(parts)
    if len(whole) <= _MOST_OF_SUBJECT:
        return whole
    return f"{whole[:80]}\N{HORIZONTAL ELLIPSIS}{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def page(path: str, **query: str | None) -> str:
    """The address of a page without the site's; what is None is left out."""
    return f"{path}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def execution_page(execution_id: str, *, project: str) -> str:
    """The page of one execution, whatever letters its id is made of: a slash, a percent sign and dots alone are encoded
    once more than the rest, as `dashboards/addresses.py` says."""
    once = execution_id.replace("%", "%25").replace("/", "%2F")
    once = once.replace(".", "%2E") if once in (".", "..") else once
    return page(f"/executions/{quote(once, safe='')}/", project=project)


def moment(at: datetime) -> str:
    """A moment as machines read it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
