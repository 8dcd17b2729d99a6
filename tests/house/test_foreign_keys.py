"""No foreign key goes from one of our apps to another; apps meet by plain identifiers and facades."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from tests.house.tree import APPS


def foreign_keys_across(tables: Iterable[type[models.Model]], ours: tuple[str, ...] = APPS) -> list[str]:
    """One line a relation that leaves its own app for another of `ours`."""
    found = []
    for table in tables:
        for field in table._meta.get_fields():
            target = field.related_model if field.is_relation and not field.auto_created else None
            if not isinstance(target, type) or not issubclass(target, models.Model):
                continue
            if target._meta.app_label in ours and target._meta.app_label != table._meta.app_label:
                found.append(f"{table._meta.label}.{field.name} points at {target._meta.label}")
    return found


def test_no_foreign_key_leaves_its_app() -> None:
    assert foreign_keys_across(model for model in apps.get_models() if model._meta.app_label in APPS) == []


@isolate_apps("telemetry", "tloi_site")
def test_a_foreign_key_to_another_app_is_found() -> None:
    class Tier(models.Model):
        class Meta:
            app_label = "tloi_site"

    class Spend(models.Model):
        tier = models.ForeignKey(Tier, on_delete=models.CASCADE)

        class Meta:
            app_label = "telemetry"

    assert foreign_keys_across([Tier, Spend]) == ["telemetry.Spend.tier points at tloi_site.Tier"]
