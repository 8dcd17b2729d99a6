"""The ladder that an instance begins with: the optimisation plan's four tiers and their shares.

Addresses, names and limits as their providers published them in November 2026; the admin changes them, and this is
never run again. Prices are the price book's.
"""

from typing import Any

from django.db import migrations

OPENROUTER = "https://openrouter.ai/api/v1"
FREE = {"is_free": True, "has_tools": True}
TIERS: tuple[dict[str, Any], ...] = (
    {
        "position": 1, "name": "qwen3", "provider": "local", "model": "default_model", "share_percent": 80,
        "context_window": 32_768, "concurrency": 1, "queue": 8, **FREE,
    },
    {
        "position": 2, "name": "trinity", "provider": "openrouter", "model": "arcee-ai/trinity-large-preview:free",
        "share_percent": 15, "context_window": 131_000, "has_json": True, "quota": "openrouter-free", **FREE,
    },
    {
        "position": 3, "name": "qwen3-coder", "provider": "openrouter", "model": "qwen/qwen3-coder:free",
        "share_percent": 4, "context_window": 262_000, "quota": "openrouter-free", **FREE,
    },
    {
        "position": 4, "name": "kimi", "provider": "openrouter", "model": "moonshotai/kimi-k2.5", "share_percent": 1,
        "context_window": 262_144, "has_tools": True, "has_vision": True, "has_json": True,
    },
)


def seed(apps: Any, schema_editor: Any) -> None:
    """Write the rows, unless there are some."""
    providers_of, quotas_of, tiers_of = (
        apps.get_model("routing", name).objects for name in ("Provider", "QuotaGroup", "Tier")
    )
    if providers_of.exists() or tiers_of.exists():
        return
    providers = {
        "local": providers_of.create(
            name="local", base_url="http://127.0.0.1:8080/v1", is_local=True, is_managed=True
        ),
        "openrouter": providers_of.create(
            name="openrouter", base_url=OPENROUTER, key_variable="OPENROUTER_API_KEY"
        ),
    }
    quotas = {
        "openrouter-free": quotas_of.create(
            name="openrouter-free", a_minute=20, a_day=50,
            note="OpenRouter's limits of :free models by account; 1,000 a day once $10 of credits were bought.",
        )
    }
    for tier in TIERS:
        named = {"provider": providers[tier["provider"]], "quota": quotas.get(tier.get("quota", ""))}
        tiers_of.create(**tier | named, is_enabled=True)


class Migration(migrations.Migration):

    dependencies = [
        ("routing", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
