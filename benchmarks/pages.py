"""Server time and weight of Overview and Models at one million calls, against one plain sum over the calls.

The ratio is the time of the whole page, through HTTP, to that of one statement that sums the calls of the same range by
model, which is what a page without rollups cannot avoid. Weight is bytes over the wire (gzip) of the page itself;
scripts and styles are immutable and come once.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

from benchmarks import harness

CALLS = 1_000_000
DAYS = 90
ROUNDS = 5
RANGES = ("24h", "30d", "90d")
PAGES = ("/", "/models/")

FILL = """
INSERT INTO telemetry_call
SELECT %(project)s, %(now)s::timestamptz - n * interval '1 day' * %(days)s / %(calls)s, md5(n::text)::uuid,
       n %% 40, n * 7 %% 120000, n %% 4000, 0, 0, n %% 2000, NULL, NULL, (n * 31 %% 90000) * 1000, n %% 60000, NULL,
       %(now)s, 0, '', 'bench', 'bench', 'anthropic', 'model-' || n %% 6, 'agent-' || n %% 4, 'host-' || n %% 3,
       'session-' || n / 60, '', 'direct_chat', '', 'task-' || n %% 8, '', '', '', '', '', 'k' || n, NULL
FROM generate_series(1, %(calls)s) AS n
"""
PLAIN = """
SELECT model, count(*), sum(input_uncached + cache_read + output), sum(cost_computed_nanousd) FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(now)s::timestamptz - %(days)s * interval '1 day'
  AND started_at < %(now)s GROUP BY 1
"""


def main() -> None:
    """One JSON line a page and range."""
    with harness.instance() as place:
        from tloi_site import assets

        assets.collect()
        now = datetime.now(UTC)
        _fill(place, now)
        with harness.web("tloi_site.wsgi:application") as address:
            cookie = harness.log_in(address)
            for page in PAGES:
                for preset in RANGES:
                    _measure(place, address, cookie, page, preset, now)


def _measure(place: harness.Instance, address: str, cookie: str, page: str, preset: str, now: datetime) -> None:
    weights: list[int] = []

    def load(_: int) -> float:
        began = time.perf_counter()
        weights.append(len(harness.get(address, f"{page}?project=bench&range={preset}", cookie)))
        return time.perf_counter() - began

    load(0)
    pages, sums = harness.in_turns(ROUNDS, load, lambda _: _plain(place, preset, now))
    detail = {
        "page_ms": round(statistics.median(pages) * 1000),
        "sum_ms": round(statistics.median(sums) * 1000),
        "kB": round(weights[-1] / 1000, 1),
    }
    name = f"page-{page.strip('/') or 'overview'}-{preset}"
    harness.report(name, harness.median_ratio(pages, sums), **detail, calls=CALLS)


def _fill(place: harness.Instance, now: datetime) -> None:
    from datetime import timedelta

    from telemetry.database import connection
    from telemetry.ledger import partitions
    from telemetry.series import rollups

    conn = connection()
    partitions.ensure(conn, [(now - timedelta(days=n)).date() for n in range(DAYS + 1)], now=now)
    conn.execute(FILL, {"project": place.project_id, "now": now, "days": DAYS, "calls": CALLS})
    for _ in rollups.rebuild(conn, project_id=place.project_id, now=now):
        pass
    conn.execute("ANALYZE")


def _plain(place: harness.Instance, preset: str, now: datetime) -> float:
    from telemetry.database import connection

    days = {"24h": 1, "30d": 30, "90d": 90}[preset]
    began = time.perf_counter()
    connection().execute(PLAIN, {"project": place.project_id, "now": now, "days": days}).fetchall()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
