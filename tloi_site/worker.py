"""Celery's worker, `python -m tloi_site.worker`: a parent that loads everything, and two processes forked from it."""

from __future__ import annotations

import gc
import sys

from celery.signals import task_postrun, task_prerun, worker_before_create_process
from django.db import close_old_connections

from tloi_site.celery import app

PROCESSES = 2  # so that a task of minutes does not hold up those of seconds


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
    worker_before_create_process.connect(share_what_is_loaded)
    app.conf.update(CELERY_DB_REUSE_MAX=sys.maxsize)  # Celery's word for: leave it to us
    for signal in (task_prerun, task_postrun):
        signal.connect(give_connections_back)
    alone = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
    worker = app.Worker(concurrency=PROCESSES, loglevel="WARNING", quiet=True, **alone)
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())
