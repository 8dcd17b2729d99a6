"""What a governed call costs: a key, a session, the ladder, the quality gate and the ledger on, against nothing of it.

Bars: processor time a call ≤ 6 times that of a bare aiohttp pass-through, and ≤ a tenth of LiteLLM's proxy without a
database, where that is installed; the time that is added to the first token ≤ 2 times what the pass-through adds; of
64 deltas 20 ms apart none later than 60 ms, in as many streams at once as one worker holds so, 64 at least. Anchors:
the pass-through is the least that a gateway in Python can cost; LiteLLM took 15 to 19 ms of processor time a call.

An instant provider on this machine answers 220 bytes with 1 KB. All run one worker, measured in turns by the kernel's
count of their processes' time, the ledger's threads and the wait for its last batch included; PostgreSQL's own time is
not. LiteLLM is the program `litellm` on PATH, in an environment of its own: `PATH=…:$PATH make bench-gateway`. It takes
two minutes, four with LiteLLM.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import harness

ROUNDS, CALLS, CLIENTS = 5, 1_000, 8
SLOW_CALLS = 200  # of a peer that takes ten times as long
FIRST_TOKEN_TURNS, FIRST_TOKENS = 3, 100  # turns for each round of the others: a machine's mood lasts some seconds
DELTAS, GAP_MS = 64, 20
LATE = 3  # intervals
STREAMS = (50, 100, 200, 300, 400)
SETTLED_S = 1.0  # for the ledger's last batch
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_CONFIG = """\
model_list:
  - model_name: auto
    litellm_params: {{model: openai/m, api_base: "http://127.0.0.1:{port}/v1", api_key: sk-provider}}
"""


def main() -> None:
    """A JSON line a figure."""
    parser = argparse.ArgumentParser(description="What a governed call costs.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds: int = parser.parse_args().rounds
    with harness.instance() as place, ExitStack() as stack:
        instant, paced = (stack.enter_context(peer("provider", *words)) for words in ((1, 0), (DELTAS, GAP_MS)))
        bare = stack.enter_context(peer("passing", instant.port))
        key = make_key()
        with ladder_of(instant.port), gateway(place.folder, instant.port) as ours:
            is_there, configured = shutil.which("litellm"), _CONFIG.format(port=instant.port)
            litellm = stack.enter_context(litellm_with(configured)) if is_there else None
            _processor(ours, bare, litellm, key, rounds)
            _first_token(ours, bare, instant, key, rounds)
            ledger_has(place.project_id)
        with ladder_of(paced.port), gateway(place.folder, paced.port) as ours:
            _streams(ours, key)


class Served:
    """A server that is measured: its port, and the first of its processes."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process

    def seconds(self) -> float:
        """The processor time of it and its children so far, those that ended among them."""
        return sum(_seconds(pid) for pid in _family(self.process.pid))


def _processor(ours: Served, bare: Served, litellm: Served | None, key: str, rounds: int) -> None:
    def milliseconds(served: Served, calls: int) -> float:
        before = served.seconds()
        client("load", served.port, key, calls, CLIENTS)
        time.sleep(SETTLED_S)
        return (served.seconds() - before) * 1000 / calls

    for served in (ours, bare, litellm):
        if served is not None:
            milliseconds(served, SLOW_CALLS)
    measures = [lambda _: milliseconds(bare, CALLS), lambda _: milliseconds(ours, CALLS)]
    if litellm is not None:
        measures.append(lambda _: milliseconds(litellm, SLOW_CALLS))
    figures = harness.in_turns(rounds, *measures)
    detail = {name: rounded(each) for name, each in zip(("bare", "ours", "litellm"), figures, strict=False)}
    harness.report("gateway-cpu-vs-bare", harness.median_ratio(figures[1], figures[0]), at_most=6, ms=detail)
    if litellm is not None:
        harness.report("gateway-cpu-vs-litellm", harness.median_ratio(figures[2], figures[1]), at_least=10, ms=detail)


