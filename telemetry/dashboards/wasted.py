"""Waste beside all that was used, both as a project's detectors count tokens. Pure."""

from __future__ import annotations

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats
from telemetry.observer.findings import tokens_of
from telemetry.usage import weighted_hundredths

GROSS = "gross"


def measured(total: UsageRow, *, measure: str) -> int:
    """The tokens of all calls of a total: weighed by price, or where a project counts gross, each one once."""
    if measure == GROSS:
        return total.tokens
    weighed = weighted_hundredths(
        uncached=total.input_uncached,
        cache_read=total.cache_read,
        cache_write_5m=total.cache_write_5m,
        cache_write_1h=total.cache_write_1h,
        cache_write_unknown=total.cache_write_unknown,
    )
    return tokens_of(weighed + 100 * total.output)


def part(tokens: int, used: int, *, measure: str) -> str:
    """84.2% of 13.9M, weighed by price; empty where nothing was used."""
    weighed = "" if measure == GROSS else ", weighed by price"
    return f"{formats.percent(tokens, used)}% of {formats.compact(used)}{weighed}" if used else ""
