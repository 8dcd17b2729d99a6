"""What was taken out of a prompt, by the hash of its bytes: nothing is lost, and all can be put back. Pure.

Where they are kept is for who calls: a verb here is given `find`, which looks for the bytes of a reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from routing.compression.steps import with_content
from routing.wire.bodies import Body

REF = 16  # hexadecimal digits of a hash by which a model speaks of it
Find = Callable[[str], bytes | None]  # by hash or reference


class Blob(Struct, frozen=True):
    """Bytes under their own hash. `content` is the content of a result as JSON; steps are a `Folded`, and what stood
    before one block of notes is a `History`."""

    sha256: str
    kind: Literal["result", "steps", "history"]
    content: bytes


class Lost(LookupError):
    """A reference whose bytes are not there any more."""


class Hole(Struct, frozen=True, array_like=True):
    """Where in a message something was taken out, and which blob it is."""

    message: int
    place: int
    sha256: str


class Folded(Struct, frozen=True):
    """Messages as they were sent, with the holes in them."""

    messages: list[Body]
    holes: tuple[Hole, ...] = ()


class History(Struct, frozen=True):
    """What notes stand for: what the notes before them did, "" where there were none, and the steps since."""

    before: str
    steps: tuple[str, ...]


def blob(kind: Literal["result", "steps", "history"], value: Any) -> Blob:
    """The blob of a value that JSON has words for."""
    content = msgspec.json.encode(value)
    return Blob(hashlib.sha256(content).hexdigest(), kind, content)


def parts_of(one: Blob) -> tuple[str, ...]:
    """The hashes of the blobs that one is made of: without them it cannot be put back."""
    if one.kind == "steps":
        return tuple(hole.sha256 for hole in msgspec.json.decode(one.content, type=Folded).holes)
    if one.kind == "history":
        made = msgspec.json.decode(one.content, type=History)
        return (*([made.before] if made.before else []), *made.steps)
    return ()


def fetch(find: Find, ref: str) -> bytes:
    """The bytes of a reference. Raises Lost."""
    content = find(ref)
    if content is None:
        raise Lost(ref)
    return content


def filled(folded: Folded, find: Find) -> list[Body]:
    """Messages with their holes filled: as they came. Raises Lost."""
    messages = list(folded.messages)
    for hole in folded.holes:
        content = msgspec.json.decode(fetch(find, hole.sha256))
        messages[hole.message] = with_content(messages[hole.message], hole.place, content)
    return messages


def history(find: Find, sha256: str) -> Iterator[list[Body]]:
    """The messages of every step behind a block of notes, the oldest first, as they came. Raises Lost."""
    chain: list[History] = []
    while sha256:
        chain.append(msgspec.json.decode(fetch(find, sha256), type=History))
        sha256 = chain[-1].before
    for one in reversed(chain):
        for step in one.steps:
            yield filled(msgspec.json.decode(fetch(find, step), type=Folded), find)
