"""The WSGI application that granian serves."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from tloi_site.envelope import put_right

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")
application = put_right(get_wsgi_application(), limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
