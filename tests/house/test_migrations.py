"""The migrations say what the models say: `makemigrations --check`, without a database."""

from __future__ import annotations

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.house.tree import APPS


def missing_migrations(models: ProjectState) -> dict[str, list[str]]:
    """By app, the operations that a migration still has to make to arrive at `models`."""
    loader = MigrationLoader(None)
    changes = MigrationAutodetector(loader.project_state(), models).changes(graph=loader.graph)
    return {
        app: [operation.describe() for migration in migrations for operation in migration.operations]
        for app, migrations in changes.items()
        if app in APPS
    }


def test_every_model_has_its_migration() -> None:
    assert missing_migrations(ProjectState.from_apps(apps)) == {}


def test_a_changed_model_without_a_migration_is_found() -> None:
    state = ProjectState.from_apps(apps)
    del state.models["telemetry", "session"].fields["agent"]
    assert missing_migrations(state) == {"telemetry": ["Remove field agent from session"]}
