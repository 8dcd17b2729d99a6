"""Counting tokens as OpenAI's models do, by tiktoken with tables of our own package: never by the network. Pure.

tiktoken fetches a table when it first needs it, and waits where nothing answers. Here its constructor is given both the
table and the pattern, so that nothing is left to fetch; a test holds them to what tiktoken itself makes of it. It is
read when it is needed, by one thread of a process, and given back when nothing was counted for a minute: it costs
tens of megabytes, and most processes count now and then, or never.
"""

from __future__ import annotations

import base64
import ctypes
import lzma
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from threading import Lock, Timer
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tiktoken import Encoding

Name = Literal["cl100k_base", "o200k_base"]
_RUN = 20_000  # characters of whitespace, of which a few hundred thousand at once overflow the matcher's stack
_WORD = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
)
_PATTERNS: dict[Name, str] = {  # tiktoken_ext/openai_public.py, MIT
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|"
        r"\s+(?!\S)|\s"
    ),
    "o200k_base": "|".join((*_WORD, r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+")),
}
KEPT_S = 60.0  # after it was last needed
_loaded: dict[Name, Encoding] = {}
_used: dict[Name, float] = {}  # when, by time.monotonic()
_loading = Lock()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many tokens a text is. Not exact where a run of whitespace was so long that it was cut to be counted."""

    tokens: int
    is_exact: bool = True


def count(text: str, name: Name) -> Counted:
    """The tokens of a text, all of it as plain text: `<|endoftext|>` is no special token but the words themselves."""
    encode = _encoding(name).encode_ordinary
    cuts = _cuts(text)
    if not cuts:
        return Counted(len(encode(text)))
    pieces = zip([0, *cuts], [*cuts, len(text)], strict=True)
    return Counted(sum(len(encode(text[start:end])) for start, end in pieces), is_exact=False)


def _cuts(text: str) -> list[int]:
    """Where to cut so that no piece holds two whole blocks of whitespace; text is looked at where a block ends."""
    return [end for end in range(_RUN, len(text), _RUN) if text[end - 1].isspace() and text[end - _RUN : end].isspace()]


def _encoding(name: Name) -> Encoding:
    """The encoding, made by whoever comes first while others wait: two at once would take twice the memory."""
    _used[name] = time.monotonic()
    found = _loaded.get(name)
    if found is None:
        with _loading:
            found = _loaded.get(name)
            if found is None:
                found = _loaded[name] = _load(name)
                _look_after(name, KEPT_S)
    return found


def _look_after(name: Name, seconds: float) -> None:
    timer = Timer(seconds, _give_back, (name,))
    timer.daemon = True
    timer.start()


def _give_back(name: Name) -> None:
    """Let the table go if nobody needed it for `KEPT_S`, and its pages with it; else look again later."""
    left = _used[name] + KEPT_S - time.monotonic()
    if left > 0:
        _look_after(name, left)
        return
    _loaded.pop(name, None)
    with suppress(OSError, AttributeError):  # another C library than glibc gives back what it wants
        ctypes.CDLL(None).malloc_trim(0)


def _load(name: Name) -> Encoding:
    from tiktoken import Encoding  # noqa: PLC0415 (10 MB that only processes that count tokens need)

    ranks = read_ranks(name)
    made = Encoding(name, pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})
    ranks.clear()  # the encoding has copied it, and keeps this one for what nobody asks here
    return made


def read_ranks(name: Name) -> dict[bytes, int]:
    """The table of an encoding: which bytes are a token, and which pair is joined first."""
    packed = (files(__package__) / "ranks" / f"{name}.tiktoken.xz").read_bytes()
    lines = lzma.decompress(packed).split(b"\n")
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
