"""A lease that is kept while its runner works, whatever long statement that waits for.

A thread with a connection of its own extends it. It dies with the process, which is what a lease is for; a task that
hangs is ended by Celery's own limit, and the thread with it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connections
from psycopg import Error as PsycopgError

from telemetry.database import PRIMARY, connection
from telemetry.jobs import queue
from telemetry.jobs.queue import LEASE_S, Job

_log = logging.getLogger(__name__)


@contextmanager
def kept(job: Job, *, lease_s: float = LEASE_S) -> Iterator[None]:
    """Inside, the job's lease is extended four times in its length."""
    done = threading.Event()
    thread = threading.Thread(target=_keep, args=(job, lease_s, done), name=f"lease of job {job.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _keep(job: Job, lease_s: float, done: threading.Event) -> None:
    """Until the work is done, or the job is no longer this runner's. Where the database is away, the next time."""
    while not done.wait(lease_s / 4):
        try:
            if not queue.extend(connection(), job, lease_s=lease_s):
                _log.warning("Job %s has another runner now.", job.id)
                return
        except (Error, PsycopgError):
            _log.warning("The lease of job %s could not be extended.", job.id, exc_info=True)
        finally:
            connections[PRIMARY].close()  # back to its pool
