"""Which base URLs models may be asked at: listed hosts by https, and what is listed as host:port by http too.

Neither list is in the database, so who may write providers cannot send keys and prompts wherever they like. A listed
host must lead to the open Internet, however its name resolves; a listed host:port may lead anywhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult

from django.conf import settings

from telemetry.facade import is_public, place, port_of, web_parts

_MOST_LETTERS = 500


class Forbidden(ValueError):
    """An address that nothing is sent to; the text says why, and which setting may allow it."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be asked: `hosts` by https at their usual port, `private` as host:port. All in lower case."""

    hosts: frozenset[str]
    private: frozenset[str]

    @classmethod
    def of(cls, hosts: Collection[str], private: Collection[str]) -> Allowed:
        """As the settings have them."""
        return cls(frozenset(hosts), frozenset(private))

    def is_private(self, host: str, port: int) -> bool:
        """Whether an address that is not on the open Internet is meant."""
        return place(host, port) in self.private


def configured() -> Allowed:
    """What the settings of this instance allow."""
    return Allowed.of(settings.UPSTREAM_HOSTS, settings.ALLOW_PRIVATE_UPSTREAM)


@lru_cache(maxsize=256)
def check(base_url: str, allowed: Allowed) -> SplitResult:
    """The parts of a base URL that may be asked. Raises Forbidden."""
    try:
        parts = web_parts(base_url, called="A base URL", most=_MOST_LETTERS)
    except ValueError as error:
        raise Forbidden(str(error)) from error
    if "?" in base_url:
        raise Forbidden("A base URL has no ?.")
    return _listed(parts, parts.hostname or "", port_of(parts), allowed)


@lru_cache(maxsize=4096)
def is_open(address: str) -> bool:
    """Whether a numeric address belongs to the open Internet."""
    return is_public(address)


def _listed(parts: SplitResult, host: str, port: int, allowed: Allowed) -> SplitResult:
    if allowed.is_private(host, port):
        return parts
    if parts.scheme == "http":
        raise Forbidden(f"http:// is for what TLOI_ALLOW_PRIVATE_UPSTREAM lists; {place(host, port)} is not in it.")
    if host not in allowed.hosts or port != 443:
        raise Forbidden(
            f"{place(host, port)} is neither a host of TLOI_UPSTREAM_HOSTS at port 443 nor in"
            " TLOI_ALLOW_PRIVATE_UPSTREAM."
        )
    return parts
