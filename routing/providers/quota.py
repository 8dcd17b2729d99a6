"""Calls that an account may make, a minute and a UTC day, counted over all processes and tiers that share it.

The minute slides: there are never more calls than that in any 60 s, whichever minute the provider means. A provider
that says itself when the next call may come (`hold`), or how many it counted (`learn`), is believed. Source: OpenRouter
counts calls of free models by account, and its day is UTC's.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from routing.contracts import Quota, Tier
from routing.providers.failed import Failed, failed
from routing.providers.shared import Away, Shared

_DAY_S = 86_400
# KEYS: calls of the last minute, held. ARGV: who, a minute (-1: any number), a day, key of a day without its number.
# Returns 0 and the day, or 1 and ms to wait.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local held = redis.call('PTTL', KEYS[2])
if held > 0 then return {1, held} end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
local minute, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local number = math.floor(t[1] / 86400)
local day = ARGV[4] .. number
if most >= 0 and tonumber(redis.call('GET', day) or '0') >= most then return {1, (number + 1) * 86400000 - now} end
if minute >= 0 and redis.call('ZCARD', KEYS[1]) >= minute then
    local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    return {1, first[2] and first[2] + 60000 - now or 60000}
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], 61000)
redis.call('INCR', day)
redis.call('EXPIRE', day, 90000)
return {0, number}
"""
# KEYS: calls of the last minute, the day. ARGV: who. A call that is given back twice is given back once.
_GIVE_BACK = "if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then redis.call('DECR', KEYS[2]) end"
# KEYS: held. ARGV: ms. The longer of two holds.
_HOLD = "if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end"
# KEYS: the day. ARGV: used, as the provider counts.
_LEARN = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', 90000)
end
"""
# KEYS: calls of the last minute, held, the day.
_COUNT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local minute = redis.call('ZCOUNT', KEYS[1], '(' .. (now - 60000), '+inf')
return {minute, tonumber(redis.call('GET', KEYS[3]) or '0'), redis.call('PTTL', KEYS[2])}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One call that was counted; `id` is empty where nothing is."""

    group: str = ""
    id: str = ""
    day: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """Calls that are left; None: any number. `held_s`: until when there are none, whatever is left."""

    this_minute: int | None
    today: int | None
    held_s: float = 0.0


@dataclass(slots=True)
class _Alone:
    """What this process counted of a group by itself."""

    minute: deque[tuple[float, str]] = field(default_factory=deque)
    day: int = 0
    today: int = 0
    held_until: float = 0.0


class Quotas:
    """This process's part in the quotas of all groups. Belongs to one event loop."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._alone: dict[str, _Alone] = {}

    async def take(self, tier: Tier) -> Taken:
        """Count one call of a tier. Raises Failed (quota), with the seconds until there is one again."""
        quota = tier.quota
        if quota is None:
            return Taken()
        name = uuid.uuid4().hex
        args = (name, _limit(quota.a_minute), _limit(quota.a_day), _day_key(quota.group, ""))
        try:
            is_refused, found = await self._shared.run(_TAKE, _keys(quota.group), args)
        except Away:
            is_refused, found = self._counted_alone(quota, name)
        if is_refused:
            raise _used_up(quota, float(found) / 1000)
        return Taken(quota.group, name, int(found))

    async def give_back(self, taken: Taken) -> None:
        """A call that never reached the provider."""
        if not taken.id:
            return
        alone = self._alone.get(taken.group)
        if alone is not None and (mine := [one for one in alone.minute if one[1] == taken.id]):
            alone.minute.remove(mine[0])
            alone.today -= 1
            return
        try:
            await self._shared.run(
                _GIVE_BACK, [_keys(taken.group)[0], _day_key(taken.group, str(taken.day))], [taken.id]
            )
        except Away:
            return

    async def hold(self, tier: Tier, seconds: float) -> None:
        """No call of the tier's group for so long: its provider said so."""
        if tier.quota is None or seconds <= 0:
            return
        seconds = min(seconds, _DAY_S)
        try:
            await self._shared.run(_HOLD, _keys(tier.quota.group)[1:], [int(seconds * 1000)])
        except Away:
            alone = self._alone.setdefault(tier.quota.group, _Alone())
            alone.held_until = max(alone.held_until, time.monotonic() + seconds)

    async def learn(self, group: str, *, used: int, now: datetime) -> None:
        """How many calls of this UTC day the provider counted: other machines may use the account too."""
        try:
            await self._shared.run(_LEARN, [_day_key(group, str(_day(now)))], [used])
        except Away:
            return

    async def left(self, quota: Quota, *, now: datetime) -> Left:
        """What a group has left; as far as this process knows where Valkey is away."""
        keys = [*_keys(quota.group), _day_key(quota.group, str(_day(now)))]
        try:
            minute, today, held_ms = await self._shared.run(_COUNT, keys, [])
        except Away:
            alone = self._alone.get(quota.group, _Alone())
            minute, today = len(alone.minute), alone.today
            held_ms = (alone.held_until - time.monotonic()) * 1000
        return Left(_less(quota.a_minute, minute), _less(quota.a_day, today), max(held_ms, 0) / 1000)

    def _counted_alone(self, quota: Quota, name: str) -> tuple[int, float]:
        """The same as the script, of this process's own calls."""
        alone, now, wall = self._alone.setdefault(quota.group, _Alone()), time.monotonic(), datetime.now(UTC)
        if alone.day != _day(wall):
            alone.day, alone.today = _day(wall), 0
        while alone.minute and alone.minute[0][0] <= now - 60:
            alone.minute.popleft()
        if alone.held_until > now:
            return 1, (alone.held_until - now) * 1000
        if quota.a_day is not None and alone.today >= quota.a_day:
            return 1, (_DAY_S - wall.timestamp() % _DAY_S) * 1000
        if quota.a_minute is not None and len(alone.minute) >= quota.a_minute:
            return 1, (alone.minute[0][0] + 60 - now) * 1000 if alone.minute else 60_000
        alone.minute.append((now, name))
        alone.today += 1
        return 0, alone.day


def _keys(group: str) -> list[str]:
    """In one slot of a cluster of Valkeys, with those of the days."""
    return [f"{{tloi:quota:{group}}}:{name}" for name in ("minute", "held")]


def _day_key(group: str, number: str) -> str:
    return f"{{tloi:quota:{group}}}:day:{number}"


def _day(now: datetime) -> int:
    return int(now.timestamp()) // _DAY_S


def _limit(most: int | None) -> int:
    return -1 if most is None else most


def _less(most: int | None, used: int) -> int | None:
    return None if most is None else max(most - used, 0)


def _used_up(quota: Quota, seconds: float) -> Failed:
    limits = [f"{most} {word}" for most, word in ((quota.a_minute, "a minute"), (quota.a_day, "a day")) if most]
    message = f"The calls of {quota.group} are used up ({', '.join(limits) or 'its provider asks to wait'})."
    return failed("quota", message, retry_after_s=seconds)
