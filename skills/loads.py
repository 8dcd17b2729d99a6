"""Loads of skills, noted as they happen and stored half a second later by a thread of their own, in batches.

Who loads a skill waits for nothing: its tokens are counted and its row is written afterwards. What a process that ends
well has not stored yet it stores then; one that is killed loses its last half second. While the database cannot answer,
loads wait in memory, MOST_WAITING of them.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict, deque
from datetime import datetime
from multiprocessing.util import Finalize
from typing import Literal
from uuid import UUID, uuid4

import psycopg
from django.db import Error, connections
from msgspec import Struct, field

from skills.contracts import Skill
from skills.tokens import tokens_of
from telemetry import facade
from telemetry.contracts import SkillLoad

STORED_AFTER_S = 0.5
MOST_AT_ONCE = 500
MOST_WAITING = 100_000
_log = logging.getLogger(__name__)


class Loaded(Struct, frozen=True, kw_only=True):
    """A load as it happened. What is told of whose it was stands at the end."""

    project_id: int
    skill: Skill
    at: datetime
    took_us: int
    route: Literal["api", "gateway", "task"]
    agent: str = ""
    task_type: str = ""
    session_id: str = ""
    execution_id: str = ""
    id: UUID = field(default_factory=uuid4)  # one that is told twice is stored once


class Loads:
    """Of one process; any thread may note."""

    def __init__(self) -> None:
        self._waiting: deque[Loaded] = deque(maxlen=MOST_WAITING)
        self._some = threading.Event()
        self._storing = threading.Lock()
        self._beginning = threading.Lock()
        self._pid = 0

    def note(self, loaded: Loaded) -> None:
        """Remember a load, to be stored soon."""
        self._waiting.append(loaded)
        if self._pid != os.getpid():
            self._begin()
        self._some.set()

    def flush(self) -> None:
        """Store what waits, in this thread. Raises psycopg.Error, django.db.Error; then it waits on."""
        with self._storing:
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
                try:
                    _store(taken)
                except BaseException:
                    self._waiting.extendleft(reversed(taken))
                    raise

    def _begin(self) -> None:
        """Begin the thread of this process, which may have been forked from one that has its own."""
        with self._beginning:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            # The servers' processes are multiprocessing's, which know no atexit.
            Finalize(None, self._end, exitpriority=10)
            threading.Thread(target=self._run, name="skill-loads", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(STORED_AFTER_S)
            self._some.clear()
            if not self._waiting:
                continue
            try:
                self.flush()
            except (psycopg.Error, Error) as error:
                _log.warning("%s loads of skills wait for the database: %s", len(self._waiting), error)
                self._some.set()
            finally:
                connections.close_all()

    def _end(self) -> None:
        try:
            self.flush()
        except (psycopg.Error, Error) as error:
            _log.error("%s loads of skills are lost: %s", len(self._waiting), error)


def _store(taken: list[Loaded]) -> None:
    by_project: defaultdict[int, list[SkillLoad]] = defaultdict(list)
    for one in taken:
        by_project[one.project_id].append(_row(one))
    for project_id in sorted(by_project):
        facade.record_skill_loads(project_id=project_id, loads=by_project[project_id])


def _row(loaded: Loaded) -> SkillLoad:
    return SkillLoad(
        id=loaded.id,
        loaded_at=loaded.at,
        skill=loaded.skill.header.name,
        digest=loaded.skill.digest,
        tokens=tokens_of(loaded.skill),
        load_us=loaded.took_us,
        route=loaded.route,
        agent=loaded.agent,
        task_type=loaded.task_type,
        session_id=loaded.session_id,
        execution_id=loaded.execution_id,
    )


_loads = Loads()


def note(loaded: Loaded) -> None:
    """Remember a load, to be stored soon."""
    _loads.note(loaded)


def flush() -> None:
    """Store what waits now. Raises psycopg.Error, django.db.Error; then it waits on."""
    _loads.flush()
