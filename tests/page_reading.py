"""What tests of pages share: calls to look at, a person to look, and a reader of the tables and figures of a page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from django.contrib.auth.models import User
from django.test import Client

from telemetry import facade
from telemetry.contracts import Call
from telemetry.models import Membership, Project
from tests.ledger_reading import added_up

# Three days around the night in which Madrid's clocks go back.
FIRST_CALL = datetime(2025, 10, 24, 0, 10, tzinfo=UTC)
MODELS = ("claude-opus-4-5", "gpt-5", "house-llama")
HINTS = ("", "Show only this", "Open", "All runs of this task")  # titles of links that name no exact value


def invented_calls(count: int = 190, *, first: datetime = FIRST_CALL, step_minutes: int = 30) -> list[Call]:
    """Calls at equal distances, of three models, of which one has no price."""
    return [
        Call(
            id=f"{first:%Y%m%d%H%M}-{n}",
            started_at=first + timedelta(minutes=step_minutes * n),
            model=MODELS[n % 3],
            provider=("anthropic", "openai", "local")[n % 3],
            input_uncached=100 + n,
            cache_read=1000 * (n % 7),
            cache_write_5m=10 * (n % 5),
            output=50 + n % 11,
            agent=("builder", "=cmd()", "")[n % 5 % 3],
            task_type=("fix", "review", "")[n % 4 % 3],
            session_id=f"session-{n // 12}-of-a-long-name",
        )
        for n in range(count)
    ]


def store(project: Project, calls: Sequence[Call]) -> None:
    """Record calls as if they were sent now, and add them up: a page waits for that only where it is quickly done."""
    receipt = facade.record(project_id=project.pk, calls=calls, source="test", now=datetime.now(UTC))
    assert receipt.accepted == len(calls)
    added_up(project.pk)


def person(project: Project, *, role: str = "owner") -> User:
    """A person who is a member of this project, and of no other unless a test says so."""
    user, _ = User.objects.get_or_create(username=f"{role}-of-{project.slug}")
    Membership.objects.update_or_create(user=user, project=project, defaults={"role": role})
    return user


def visitor(project: Project, *, role: str = "owner") -> Client:
    """A browser in which a member of a project is logged in."""
    client = Client()
    client.force_login(person(project, role=role), backend="django.contrib.auth.backends.ModelBackend")
    return client


class PageReader(HTMLParser):
    """The tables of a page by the id of their section, cell by cell as machines read them, and the cards' figures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.cards: dict[str, str] = {}
        self._section = ""
        self._cell: list[str] | None = None
        self._exact = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sections, rows, cells and exact values."""
        said = {name: value or "" for name, value in attrs}
        if said.get("id", "").startswith(("panel-", "card-")):
            self._section = said["id"]
        if tag == "tr":
            self.tables.setdefault(self._section, []).append([])
        if tag in ("td", "th"):
            self._cell, self._exact = [], ""
        if tag == "data":
            self._exact = said["value"]
            if self._section.startswith("card-"):
                self.cards[self._section.removeprefix("card-")] = said["value"]
        if tag == "a" and self._cell is not None and said.get("title", "") not in HINTS:
            self._exact = said["title"]

    def handle_data(self, data: str) -> None:
        """Words of a cell."""
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        """The end of a cell."""
        if tag in ("td", "th") and self._cell is not None:
            self.tables[self._section][-1].append(self._exact or "".join(self._cell).strip())
            self._cell = None


def shown_as(cell: str) -> str:
    """A cell of a CSV or a page without what only one of them bears: separators, signs, words for nothing."""
    words = cell.removesuffix(" so far").removeprefix("'")
    bare = re.sub(r"[,$%]", "", words).replace("\N{MINUS SIGN}", "-")
    return "" if bare in ("–", "new", "unpriced", "(none)") else bare


def rows_of_csv(content: bytes) -> list[list[str]]:
    """The rows of a CSV, its header first."""
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
