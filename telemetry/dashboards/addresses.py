"""Ids in addresses: any text is one part of a path, whatever it holds. Pure.

A slash or a percent sign in an id is encoded once more than the rest, since servers and proxies decode a path before
anybody cuts it; two dots alone would lead a browser upwards, and are encoded too. An id that somebody encoded once by
hand is found as well, as long as it holds no percent sign itself.
"""

from __future__ import annotations

from urllib.parse import unquote

_ENCODED = {"%": "%25", "/": "%2F"}
_DOTS = {".": "%2E", "..": "%2E%2E"}


class AnyText:
    """Django's converter of an id in a path."""

    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:
        """The id that stands in a path."""
        return unquote(value)

    def to_url(self, value: str) -> str:
        """How an id stands in a path; Django encodes what else has to be."""
        return _DOTS.get(value) or "".join(_ENCODED.get(letter, letter) for letter in value)
