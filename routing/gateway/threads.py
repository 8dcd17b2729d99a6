"""Threads for what waits on the database, so that the event loop never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

Result = TypeVar("Result")


class Threads:
    """So many threads; each gives its connection back to Django's pool after a piece of work, for there it is looked
    after when PostgreSQL was restarted."""

    def __init__(self, name: str, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do `work` in a thread; what it returns or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _lent, work)

    def close(self) -> None:
        """End the threads; what is being done is finished."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _lent(work: Callable[[], Result]) -> Result:
    try:
        return work()
    finally:
        close_old_connections()
