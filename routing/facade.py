"""Routing's door: what the site may start, and ask. Nothing but contracts and plain values passes."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from routing.gateway.app import Gateway
from routing.gateway.resources import Resources

__all__ = ["Gateway", "gateway"]


def gateway() -> Gateway:
    """The gateway as an ASGI application, which makes what it needs when its server starts."""
    return Gateway(_resources)


async def _resources() -> Resources:
    resources = Resources(Path(settings.DATA_DIR) / "gateway")
    resources.start()
    return resources
