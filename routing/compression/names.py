"""The names in a text by which later calls speak of things: paths, ids, numbers with what they count. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Each part has a bound, so that no text takes longer than its length.
_NAME = re.compile(
    r"""(?P<path>(?<![\w./@~-])(?:[\w.@~-]{1,100}/|/)(?:[\w.@-]{1,100}/){0,20}[\w.@-]{0,100}\w)"""
    r"""|(?P<file>(?<![\w-])[\w-]{1,64}\.(?:py|js|ts|sql|md|json|toml|ya?ml|html|css|txt|csv|go|rs|java|c|h|sh|cfg|ini|lock)\b)"""
    r"""|(?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}\b)"""
    r"""|"(?P<key>[\w.-]{1,40})"\s{0,4}:\s{0,4}"?(?P<value>-?\d[\w.:-]{0,30}|[\w.-]{0,30}\d[\w.-]{0,30})(?=["\s,}\]])"""
    r"""|(?P<day>\b\d{4}-\d\d-\d\d(?:T[\d:]{1,12}Z?)?\b)"""
    r"""|(?P<id>(?<![\w-])(?=[\w-]{0,63}\d)(?=[\w-]{0,63}[A-Za-z_])[A-Za-z0-9_-]{5,64}(?![\w-]))"""
    r"""|(?P<amount>[$€£]\s?\d[\d,.]{0,20}|\b\d[\d,.]{0,20}\s?(?:%|ms|MB|GB|kB|USD|EUR)(?!\w))""",
    re.VERBOSE,
)


def names(text: str, most: int) -> list[str]:
    """The first names of a text, each once."""
    found: dict[str, None] = {}
    for name in _all(text):
        found[name] = None
        if len(found) == most:
            break
    return list(found)


def _all(text: str) -> Iterable[str]:
    for found in _NAME.finditer(text):
        if found["key"]:
            yield f"{found['key']}={found['value']}"
        else:
            yield found.group()