def _first_token(ours: Served, bare: Served, instant: Served, key: str, rounds: int) -> None:
    def median_ms(served: Served) -> float:
        found: list[float] = json.loads(client("first_tokens", served.port, key, FIRST_TOKENS))
        return statistics.median(found) * 1000

    direct, passed, governed = harness.in_turns(
        rounds * FIRST_TOKEN_TURNS, lambda _: median_ms(instant), lambda _: median_ms(bare), lambda _: median_ms(ours)
    )
    added = [[each - least for each, least in zip(figures, direct, strict=True)] for figures in (governed, passed)]
    detail = {"direct": rounded(direct), "bare": rounded(passed), "ours": rounded(governed)}
    harness.report("gateway-first-token-vs-bare", harness.median_ratio(*added), at_most=2, ms=detail)


def _streams(ours: Served, key: str) -> None:
    """The most streams of which no delta came late; a step is tried twice, for a machine has hiccups of its own."""
    held, longest = 0, {}
    for streams in STREAMS:
        before = ours.seconds()
        tries = [max(json.loads(client("intervals", ours.port, key, streams))) for _ in range(2)]
        longest[streams] = [round(each * 1000) for each in tries]
        share = (ours.seconds() - before) / 2 / (2 * DELTAS * GAP_MS / 1000)
        longest[streams].append(round(share * 100))
        if min(tries) > LATE * GAP_MS / 1000:
            break
        held = streams
    harness.report("gateway-streams-held", held, at_least=64, longest_ms_and_core_percent=longest)


def ledger_has(project_id: int) -> None:
    """See that what was measured was counted. Raises RuntimeError."""
    from telemetry.models import Call

    calls = Call.objects.filter(project_id=project_id)
    if not calls.exists() or calls.exclude(quality=0).exists() or calls.exclude(session_id__gt="").exists():
        raise RuntimeError("the ledger lacks calls, or what it has is not what the provider said")


def make_key() -> str:
    """A key of the project `bench` that may call models."""
    from telemetry import facade

    return facade.create_key(project_slug="bench", name="gateway", scopes=["gateway"])


@contextmanager
def ladder_of(port: int) -> Iterator[None]:
    """Two tiers, as an answer that could climb costs more to judge than one that cannot."""
    from tests.ladders import ladder

    with ladder(*[f"http://127.0.0.1:{port}/v1"] * 2, context_window=200_000):
        yield


@contextmanager
def gateway(folder: Path, upstream: int) -> Iterator[Served]:
    port = harness.free_port()
    settings = {"TLOI_GATEWAY_PORT": str(port), "TLOI_ALLOW_PRIVATE_UPSTREAM": f"127.0.0.1:{upstream}"}
    settings |= {"TLOI_RATE_LIMIT": "1000000000"}
    with started([sys.executable, "-m", "tloi_site.gateway"], port, settings) as served:
        yield served


@contextmanager
def peer(name: str, *words: int) -> Iterator[Served]:
    port = harness.free_port()
    command = [sys.executable, "-m", "benchmarks.gateway_peers", name, str(port), *map(str, words)]
    with started(command, port, {}) as served:
        yield served


@contextmanager
def litellm_with(configured: str) -> Iterator[Served]:
    """LiteLLM's proxy with this configuration, in YAML."""
    port = harness.free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(configured)
        config.flush()
        command = ["litellm", "--config", config.name, "--port", str(port), "--host", "127.0.0.1", "--num_workers", "1"]
        # Without a key of its own and without a database it costs least.
        settings = {"LITELLM_LOG": "ERROR", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
        with started(command, port, settings, without=("DATABASE_URL", "REDIS_URL")) as served:
            yield served


@contextmanager
def started(
    command: Sequence[str], port: int, settings: Mapping[str, str], *, without: Sequence[str] = ()
) -> Iterator[Served]:
    """A server while it runs: `settings` are its environment besides this one, `without` what it has not of this."""
    surroundings = {name: value for name, value in os.environ.items() if name not in without}
    surroundings |= settings
    nobody = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=harness.ROOT, env=surroundings, stdout=nobody, stderr=nobody)
    try:
        harness.wait_for(port, process, seconds=120)
        yield Served(port, process)
    finally:
        process.terminate()
        process.wait(20)


def client(name: str, *words: object) -> str:
    command = [sys.executable, "-m", "benchmarks.gateway_peers", name, *map(str, words)]
    return subprocess.run(command, cwd=harness.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _family(first: int) -> list[int]:
    """A process and those that it started."""
    found = [first]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in children.read_text().split()]
    return found


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * _TICK_S


def rounded(figures: Sequence[float]) -> list[float]:
    return [round(figure, 2) for figure in figures]


if __name__ == "__main__":
    main()
