"""What a call's five buckets mean together: totals, order, and quality flags as bits. Pure. Source: formats.md §0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from telemetry.contracts import Call, Quality

_QUALITY_BITS: dict[str, int] = {name: 1 << place for place, name in enumerate(get_args(Quality))}
_HALF = 2**31


def input_total(call: Call) -> int:
    """All input tokens of a call, cached or not: OTel's gen_ai.usage.input_tokens."""
    return (
        call.input_uncached + call.cache_read + call.cache_write_5m + call.cache_write_1h + call.cache_write_unknown
    )


def usage_rank(call: Call) -> int:
    """Which of two copies of one call is the fuller: by output, then by input. A streamed count only grows."""
    return min(call.output, _HALF - 1) * _HALF + min(input_total(call), _HALF - 1)


def quality_bits(flags: Iterable[str]) -> int:
    """Quality flags as one integer; the bit of a flag is its place in contracts.Quality."""
    bits = 0
    for flag in flags:
        bits |= _QUALITY_BITS[flag]
    return bits
