"""The WSGI application that granian serves."""

from __future__ import annotations

import ctypes
import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.template import engines

from tloi_site.envelope import put_right

_MALLOC = {-1: 8 * 2**20, -3: 2**20, -8: 2}  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX


def _give_memory_back() -> None:
    """Fix glibc's thresholds: else it learns from a large body to keep as much room for the next, in each thread."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in _MALLOC.items():
            mallopt(parameter, value)


def _collect_rarely() -> None:
    """A batch is thousands of objects that refer to nothing: Python's collector, which looks at them after every 700,
    takes a tenth of the time. What is loaded already is never garbage."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _load_pages() -> None:
    """Import all views and compile our templates before processes are forked, which then share them, instead of each at
    its first request. A process that compiles them itself keeps what that took besides."""
    import_module(settings.ROOT_URLCONF)
    folder = settings.BASE_DIR / "templates"
    for engine in engines.all():
        for file in sorted(folder.rglob("*.html")):
            engine.get_template(str(file.relative_to(folder)))


_give_memory_back()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")
application = put_right(get_wsgi_application(), limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
_load_pages()
_collect_rarely()
