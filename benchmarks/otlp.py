"""Durable spans a second over OTLP/HTTP, against raw `\\copy` of the same calls into the same table.

Bar: ≥ 0.15 of `\\copy`. Protobuf batches of 100 spans, each a model call that was never sent before, over 4 kept
connections to one web server of four processes (TLOI_WEB_WORKERS=4: with one a core, kept connections are at times
all with one of them, and the other core waits), everything on one machine; a span counts when it can be counted in
PostgreSQL. `\\copy` is psql with one text file of the calls that such spans become, all columns. Anchor: a request and
a commit a hundred calls with decoding, deduplication, validation and pricing, beside a tool that does none of them.
benchmarks/otlp_peers.py sends the same to Phoenix and MLflow.
"""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks import harness, ingest, otlp_load

SPANS = 30_000
ROUNDS = 5
WARM_UP = 2_000
COUNT_SQL = (
    "SELECT count(*) FROM telemetry_call"
    " WHERE started_at BETWEEN now() - interval '1 day' AND now() AND source LIKE 'otlp:%'"
)


def main() -> None:
    """Measure in turns and print one JSON line."""
    with harness.instance() as place, harness.web("tloi_site.wsgi:application", workers=4, threads=2) as address:
        from telemetry import facade

        facade.ensure_partitions(now=datetime.now(UTC))
        send(place, address, WARM_UP)
        rates = harness.in_turns(ROUNDS, lambda _: send(place, address, SPANS), lambda _: _copy(place))
        detail = {
            name: [round(rate) for rate in figures] for name, figures in zip(("otlp", "copy"), rates, strict=True)
        }
        ratio = harness.median_ratio(*rates)
        harness.report("otlp-vs-copy", ratio, at_least=0.15, spans_per_s=detail, load=otlp_load.generator())


def send(place: harness.Instance, address: str, count: int) -> float:
    """Durable spans a second."""
    headers = {"Authorization": f"Bearer {place.key}"}
    return otlp_load.send(f"{address}/v1/traces", count, dsn=place.dsn, count_sql=COUNT_SQL, headers=headers)


def _copy(place: harness.Instance) -> float:
    """Calls a second by `\\copy`, of what spans that were never sent become."""
    from telemetry.sources.otlp import reading, wire

    bodies = otlp_load.bodies(SPANS)
    heard = [said for body in bodies for said in reading.read_spans(wire.spans(body, is_json=False).records).values()]
    return ingest.copy(place, [call for said in heard for call in said.calls])


if __name__ == "__main__":
    main()
