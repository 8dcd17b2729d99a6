"""Pages at 10 million calls beside the same pages at 1 million, and ingest into a full table beside an empty one.

Bars: a page's time at 10 million is ≤ 1.3 of that at 1 million, for Overview (with its top sessions and its waste),
Models and Anomalies at 24 hours, 30 and 90 days; sustained ingest at 10 million is ≥ 0.8 of that into an empty table,
with rollups folding; a page under full ingest takes ≤ 2 times what it takes at rest. `raw` is the same questions asked
of calls, without a bar, for pages that calls could answer.

Each size is a database of its own on one server, filled by COPY with 90 days and today of an invented team, folded by
the product's own rebuild, and its runs judged live, with almost two anomalies a run; each has a whole site. Pages are
loaded through HTTP, the sizes in turns. `--keep FOLDER` leaves the data there, and the next run with it begins where
that one ended.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import psycopg

from benchmarks import harness
from benchmarks.scale_site import Site, site

SIZES = (1_000_000, 10_000_000)
PAGES = ("/", "/models/", "/anomalies/")
RANGES = {"24h": 1, "30d": 30, "90d": 90}
ROUNDS = 15
RAW_ROUNDS = 2


def main() -> None:
    """Fill, fold and measure; one JSON line a figure."""
    asked = _arguments()
    with harness.instance(asked.keep) as first, ExitStack() as running:
        from benchmarks import scale_fill, scale_hundred, scale_ingest
        from tloi_site import assets

        assets.collect()
        calls = scale_hundred.CALLS if asked.hundred else asked.sizes[1]
        small_place = scale_fill.ready(first, asked.sizes[0])
        large_place = scale_hundred.ready(first) if asked.hundred else scale_fill.ready(first, calls)
        small = running.enter_context(site(small_place, number=1))
        large = running.enter_context(site(large_place, number=2))
        if "pages" in asked.parts:
            for page, preset in product(PAGES, RANGES):
                times = compare(small, large, page, preset, calls=calls)
                if not asked.hundred and page != "/anomalies/":  # most of those calls are gone; calls know no waste
                    compare_raw(large, page, preset, times, calls=calls)
        if "ingest" in asked.parts:
            empty = running.enter_context(site(harness.database(first, "calls_none"), number=3))
            scale_ingest.compare(empty, large, calls=calls, sent=asked.sent)


def compare(small: Site, large: Site, page: str, preset: str, *, calls: int) -> list[float]:
    """Print the ratio of a page's times at two sizes, in turns; the seconds at the larger."""
    path = f"{page}?project=bench&range={preset}"
    for one in (small, large) * 2:
        load(one, path)
    times = harness.in_turns(ROUNDS, lambda _: load(large, path), lambda _: load(small, path))
    name, ratio = figure(page, preset), harness.median_ratio(*times)
    harness.report(name, ratio, at_most=1.3, calls=calls, large_ms=spread(times[0]), small_ms=spread(times[1]))
    return times[0]


def compare_raw(large: Site, page: str, preset: str, times: list[float], *, calls: int) -> None:
    """Print a page's time as a part of that of its questions asked of calls."""
    raw = [ask_raw(large, page, RANGES[preset]) for _ in range(RAW_ROUNDS)]
    ratio = statistics.median(times) / min(raw)
    harness.report(f"{figure(page, preset)}-vs-raw", ratio, calls=calls, raw_ms=[round(one * 1000) for one in raw])


def figure(page: str, preset: str) -> str:
    """The name of a page's figure."""
    return f"scale-{page.strip('/') or 'overview'}-{preset}"


def load(one: Site, path: str) -> float:
    """Seconds that a page takes."""
    began = time.perf_counter()
    harness.get(one.address, path, one.cookie)
    return time.perf_counter() - began


def ask_raw(one: Site, page: str, days: int) -> float:
    """Seconds that a page's questions take where calls answer them."""
    from benchmarks import scale_raw

    with psycopg.connect(one.place.dsn) as conn:
        began = time.perf_counter()
        scale_raw.ask(conn, page, project_id=one.place.project_id, days=days, now=datetime.now(UTC))
        return time.perf_counter() - began


def spread(seconds: list[float]) -> list[float]:
    """The lower quartile, the median and the upper quartile in milliseconds."""
    return [round(quartile * 1000, 1) for quartile in statistics.quantiles(seconds, n=4)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder that holds the data, and keeps it")
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES, metavar="CALLS")
    parser.add_argument("--sent", type=int, default=400_000, metavar="CALLS", help="how many each time into a table")
    parser.add_argument("--parts", nargs="+", choices=("pages", "ingest"), default=("pages", "ingest"))
    parser.add_argument(
        "--hundred", action="store_true", help="rollups of 100 million calls, and the newest 10 million calls; an hour"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
