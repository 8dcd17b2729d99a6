"""Every table of telemetry has its place on a Citus cluster: cut by project, or local and then for a reason."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.db import models

from telemetry.ledger.sharding import LOCAL, LOCAL_OF_PROJECTS, SHARDED

PLACED = {*SHARDED, *LOCAL_OF_PROJECTS, *LOCAL}


def misplaced(tables: Iterable[type[models.Model]], placed: set[str]) -> list[str]:
    """The tables that have no place, and the places that have no table."""
    names = {table._meta.db_table for table in tables}
    return sorted(f"{name} has no place" for name in names - placed) + sorted(
        f"{name} is no table" for name in placed - names
    )


def keyed_by_project(tables: Iterable[type[models.Model]]) -> set[str]:
    """The tables whose rows say of which project they are."""
    return {
        table._meta.db_table
        for table in tables
        if any(field.column == "project_id" for field in table._meta.local_fields)
    }


TABLES = tuple(apps.get_app_config("telemetry").get_models())


def test_every_table_has_one_place() -> None:
    assert misplaced(TABLES, PLACED) == []
    assert len(PLACED) == len(SHARDED) + len(LOCAL_OF_PROJECTS) + len(LOCAL)


def test_what_is_removed_with_a_project_is_what_bears_its_number() -> None:
    assert keyed_by_project(TABLES) == {*SHARDED, *LOCAL_OF_PROJECTS}


def test_a_local_table_says_why() -> None:
    assert all(reason.strip() for reason in (LOCAL_OF_PROJECTS | LOCAL).values())


def test_a_table_without_a_place_and_a_place_without_a_table_are_found() -> None:
    assert misplaced(TABLES, {*PLACED, "telemetry_gone"} - {"telemetry_call"}) == [
        "telemetry_call has no place",
        "telemetry_gone is no table",
    ]
