"""What was heard so far of an attempt that goes on, as a line that is written over in place. Pure.

All such lines are of one length, so that the next one takes the place of the one before and a file does not grow with
what streams through. A line bears the check sum of what it says: one that was being written when its process was killed
says nothing, and what was begun is charged as reserved.
"""

from __future__ import annotations

from zlib import crc32

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from routing.contracts import Attempt, Usage

HEARD = b"H"
_LENGTH = 448  # bytes of what is said: the longest numbers that a ledger takes, and an id, are fewer
_LONGEST_ID = 64
_encode = msgspec.json.Encoder().encode


class Heard(Struct, frozen=True, array_like=True):
    """What an attempt used as far as it was heard (None: nothing yet, but what its provider calls it), what that costs
    as an `Attempt` says it, and how long it took."""

    usage: Usage | None
    cost_nanousd: int | None
    duration_s: float
    provider_call_id: str = ""


_decode = msgspec.json.Decoder(Heard).decode
NOTHING = b"%b%b\n" % (HEARD, b" " * (8 + _LENGTH))


def line_of(heard: Heard) -> bytes:
    """The line that says it, without an id that is longer than ids are; b"" where it is too long all the same."""
    if len(heard.provider_call_id) > _LONGEST_ID:
        heard = replace(heard, provider_call_id="")
    said = _encode(heard)
    if len(said) > _LENGTH:
        return b""
    said = said.ljust(_LENGTH)
    return b"%b%08x%b\n" % (HEARD, crc32(said), said)


def heard_of(line: bytes) -> Heard | None:
    """What a line says, without its end; None where that is nothing, or nothing that can be read."""
    said = line[9:]
    if line[1:9] != b"%08x" % crc32(said):
        return None
    try:
        return _decode(said)
    except msgspec.DecodeError:  # of another version
        return None


def as_heard(attempt: Attempt, heard: Heard) -> Attempt:
    """An attempt that was begun, charged for what was heard of it."""
    if heard.usage is None:
        return replace(attempt, provider_call_id=heard.provider_call_id)
    return replace(
        attempt,
        usage=heard.usage,
        cost_nanousd=heard.cost_nanousd,
        duration_s=heard.duration_s,
        provider_call_id=heard.provider_call_id,
    )
