"""Ladders of a test's own: their rows hold for the whole instance, so that what was there before comes back after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from routing import models, roster

_TABLES: tuple[type[Any], ...] = (models.QuotaGroup, models.Provider, models.Tier, models.Alias)


@contextmanager
def restored() -> Iterator[None]:
    """Inside, the ladder may be changed at will; after it all is as it was."""
    before = {table: list(table._default_manager.order_by("pk")) for table in _TABLES}
    roster.forget()
    try:
        yield
    finally:
        for table in reversed(_TABLES):
            table._default_manager.all().delete()
        for table, rows in before.items():
            table._default_manager.bulk_create(rows)
        roster.forget()


@contextmanager
def ladder(*base_urls: str, **said: Any) -> Iterator[list[models.Tier]]:
    """Inside, the ladder is a tier for each base URL, lowest first: `tier-1` asks `model-1` of `provider-1`, and so on.
    They are free and local, share the calls evenly, and have what `said` says of each."""
    with restored():
        models.Alias.objects.all().delete()
        models.Tier.objects.all().delete()
        made = []
        for position, base_url in enumerate(base_urls, 1):
            family = "openai" if base_url.endswith("/v1") else "anthropic"
            provider = models.Provider.objects.create(
                name=f"provider-{position}", family=family, base_url=base_url, is_local=True
            )
            fields = {"share_percent": round(100 / len(base_urls), 2), "is_free": True, "has_tools": True}
            made.append(
                models.Tier.objects.create(
                    position=position,
                    name=f"tier-{position}",
                    provider=provider,
                    model=f"model-{position}",
                    is_enabled=True,
                    **fields | said,
                )
            )
        roster.forget()
        yield made
