"""PostgreSQL is away: who waited in vain for a connection spares all others the wait.

The pool lets each wait some seconds, so that nobody notices a short restart of PostgreSQL. A request of the gateway
asks several times, and would take half a minute while PostgreSQL is away for longer, though nearly all that it needs is
known. So once a piece of work took as long as that, everybody waits for `BRIEF_S` alone until there is a connection.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from django.db import connection
from psycopg_pool import PoolClosed, PoolTimeout

BRIEF_S = 0.02
_log = logging.getLogger(__name__)
_lock = threading.Lock()
_failed: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # of pools, how many connections, when it was seen to
_watched: WeakSet[Any] = WeakSet()  # while a thread waits


def suspect(seconds: float) -> None:
    """Note that a piece of work took so long."""
    pool: Any = getattr(connection, "pool", None)
    if pool is None or seconds < pool.timeout:
        return
    with _lock:
        failed = _failed_of(pool)
        if pool in _watched or failed == _failed.get(pool, 0):
            return
        _watched.add(pool)
        usual, pool.timeout = pool.timeout, BRIEF_S
    threading.Thread(target=_watch, args=(pool, usual), name="outage", daemon=True).start()


def _watch(pool: Any, usual_s: float) -> None:
    """Wait for a connection, and let everybody do so again as long as usual."""
    began = time.monotonic()
    try:
        if not _gives(pool, BRIEF_S):
            _log.warning("PostgreSQL gives no connection; until it does nobody waits for one")
            while not _gives(pool, usual_s):
                pass
            _log.warning("PostgreSQL gives connections again, after %.0f s", time.monotonic() - began)
    except PoolClosed:
        return
    finally:
        with _lock:
            pool.timeout, _failed[pool] = usual_s, _failed_of(pool)
            _watched.discard(pool)


def _failed_of(pool: Any) -> int:
    """How many connections it could not make. Who waited in vain is not counted, if there was a dead one first."""
    return int(pool.get_stats().get("connections_errors", 0))


def _gives(pool: Any, within_s: float) -> bool:
    """Whether there is a connection. Raises PoolClosed."""
    try:
        with pool.connection(timeout=within_s):
            return True
    except PoolTimeout:
        return False
