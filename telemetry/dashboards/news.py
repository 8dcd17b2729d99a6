"""Parts of a page that ask for news by themselves (`static/app.js` says when): what has not changed is not sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.http import HttpRequest

SEEN = "seen"


def asks_for_news(request: HttpRequest) -> bool:
    """Whether a page that is open asks what is new, by its own address; every other request is for the whole page."""
    return SEEN in request.GET and "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def mark(parts: Iterable[object]) -> str:
    """A short word that changes when one of `parts` does."""
    return hashlib.blake2s(repr(tuple(parts)).encode(), digest_size=9).hexdigest()
