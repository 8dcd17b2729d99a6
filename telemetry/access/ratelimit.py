"""One atomic counter a minute: at a limit of 20, exactly 20 of 100 concurrent callers pass.

It lives in the cache. Where the cache does not answer, callers that only send facts are let in (`fail_open`), and
those who try passwords are not.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import cast

import redis
from django.conf import settings

_log = logging.getLogger(__name__)
_RETRY_AFTER_S = 5.0
_COUNT = (
    "local n = redis.call('INCRBY', KEYS[1], ARGV[2])"
    " if n == tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end return n"
)


class TooManyRequests(Exception):
    """The limit is reached; `retry_after` seconds from now a new minute begins."""

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"More than {limit} requests in this minute; try again in {retry_after} s.")
        self.retry_after = retry_after


class Limiter:
    """Counts callers by name in the cache at `url`; skips a cache that failed for a few seconds."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_connect_timeout=0.25, socket_timeout=0.25)
        self._down_until = 0.0

    def admit(self, name: str, *, limit: int, now: datetime, fail_open: bool = True, requests: int = 1) -> None:
        """Count so many requests of `name` in the minute of `now`. Raises TooManyRequests."""
        if limit == 0:
            return
        retry_after = 60 - now.second
        count = self._count(f"rate:{name}:{int(now.timestamp()) // 60}", requests)
        if count is None and fail_open:
            return
        if count is None or count > limit:
            raise TooManyRequests(limit, retry_after)

    def _count(self, key: str, requests: int) -> int | None:
        """The count after these requests, or None where the cache does not answer."""
        if time.monotonic() < self._down_until:
            return None
        try:
            return cast(int, self._client.eval(_COUNT, 1, key, "120", str(requests)))
        except redis.RedisError as error:
            self._down_until = time.monotonic() + _RETRY_AFTER_S
            _log.warning("the cache does not answer, rate limits are off for %s s: %s", _RETRY_AFTER_S, error)
            return None


_limiters: dict[str, Limiter] = {}


def limiter() -> Limiter:
    """This process's limiter on the configured cache."""
    url = settings.CACHE_URL
    if url not in _limiters:
        _limiters[url] = Limiter(url)
    return _limiters[url]
