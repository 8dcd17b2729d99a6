"""A real Qwen3, small enough to be made here, served by mlx-lm as `tloi up` serves one: it answers, and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import openai
import pytest

from routing.contracts import Limits, Provider, Tier, Usage
from routing.providers.addresses import Allowed
from routing.providers.http import Upstream
from routing.wire import answers, reading, sending, streams
from tloi_site.embedded import local_model
from tloi_site.embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
ASKED = {"messages": [{"role": "user", "content": "Say something."}], "max_tokens": 12, "temperature": 0}
pytestmark = pytest.mark.local
pytest.importorskip("mlx_lm", reason="mlx-lm is not installed: make test-local")


# What `tloi up` does of it.
UP = """
import os
from pathlib import Path
from tloi_site.embedded import local_model
from tloi_site.embedded.supervisor import Stopped, Supervisor, stopping_on_signals
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

    tier: Tier
    allowed: Allowed
    port: int

    def server(self) -> int:
        """The process id of mlx-lm's server."""
        found = subprocess.run(
            ["pgrep", "-f", f"mlx_lm server --model {self.tier.model} "], capture_output=True, text=True, check=True
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
    url = f"http://127.0.0.1:{port}/v1"
    provider = Provider(id=1, name="local", family="openai", base_url=url, is_local=True)
    limits = Limits(first_token_s=30, silence_s=30)
    fields = {"position": 1, "name": "qwen3", "provider": provider, "context_window": 4096, "limits": limits}
    tier = Tier(id=1, model=str(folder), **fields)  # type: ignore[arg-type]
    environment = {**os.environ, **said, "TLOI_DATA_DIR": str(data)}
    with subprocess.Popen([sys.executable, "-c", UP], cwd=ROOT, env=environment) as up:
        try:
            one = Served(tier, Allowed.of((), {f"127.0.0.1:{port}"}), port)
            one.wait()
            yield one
        finally:
            up.terminate()
            up.wait(10)
    assert not local_model.is_well(port)  # nothing outlives it


def asked(served: Served, *, is_streamed: bool) -> tuple[str, Usage | None]:
    """The text and the usage, by the gateway's own reading of what the server says."""
    request = reading.read("openai.chat", msgspec.json.encode(ASKED | ({"stream": True} if is_streamed else {})))
    prepared = sending.prepare(request, family="openai", model=served.tier.model)

    async def inside() -> tuple[str, Usage | None]:
        upstream = Upstream(served.allowed)
        try:
            async with await upstream.open(prepared, served.tier, is_streamed=is_streamed) as response:
                assert response.status == 200
                if not is_streamed:
                    found = answers.answer(request, prepared, response.status, await response.read())
                    return found.text, found.usage
                relay = streams.stream(request, prepared, model_name="qwen3")
                async for chunk in response.chunks():
                    relay.feed(chunk)
                relay.close()
                return relay.text, relay.usage
        finally:
            await upstream.close()

    return asyncio.run(inside())


def test_it_answers_streamed_and_not_with_the_same_words_and_counts(served: Served) -> None:
    text, usage = asked(served, is_streamed=False)
    again, streamed = asked(served, is_streamed=True)
    assert text.startswith("again again")
    assert again == text
    assert usage is not None
    assert streamed is not None
    assert (usage.output, streamed.output) == (12, 12)
    inputs = [one.input_uncached + one.cache_read for one in (usage, streamed)]
    assert inputs[0] == inputs[1]
    assert streamed.cache_read > 0  # mlx-lm keeps the prompt


def test_the_client_library_of_openai_agrees_on_what_was_used(served: Served) -> None:
    _, usage = asked(served, is_streamed=False)
    with openai.OpenAI(base_url=served.tier.provider.base_url, api_key="none") as client:
        found = client.chat.completions.create(model=served.tier.model, **ASKED)  # type: ignore[call-overload]
    assert usage is not None
    assert found.usage.prompt_tokens == usage.input_uncached + usage.cache_read
    assert found.usage.completion_tokens == usage.output


def test_a_server_that_is_killed_is_started_again_and_answers(served: Served) -> None:
    before = served.server()
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 30
    while local_model.is_well(served.port) and time.monotonic() < until:
        time.sleep(0.05)
    served.wait()
    assert served.server() != before
    assert asked(served, is_streamed=False)[0].startswith("again again")
