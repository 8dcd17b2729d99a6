"""The ladder as the page Routing shows it: the tiers and how they are, and what some days of a project add up to.

Telemetry prints the page, with its own panels and its own sums of calls; it is told where this is by the site's
setting LADDER, as Django's REST framework is told of its parts, so neither app imports the other's pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from routing import models, roster
from routing.contracts import Quota, Tier
from routing.ladder.breaker import LONGEST_S
from routing.providers.quota import Left, Quotas
from routing.providers.shared import Shared
from telemetry.contracts import Ladder, Opened, Recalled, Rung, Shortened, Why
from telemetry.facade import statement

_MOST_REASONS = 100
_MOST_CHANGES = 50
_SHORTENED = Shortened.__struct_fields__
_LONGEST = timedelta(seconds=LONGEST_S)


def ladder(*, project_id: int, first: date, last: date, now: datetime) -> Ladder:
    """The ladder now, and what the UTC days from `first` to `last` of a project add up to. Raises django.db.Error."""
    tiers = roster.current(now=now).tiers
    quotas = [tier.quota for tier in tiers if tier.quota]
    with ThreadPoolExecutor(1) as apart:  # a loop of its own, whatever the thread that asks is doing
        left = apart.submit(lambda: asyncio.run(_left(quotas, now))).result()
    sums = {row[0]: row[1:] for row in tier_days(project_id, first=first, last=last)}
    names = dict(models.Tier.objects.values_list("pk", "name"))
    changes = models.BreakerChange.objects.filter(at__date__range=(first, last)).order_by("-at", "-pk")
    opened = _opened(now)
    return Ladder(
        rungs=tuple(_rung(tier, left, opened, sums.get(tier.id, (0,) * 5)) for tier in tiers),
        whys=tuple(
            Why(names.get(tier_id, f"tier {tier_id}"), reason, asked, answered, given, good)
            for tier_id, reason, asked, answered, given, good in reason_days(project_id, first=first, last=last)
        ),
        opened=tuple(
            Opened(one.at, names.get(one.tier_id, f"tier {one.tier_id}"), one.kind) for one in changes[:_MOST_CHANGES]
        ),
        recalled=tuple(
            Recalled(
                tier=names.get(tier_id, f"tier {tier_id}"),
                asked=asked,
                found=found,
                unpriced=unpriced,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                saved_nanousd=saved,
            )
            for tier_id, asked, found, unpriced, input_tokens, output_tokens, saved in recall_days(
                project_id, first=first, last=last
            )
        ),
        shortened=tuple(
            Shortened(**dict(zip(_SHORTENED, (names.get(tier_id, f"tier {tier_id}"), *sums), strict=True)))
            for tier_id, *sums in compression_days(project_id, first=first, last=last)
        ),
    )


def _rung(tier: Tier, left: Mapping[str, Left], opened: Mapping[int, str], sums: Sequence[int]) -> Rung:
    answers, refused, failed, compared, bettered = sums
    trouble = tier.trouble or opened.get(tier.id, "")
    was_asked = answers + refused + failed > 0
    return Rung(
        name=tier.name,
        position=tier.position,
        provider=tier.provider.name,
        model=tier.model,
        share=tier.share,
        state=trouble or ("well" if was_asked else "not asked"),
        is_well=False if trouble else was_asked or None,
        quota=_quota(tier.quota, left),
        input_nanousd=tier.input_nanousd,
        output_nanousd=tier.output_nanousd,
        answers=answers,
        refused=refused,
        failed=failed,
        compared=compared,
        bettered=bettered,
    )


def _opened(now: datetime) -> dict[int, str]:
    """Why a tier is left out, or was and has not answered since."""
    return {
        one.tier_id: f"{'left out after' if now - one.at < _LONGEST else 'failed when last asked:'} {_words(one.kind)}"
        for one in models.BreakerChange.newest()
        if one.kind
    }


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _quota(quota: Quota | None, left: Mapping[str, Left]) -> str:
    if quota is None:
        return ""
    found = left[quota.group]
    parts = [
        f"{remains:,} of {most:,} left {when}"
        for remains, most, when in (
            (found.this_minute, quota.a_minute, "this minute"),
            (found.today, quota.a_day, "today"),
        )
        if most is not None and remains is not None
    ]
    return ", ".join(parts)


async def _left(quotas: Sequence[Quota], now: datetime) -> dict[str, Left]:
    """What each group has left, as all processes count together."""
    shared = Shared(settings.BROKER_URL)
    try:
        counted = Quotas(shared)
        return {quota.group: await counted.left(quota, now=now) for quota in quotas}
    finally:
        await shared.close()


def tier_days(project_id: int, *, first: date, last: date) -> list[Any]:
    """(tier id, answers, refused, failed, compared, bettered) of some days."""
    return _rows("tier_days", project_id=project_id, first=first, last=last)


def reason_days(project_id: int, *, first: date, last: date) -> list[Any]:
    """(tier id, reason, asked, answered, given, good) of some days."""
    return _rows("reason_days", project_id=project_id, first=first, last=last, most=_MOST_REASONS)


def recall_days(project_id: int, *, first: date, last: date) -> list[Any]:
    """(tier id, asked, found, unpriced, input tokens, output tokens, nano-dollars saved) of some days."""
    return _rows("recall_days", project_id=project_id, first=first, last=last)


def compression_days(project_id: int, *, first: date, last: date) -> list[Any]:
    """Tier id, and the fields of `Shortened` in their order, of some days."""
    return _rows("compression_days", project_id=project_id, first=first, last=last)


def _rows(name: str, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement("routing.dashboards", name), given)
        found: list[Any] = cursor.fetchall()
    return found
