"""The ladder as it is set up now: tiers by position and the aliases of keys, as contracts. Callable from threads.

A process holds what it read for two seconds, then asks for one number that every change of it leaves (a trigger writes
it), and reads again only where that differs. Where the database is away it goes on with what it holds.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from django.conf import settings
from django.db import Error, connection
from msgspec import Struct

from routing import models
from routing.contracts import Capability, KeepRule, Limits, Provider, Quota, Secret, Shortening, Tier
from routing.wire.sending import SPOKEN
from telemetry import facade

FRESH = timedelta(seconds=2)
NO_KEY = "its provider's key is not set"
GONE = "its provider no longer offers the model"
_NANO_A_TOKEN = 1_000  # a dollar a million tokens
_log = logging.getLogger(__name__)


class Roster(Struct, frozen=True, kw_only=True):
    """The tiers in use, lowest first; (key id or None for every key, name asked for) → `auto` or `tier:POSITION`; for
    how long answers are kept; whose prompts are made shorter, by project."""

    tiers: tuple[Tier, ...]
    aliases: Mapping[tuple[int | None, str], str]
    rules: tuple[KeepRule, ...]
    shortening: Mapping[str, Shortening]
    version: int
    read_at: datetime

    def target(self, key_id: int, name: str) -> str | None:
        """What a key's agents get under a name: its own alias before one for every key; None where there is none."""
        return self.aliases.get((key_id, name)) or self.aliases.get((None, name))

    def shortens(self, project: str) -> Shortening | None:
        """How a project's prompts are made shorter: its own rule before the one for all; None where they are not."""
        rule = self.shortening.get(project) or self.shortening.get("")
        return None if rule is None or rule.mode == "off" else rule


_lock = threading.Lock()
_held: Roster | None = None


def current(*, now: datetime) -> Roster:
    """The roster, at most two seconds old while the database answers. Raises django.db.Error where it never did."""
    found = _held
    if found is not None and timedelta(0) <= now - found.read_at <= FRESH:
        return found
    with _lock:
        return _renewed(now)


def forget() -> None:
    """Read it anew at the next call, for instance since a setting is another one."""
    global _held  # noqa: PLW0603 (a process holds one roster)
    _held = None


def _renewed(now: datetime) -> Roster:
    global _held  # noqa: PLW0603 (a process holds one roster)
    held = _held
    if held is not None and timedelta(0) <= now - held.read_at <= FRESH:
        return held  # another thread was faster
    try:
        version = _version()
        same = held is not None and held.version == version
        found = msgspec.structs.replace(held, read_at=now) if held is not None and same else _read(version, now)
    except Error as error:
        connection.close()
        if held is None:
            raise
        _log.warning("the ladder cannot be read anew, what was read at %s holds on: %s", held.read_at, error)
        found = msgspec.structs.replace(held, read_at=now)
    _held = found
    return found


def _version() -> int:
    return models.RosterRevision.objects.values_list("number", flat=True).first() or 0


def _read(version: int, now: datetime) -> Roster:
    rows = models.Tier.objects.filter(is_enabled=True).select_related("provider", "quota").order_by("position")
    aliases = models.Alias.objects.select_related("tier")
    return Roster(
        tiers=_whole([_tier(row) for row in rows]),
        aliases={(one.key_id, one.name): f"tier:{one.tier.position}" if one.tier else "auto" for one in aliases},
        rules=tuple(
            KeepRule(project=one.project, key_id=one.key_id, task_type=one.task_type, hours=one.hours)
            for one in models.KeepRule.objects.order_by("pk")
        ),
        shortening={one.project: _shortening(one) for one in models.CompressionRule.objects.all()},
        version=version,
        read_at=now,
    )


def _shortening(row: models.CompressionRule) -> Shortening:
    return Shortening(
        project=row.project,
        mode={"shadow": "shadow", "on": "on"}.get(row.mode, "off"),  # type: ignore[arg-type]
        session_tokens=row.session_tokens,
        turns=row.turns,
        result_tokens=row.result_tokens,
    )


def _whole(tiers: list[Tier]) -> tuple[Tier, ...]:
    """Tiers whose shares make 1, as they do unless somebody wrote past the admin."""
    whole = sum(tier.share for tier in tiers)
    if abs(whole - 1) < 1e-6 or not whole:
        return tuple(tiers)
    return tuple(msgspec.structs.replace(tier, share=tier.share / whole) for tier in tiers)


def trouble_of(row: models.Tier) -> str:
    """Why a tier cannot be asked as it is set up, as far as this process knows; empty where it can."""
    return _tier(row).trouble


def _tier(row: models.Tier) -> Tier:
    provider, trouble = _provider(row.provider)
    quota = Quota(row.quota.name, row.quota.a_minute, row.quota.a_day) if row.quota else None
    return Tier(
        id=row.pk,
        position=row.position,
        name=row.name,
        provider=provider,
        model=settings.LOCAL_MODEL if _is_ours(row.provider) else row.model,
        context_window=row.context_window,
        max_output=row.max_output,
        capabilities=_capabilities(row),
        share=float(row.share_percent) / 100,
        is_free=row.is_free,
        input_nanousd=0 if row.is_free else _nanousd(row.input_usd),
        output_nanousd=0 if row.is_free else _nanousd(row.output_usd),
        concurrency=row.concurrency,
        queue=row.queue,
        quota=quota,
        limits=Limits(
            connect_s=row.connect_s,
            first_token_s=row.first_token_s,
            silence_s=row.silence_s,
            total_s=row.total_s,
            whole_s=row.whole_s,
        ),
        trouble=trouble or (GONE if row.vanished_at else ""),
    )


def _provider(row: models.Provider) -> tuple[Provider, str]:
    """The provider with its key opened, and why it cannot be asked."""
    secret, trouble = Secret(), ""
    try:
        secret = Secret(key_of(row))
    except facade.Lost:
        trouble = "its provider's key was sealed with another TLOI_SECRET_KEY"
    if not secret and not row.is_local:
        trouble = trouble or NO_KEY
    found = Provider(
        id=row.pk,
        name=row.name,
        family="anthropic" if row.family == models.Provider.Family.ANTHROPIC else "openai",
        base_url=settings.LOCAL_MODEL_URL if _is_ours(row) else row.base_url,
        secret=secret,
        is_local=row.is_local,
        speaks=SPOKEN["openai"] | {"openai.responses"} if row.speaks_responses else None,
    )
    return found, trouble


def _is_ours(row: models.Provider) -> bool:
    """Whether it is the server that `tloi up` starts, of the one model that a setting names."""
    return row.is_managed and bool(settings.LOCAL_MODEL)


def key_of(row: models.Provider) -> str:
    """A provider's key: from its variable, else the sealed one; empty where neither is set. Raises facade.Lost."""
    named = os.environ.get(row.key_variable, "").strip() if row.key_variable else ""
    return named or facade.unseal_key(row.sealed_key)


def _capabilities(row: models.Tier) -> frozenset[Capability]:
    has: dict[Capability, bool] = {
        "tools": row.has_tools,
        "vision": row.has_vision,
        "json": row.has_json,
        "embeddings": row.has_embeddings,
    }
    return frozenset(name for name, is_so in has.items() if is_so)


def _nanousd(usd_a_million: Decimal | None) -> int | None:
    return None if usd_a_million is None else int(usd_a_million * _NANO_A_TOKEN)
