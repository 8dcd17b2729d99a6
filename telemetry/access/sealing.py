"""Addresses and secrets at rest: sealed with a key that is derived from SECRET_KEY, which stands in no table.

Fernet (AES-128-CBC and HMAC-SHA256); the key by HKDF-SHA256 (RFC 5869) under a label of its own for each purpose, so
that nothing else that SECRET_KEY signs says anything about it, and what is sealed for one purpose opens for no other.
The library is loaded by who seals or opens: it is 6 MB.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

Purpose = Literal["alerts", "providers"]
_LABELS: dict[Purpose, bytes] = {
    "alerts": b"tloi: addresses and secrets of alert channels, 1",
    "providers": b"tloi: keys of model providers, 1",
}
LOST = "It was sealed with another TLOI_SECRET_KEY and cannot be read any more: enter it again."


class Lost(ValueError):
    """What was sealed cannot be opened; the text says what to do."""


def seal(plain: str, *, purpose: Purpose = "alerts") -> str:
    """A secret as it is stored; empty stays empty."""
    return _fernet(settings.SECRET_KEY, purpose).encrypt(plain.encode()).decode() if plain else ""


def unseal(sealed: str, *, purpose: Purpose = "alerts") -> str:
    """The secret. Raises Lost where it was sealed with another key, or was changed since."""
    if not sealed:
        return ""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 (see above)

    try:
        return _fernet(settings.SECRET_KEY, purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise Lost(LOST) from error


def ending(sealed: str, *, purpose: Purpose = "alerts") -> str:
    """The last four characters of a secret that is long enough to keep the rest to itself, else an ellipsis. Raises
    Lost."""
    plain = unseal(sealed, purpose=purpose)
    return "\N{HORIZONTAL ELLIPSIS}" + plain[-4:] if len(plain) >= 16 else "\N{HORIZONTAL ELLIPSIS}"


@lru_cache(maxsize=4)
def _fernet(secret_key: str, purpose: Purpose) -> Fernet:
    from cryptography.fernet import Fernet  # noqa: PLC0415 (see above)
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_LABELS[purpose]).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
