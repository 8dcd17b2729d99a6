"""One look at what is kept: found, to be made by who asks, or made by another just now.

Valkey decides in scripts, each atomic and by its own clock, so that processes and machines agree. Here is what they
are asked and what follows, as generators: those who ask are threads and event loops, and do it alike. Pure, but for
chance, by which one of many is chosen.

    look ─▶ found                                    (fresh, or old while somebody makes it anew)
        ├─▶ claimed: make it, then keep or skip      (nothing is there, it has passed, or it is time to make it early)
        ├─▶ made by another: pause, look again       (its lease ends when it dies, and the next look claims)
        └─▶ None: make it, keep nothing              (Valkey is away, it cannot be kept, or waiting took too long)

A result that many want is made anew before it passes, by one of them, the likelier the nearer its end and the longer it
took to make: XFetch (Vattani et al. 2015, Optimal Probabilistic Cache Stampede Prevention), with half its haste, for a
lease already lets one alone do it. `tags` are kept as a token each: another token, or none, and what bore it is gone.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from math import log
from random import random
from typing import Any
from uuid import uuid4

from msgspec import Struct

LEASE_S = 5.0
PATIENCE_S = 30.0  # of who waits for another; then it is made by both
MOST_BYTES = 2**20  # of a value
SKIPPED_S = 2.0  # for which nobody waits for what could not be kept, or tries what failed while there is an old result
_HASTE = 0.5  # XFetch's beta
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.2

# KEYS: entry, lease, tags. ARGV: who, ms of a lease, how far ahead in times of the making, ms of a new tag.
_LOOK = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local tokens = {}
for i = 3, #KEYS do
    local token = redis.call('GET', KEYS[i])
    if not token then
        token = ARGV[1]
        redis.call('SET', KEYS[i], token, 'PX', ARGV[4])
    end
    tokens[#tokens + 1] = token
end
local tagged = table.concat(tokens, ' ')
local kept = redis.call('HMGET', KEYS[1], 'value', 'since', 'until', 'took', 'tagged', 'skip')
local value = kept[5] == tagged and kept[1]
if value and now < kept[3] - kept[4] * ARGV[3] then return {'found', value, now - kept[2]} end
if kept[6] and now < tonumber(kept[6]) then
    if value and now < tonumber(kept[3]) then return {'found', value, now - kept[2]} end
    return {'alone'}
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
    return {'claimed', value, now, tagged, value and now - kept[2] or 0}
end
if value then return {'found', value, now - kept[2]} end
return {'wait'}
"""
# KEYS: entry, lease, tags. ARGV: who, value, since, ms it holds, ms it may be given after that, tagged.
_KEEP = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local newer = redis.call('HGET', KEYS[1], 'since')
local over = ARGV[3] + ARGV[4]
local gone = over + ARGV[5]
if now < gone and not (newer and tonumber(newer) > tonumber(ARGV[3])) then
    redis.call('HSET', KEYS[1], 'value', ARGV[2], 'since', ARGV[3], 'until', over, 'took', now - ARGV[3],
        'tagged', ARGV[6])
    redis.call('HDEL', KEYS[1], 'skip')
    redis.call('PEXPIREAT', KEYS[1], gone)
    for i = 3, #KEYS do
        if redis.call('PTTL', KEYS[i]) < gone - now then redis.call('PEXPIREAT', KEYS[i], gone) end
    end
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
"""
# KEYS: entry, lease. ARGV: who, ms.
_SKIP = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return end
redis.call('DEL', KEYS[2])
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'skip', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""
# KEYS: leases. ARGV: ms, who, who, …
RENEW = """
for i, lease in ipairs(KEYS) do
    if redis.call('GET', lease) == ARGV[i + 1] then redis.call('PEXPIRE', lease, ARGV[1]) end
end
"""


class Question(Struct, frozen=True, kw_only=True):
    """What is asked: its fingerprint; how long its answer holds, and how much longer it may be given while, or since,
    it could not be made anew; by which names it can be made to be forgotten."""

    key: str
    ttl_s: float
    grace_s: float = 0.0
    tags: tuple[str, ...] = ()

    @property
    def entry(self) -> str:
        """Where the answer lies."""
        return f"kept:{self.key}"

    @property
    def lease(self) -> str:
        """Where it stands who makes it."""
        return f"kept:{self.key}:lease"

    @property
    def keys(self) -> tuple[str, ...]:
        """All that scripts look at."""
        return (self.entry, self.lease, *map(tag_key, self.tags))


class Found(Struct, frozen=True):
    """An answer that was kept, so many seconds after it was begun to be made."""

    value: bytes
    age_s: float


class Claim(Struct, frozen=True, kw_only=True):
    """The right to make an answer. It began at `since` (ms, Valkey's clock); `old` is what was kept before, if that may
    still be given."""

    question: Question
    who: str
    since: int
    tagged: bytes
    old: bytes | None = None
    old_age_s: float = 0.0


class Ask(Struct, frozen=True):
    """Run a script in Valkey. What comes back is sent into the generator, None where Valkey does not answer."""

    script: str
    keys: Sequence[str]
    args: Sequence[str | int | float | bytes]


class Pause(Struct, frozen=True):
    """Wait for so many seconds."""

    seconds: float


Looking = Generator[Ask | Pause, Any, "Found | Claim | None"]


def finding(question: Question, *, patience_s: float = PATIENCE_S) -> Looking:
    """Look for an answer, and wait for who makes it. None: make it, and keep nothing."""
    who = uuid4().hex
    tag_ms = _ms(question.ttl_s + question.grace_s)
    waited, pause = 0.0, _FIRST_PAUSE_S
    while True:
        ahead = -log(1.0 - random()) * _HASTE  # noqa: S311 (no secret)
        said = yield Ask(_LOOK, question.keys, (who, _ms(LEASE_S), ahead, tag_ms))
        if said is None:
            return None
        match said:
            case [b"found", value, age_ms]:
                return Found(value, age_ms / 1000)
            case [b"claimed", old, since, tagged, age_ms]:
                return Claim(question=question, who=who, since=since, tagged=tagged, old=old, old_age_s=age_ms / 1000)
        if said[0] == b"alone" or waited >= patience_s:
            return None
        yield Pause(pause)
        waited, pause = waited + pause, min(1.5 * pause, _LONGEST_PAUSE_S)


def keep(claim: Claim, value: bytes) -> Ask:
    """Keep what was made, and let the claim go."""
    asked = claim.question
    args = (claim.who, value, claim.since, _ms(asked.ttl_s), _ms(asked.grace_s), claim.tagged)
    return Ask(_KEEP, asked.keys, args)


def skip(claim: Claim) -> Ask:
    """Let a claim go: nothing is kept, and for a moment nobody waits for anybody."""
    return Ask(_SKIP, claim.question.keys[:2], (claim.who, _ms(SKIPPED_S)))


def rest(claim: Claim) -> Ask:
    """Let a claim go in a moment: so long nobody else tries what has just failed."""
    return Ask(RENEW, (claim.question.lease,), (_ms(SKIPPED_S), claim.who))


def tag_key(tag: str) -> str:
    """Where the token of a tag lies. Without it whatever bears the tag is forgotten."""
    return f"kept:tag:{tag}"


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
