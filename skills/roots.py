"""Which folders a project's skills come from: those of the settings, then those of the admin, a second old at most."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Lock

from django.conf import settings

from skills.loader.folder import Folder
from skills.loader.library import Library
from skills.models import SkillRoot

CATALOGUE = "catalogue"
_OURS = Path(__file__).with_name("catalogue")
_READ_AFTER_S = 1.0
_Row = tuple[str, int | None]


class _Roots:
    """Of one process: folders are made once, so that all projects share what was read of them."""

    def __init__(self) -> None:
        self._rows: tuple[_Row, ...] = ()
        self._read_at = float("-inf")
        self._folders: dict[str, Folder] = {}
        self._libraries: dict[tuple[str, ...], Library] = {}
        self._lock = Lock()

    def library(self, project_id: int) -> Library:
        """The skills that a project may use. Raises django.db.Error where the roots of the admin cannot be read."""
        rows = self._read()
        named = (*settings.SKILL_ROOTS, *(path for path, whose in rows if whose in (None, project_id)))
        found = self._libraries.get(named)
        return found if found is not None else self._make(named)

    def reread(self) -> None:
        """Look at the table when it is next needed."""
        self._read_at = float("-inf")

    def _read(self) -> tuple[_Row, ...]:
        if time.monotonic() - self._read_at >= _READ_AFTER_S:
            self._rows = tuple(SkillRoot.objects.values_list("path", "project_id"))
            self._read_at = time.monotonic()
        return self._rows

    def _make(self, named: tuple[str, ...]) -> Library:
        with self._lock:
            folders = [self._folder(word) for word in dict.fromkeys(named)]
            return self._libraries.setdefault(named, Library(folders))

    def _folder(self, word: str) -> Folder:
        """Installers give our own files other names (hard links), so these may have some."""
        if word not in self._folders:
            ours = word == CATALOGUE
            self._folders[word] = Folder(_OURS if ours else Path(word), hard_links=ours)
        return self._folders[word]


_roots = _Roots()


def library(project_id: int) -> Library:
    """The skills that a project may use. Raises django.db.Error."""
    return _roots.library(project_id)


def reread() -> None:
    """Let a change of the table hold at once in this process."""
    _roots.reread()
