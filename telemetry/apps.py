"""Telemetry's app configuration."""

from datetime import UTC, datetime

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db.models.signals import post_migrate


class TelemetryConfig(AppConfig):
    name = "telemetry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """After every migration, which comes before every start, note the price table that is installed."""
        post_migrate.connect(note_prices, sender=self)


def note_prices(*, apps: Apps = installed, **_: object) -> None:
    """Write down which price table is in use. `apps` is the state that was migrated to, which may be an old one."""
    from telemetry import facade  # noqa: PLC0415 (models are not loaded when this module is)

    if "priceversion" in apps.all_models["telemetry"]:
        facade.ensure_price_versions(now=datetime.now(UTC))
