"""Celery's worker, `python -m tloi_site.worker`: a parent that loads everything, and a process forked from it; a second
one while a task takes long."""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Any

from celery.signals import task_postrun, task_prerun, worker_before_create_process
from celery.worker import state
from celery.worker.autoscale import Autoscaler
from django.db import close_old_connections

from tloi_site.celery import app

LEAST, MOST = 1, 2  # processes; so that a task of minutes does not hold up those of seconds
LOOK_S = 5.0
QUIET_S = 60.0  # after which a second process that nobody needs ends


class OnDemand(Autoscaler):  # type: ignore[misc]
    """A second process when a task lasts from one look to the next and another waits, until that has not been for a
    while. Most tasks take milliseconds, and Celery's own rule would fork one for each that comes a moment too early.
    One that ends in the moment when it was given a task loses nothing: as when a process is killed, that is run again.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"keepalive": LOOK_S})
        self._seen: set[str] = set()
        self._needed_at = time.monotonic()

    def maybe_scale(self, req: object = None) -> None:
        """Look, when it is time to; not at each task that comes."""
        if req is not None:
            return
        now, tasks = time.monotonic(), {request.id for request in state.reserved_requests}
        if len(tasks) > self.min_concurrency and tasks & self._seen:
            self._needed_at = now
            if self.processes < self.max_concurrency:
                self._grow(1)
                self.pool.maintain_pool()
        elif self.processes > self.min_concurrency and now - self._needed_at > QUIET_S:
            self._shrink(1)
            self.pool.maintain_pool()
        self._seen = tasks


def share_what_is_loaded(**_: object) -> None:
    """Python's collector writes into every object that it looks at, and what a process writes it no longer shares
    with its parent. Once, for what is frozen is never collected, and a process is forked anew after so many tasks."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


def give_connections_back(**_: object) -> None:
    """To their pool, before and after each task, which looks whether they still work when it lends them. Celery would
    close the pool, so that a task every two seconds logs in to PostgreSQL every two seconds: most of what it costs."""
    close_old_connections()


def main() -> int:
    """Until a signal ends it; the exit code. Nobody listens to what workers tell each other."""
    # `migrate` has looked at the site, and to look is to load every page: 26 MB of which a worker needs nothing.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    worker_before_create_process.connect(share_what_is_loaded)
    for signal in (task_prerun, task_postrun):
        signal.connect(give_connections_back)
    alone = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
    worker = app.Worker(autoscale=(MOST, LEAST), autoscaler_cls=OnDemand, loglevel="WARNING", quiet=True, **alone)
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())
