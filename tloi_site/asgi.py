"""The gateway, as `python -m tloi_site.gateway` serves it, or any other ASGI server."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")
django.setup()

from routing import facade  # noqa: E402 (Django first)

application = facade.gateway()
