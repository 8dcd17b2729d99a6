"""The same spans to Arize Phoenix and to MLflow: how many times as many a second are durable here. No bar.

Each peer is the program found on PATH, started as its documentation says for PostgreSQL, with a database of its own on
the same PostgreSQL that TLOI uses, and is sent what TLOI is sent, in turns, by the same generator. Spans count when
they are rows of the peer's own table. Slow, and needs both installed, each best in an environment of its own; so this
is no part of `make bench`: `PATH=…:$PATH make bench-otlp-peers`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from benchmarks import harness, otlp, otlp_load

SPANS = 10_000
PEER_SPANS = 2_000
ROUNDS = 3
START_S = 240  # both make their tables first
_STOP_S = 20


@dataclass(frozen=True)
class Peer:
    """A program that takes OTLP over HTTP. Its words may hold {port}, {grpc}, {database}, {folder}."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    count_sql: str
    headers: Mapping[str, str] = field(default_factory=dict)


PEERS = (
    Peer(
        name="phoenix",
        command=("phoenix", "serve"),
        environment={
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": "{port}",
            "PHOENIX_GRPC_PORT": "{grpc}",
            "PHOENIX_SQL_DATABASE_URL": "{database}",
            "PHOENIX_WORKING_DIR": "{folder}",
            "PHOENIX_TELEMETRY_ENABLED": "false",
        },
        count_sql="SELECT count(*) FROM spans",
    ),
    Peer(
        name="mlflow",
        command=(
            *("mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "2"),
            *("--backend-store-uri", "{database}", "--default-artifact-root", "{folder}"),
        ),
        environment={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
        count_sql="SELECT count(*) FROM spans",
        headers={"x-mlflow-experiment-id": "0"},
    ),
)


def main() -> None:
    """Print one JSON line a peer that is installed, and a sentence for one that is not."""
    with harness.instance() as place, harness.web("tloi_site.wsgi:application") as address:
        otlp.send(place, address, otlp.WARM_UP)
        for peer in PEERS:
            if shutil.which(peer.command[0]):
                _measure(peer, place, address)
            else:
                print(f"otlp-vs-{peer.name}: not installed", file=sys.stderr)


def _measure(peer: Peer, place: harness.Instance, address: str) -> None:
    with _running(peer, place) as (url, database):
        theirs = partial(otlp_load.send, url, dsn=database, count_sql=peer.count_sql, headers=peer.headers)
        theirs(otlp_load.BATCH)
        rates = harness.in_turns(ROUNDS, lambda _: otlp.send(place, address, SPANS), lambda _: theirs(PEER_SPANS))
    detail = {name: [round(rate) for rate in figures] for name, figures in zip(("tloi", peer.name), rates, strict=True)}
    harness.report(f"otlp-vs-{peer.name}", harness.median_ratio(*rates), spans_per_s=detail, version=_version(peer))


@contextmanager
def _running(peer: Peer, place: harness.Instance) -> Iterator[tuple[str, str]]:
    """A peer with an empty database: where it takes spans, and the database's address."""
    database = f"{place.dsn.rpartition('/')[0]}/{peer.name}"
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {peer.name}".encode())
    folder = place.folder / peer.name
    folder.mkdir()
    port = harness.free_port()
    known = {"port": port, "grpc": harness.free_port(), "database": database, "folder": folder}
    environment = os.environ | {name: value.format(**known) for name, value in peer.environment.items()}
    command = [word.format(**known) for word in peer.command]
    with (place.folder / f"{peer.name}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        harness.wait_for(port, process, seconds=START_S)
        yield f"http://127.0.0.1:{port}/v1/traces", database
    except Exception:
        sys.stderr.write(Path(log.name).read_text()[-2000:])
        raise
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a peer with all of its processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)


def _version(peer: Peer) -> str:
    """What the program says its version is."""
    python = Path(shutil.which(peer.command[0]) or "").resolve().with_name("python")
    package = {"phoenix": "arize-phoenix"}.get(peer.name, peer.name)
    code = f"import json, importlib.metadata as m; print(json.dumps(m.version({package!r})))"
    return str(json.loads(subprocess.check_output([str(python), "-c", code], text=True)))


if __name__ == "__main__":
    main()
