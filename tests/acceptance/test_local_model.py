"""A real Qwen3, small enough to be made here, served by mlx-lm as `tloi up` serves one: it answers client libraries
through the gateway, the ledger has what it counted, and it comes back when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from telemetry.models import Call, Project
from tests.gateways import ledger, serving
from tests.ladders import ladder
from tloi_site.embedded import local_model
from tloi_site.embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SAY: Any = [{"role": "user", "content": "Say something."}]
SAID = "again again"
pytestmark = pytest.mark.local
pytest.importorskip("mlx_lm", reason="mlx-lm is not installed: make test-local")


# What `tloi up` does of it.
UP = """
import os
from pathlib import Path
from typing import Any
from tloi_site.embedded import local_model
from tloi_site.embedded.stopping import Stopped, stopping_on_signals
from tloi_site.embedded.supervisor import Supervisor
data = Path(os.environ["TLOI_DATA_DIR"])
supervisor = Supervisor(data / "run", print)
try:
    with stopping_on_signals():
        local_model.can_start()
        supervisor.start(local_model.service(data), wait=False)
        supervisor.watch()
except Stopped:
    supervisor.stop()
"""


@dataclass
class Served:
    """A model that is served."""

    model: str
    port: int

    def server(self) -> int:
        """The process id of mlx-lm's server."""
        found = subprocess.run(
            ["pgrep", "-f", f"mlx_lm server --model {self.model} "], capture_output=True, text=True, check=True
        )
        return int(found.stdout.split()[0])

    def wait(self) -> None:
        """Return when it is well."""
        until = time.monotonic() + 90
        while not local_model.is_well(self.port):
            assert time.monotonic() < until, "the model server did not become ready"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The small model, by the processes that `tloi up` starts."""
    folder, data = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("data")
    (data / "run").mkdir()
    subprocess.run([sys.executable, "-m", "tests.tiny_model", str(folder)], cwd=ROOT, check=True)
    port = free_port()
    said = {"TLOI_LOCAL_MODEL": str(folder), "TLOI_LOCAL_MODEL_PORT": str(port), "HF_HOME": str(data / "hf")}
    environment = {**os.environ, **said, "TLOI_DATA_DIR": str(data)}
    with subprocess.Popen([sys.executable, "-c", UP], cwd=ROOT, env=environment) as up:
        try:
            one = Served(str(folder), port)
            one.wait()
            yield one
        finally:
            up.terminate()
            up.wait(10)
    assert not local_model.is_well(port)  # nothing outlives it


@pytest.fixture
def address(served: Served, database: None, tmp_path: Path) -> Iterator[str]:
    """A gateway whose only tier is that model."""
    place = f"127.0.0.1:{served.port}"
    limits = {"concurrency": 1, "queue": 8, "first_token_s": 30, "context_window": 4096}
    with ladder(f"http://{place}/v1", **limits) as (tier,):
        tier.model = served.model
        tier.save()
        with serving(tmp_path, place) as (found, _):
            yield found


def counted(call: Call) -> tuple[int, int]:
    """Input, cached or not, and output, as the ledger has them; of the provider's own counting."""
    assert call.quality == 0
    return call.input_uncached + call.cache_read, call.output


def test_openais_library_is_answered_streamed_and_not_and_the_ledger_has_the_servers_count(
    address: str, caller_key: str, project: Project
) -> None:
    with openai.OpenAI(base_url=f"{address}/v1", api_key=caller_key, max_retries=0) as client:
        whole = client.chat.completions.create(model="gpt-5", messages=SAY, max_tokens=12, temperature=0)
        chunks = list(
            client.chat.completions.create(
                model="auto",
                messages=SAY,
                max_tokens=12,
                temperature=0,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    text = whole.choices[0].message.content or ""
    assert text.startswith(SAID)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    used, streamed = whole.usage, chunks[-1].usage
    assert used is not None
    assert streamed is not None
    calls = sorted(ledger(project, 2), key=lambda call: call.started_at)
    assert [counted(call) for call in calls] == [
        (used.prompt_tokens, used.completion_tokens),
        (streamed.prompt_tokens, streamed.completion_tokens),
    ]
    assert calls[1].cache_read > 0  # mlx-lm kept the prompt
    assert {call.cost_reported_nanousd for call in calls} == {0}


def test_anthropics_library_is_answered_streamed_and_not_by_the_same_model(
    address: str, caller_key: str, project: Project
) -> None:
    with anthropic.Anthropic(base_url=address, api_key=caller_key, max_retries=0) as client:
        asked: Any = {"model": "claude-sonnet-5", "messages": SAY, "max_tokens": 12}
        whole = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
    assert whole.content[0].text.startswith(SAID)
    assert streamed.content[0].text == whole.content[0].text  # type: ignore[union-attr]
    assert [one.stop_reason for one in (whole, streamed)] == ["max_tokens", "max_tokens"]
    calls = sorted(ledger(project, 2), key=lambda call: call.started_at)
    assert [call.output for call in calls] == [whole.usage.output_tokens, streamed.usage.output_tokens] == [12, 12]
    cached = [one.usage.cache_read_input_tokens or 0 for one in (whole, streamed)]
    assert [counted(call)[0] for call in calls] == [
        one.usage.input_tokens + read for one, read in zip((whole, streamed), cached, strict=True)
    ]


def test_calls_that_come_at_once_are_answered_one_after_the_other_and_none_is_mixed_up(
    address: str, caller_key: str, project: Project
) -> None:
    with openai.OpenAI(base_url=f"{address}/v1", api_key=caller_key, max_retries=0) as client:

        def ask(number: int) -> str:
            asked: Any = [{"role": "user", "content": f"Say {number}."}]
            found = client.chat.completions.create(model="auto", messages=asked, max_tokens=8, temperature=0)
            return found.choices[0].message.content or ""

        alone = [ask(number) for number in range(6)]
        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(ask, range(6))) == alone
    assert len(ledger(project, 12)) == 12


def test_a_server_that_is_killed_is_started_again_and_answers(served: Served, address: str, caller_key: str) -> None:
    before = served.server()
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 30
    while local_model.is_well(served.port) and time.monotonic() < until:
        time.sleep(0.05)
    served.wait()
    assert served.server() != before
    with openai.OpenAI(base_url=f"{address}/v1", api_key=caller_key, max_retries=0) as client:
        whole = client.chat.completions.create(model="auto", messages=SAY, max_tokens=12, temperature=0)
    assert (whole.choices[0].message.content or "").startswith(SAID)
