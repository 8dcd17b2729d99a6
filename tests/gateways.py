"""Gateways for tests: one in a thread, with nothing remembered, or one as a process that may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from routing import models, roster
from routing.gateway.app import Gateway
from routing.gateway.resources import Resources
from telemetry import facade
from telemetry.models import Call, Project
from tests.conftest import ROOT, database_url
from tests.ladders import ladder
from tests.misbehaving import Misbehaving, provider
from tloi_site.embedded.ports import free_port
from tloi_site.gateway import Server

PROVIDER_KEY = "A_PROVIDERS_KEY"  # the variable that bears the key of a provider that is paid
INPUT_NANOUSD, OUTPUT_NANOUSD = 300, 1_500  # what a token of it costs
PATIENCE_S = 60.0
START_S = 180.0  # Python and Django take seconds of a processor, which others may want too


@dataclass
class Rungs:
    """Two tiers by their providers, and the gateway that asks them."""

    address: str
    first: Misbehaving
    second: Misbehaving
    resources: Resources
    folder: Path

    @property
    def openai(self) -> str:
        """OPENAI_BASE_URL."""
        return f"{self.address}/v1"


@pytest.fixture
def rungs(database: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rungs]:
    """Two tiers and a gateway of the test's own. What the module names LIMITS is said of both tiers."""
    limits = getattr(request.module, "LIMITS", {})
    with (
        provider() as first,
        provider() as second,
        ladder(first.openai, second.openai, **limits),
        serving(tmp_path, first.place, second.place) as (address, resources),
    ):
        yield Rungs(address, first, second, resources, tmp_path)


@contextlib.contextmanager
def serving(folder: Path, *places: str) -> Iterator[tuple[str, Resources]]:
    """A gateway in a thread of this process, served as `tloi up` serves it; its address, and what it stands on."""
    port, ready = free_port(), threading.Event()
    made: list[Resources] = []
    stops: list[Callable[[], object]] = []

    async def start() -> Resources:
        made.append(Resources(folder))
        made[0].start()
        return made[0]

    async def serve() -> None:
        server = Server(Gateway(start), host="127.0.0.1", port=port)
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(server.stop))
        ready.set()
        await server.serve()

    with override_settings(ALLOW_PRIVATE_UPSTREAM=frozenset(places)):
        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        assert ready.wait(10)
        try:
            wait_until_alive(address := f"http://127.0.0.1:{port}")
            yield address, made[0]
        finally:
            stops[0]()
            thread.join(20)


@dataclass
class Running:
    """A gateway process. `folder` is its data folder, in which its journal is."""

    address: str
    process: subprocess.Popen[bytes]
    folder: Path

    def journals(self) -> list[Path]:
        """Its files that hold anything."""
        return [path for path in (self.folder / "gateway").glob("*.journal") if path.stat().st_size]


@contextlib.contextmanager
def process(folder: Path, places: Sequence[str], *, port: int = 0, **settings: str) -> Iterator[Running]:
    """A gateway process on the test database; ended by SIGTERM, if it lives."""
    port = port or free_port()
    surroundings = {**os.environ, "DATABASE_URL": database_url(), "TLOI_DATA_DIR": str(folder)}
    surroundings |= {"TLOI_GATEWAY_PORT": str(port), "TLOI_HOST": "127.0.0.1"}
    surroundings |= {"TLOI_ALLOW_PRIVATE_UPSTREAM": ",".join(places), **settings}
    child = subprocess.Popen([sys.executable, "-m", "tloi_site.gateway"], cwd=ROOT, env=surroundings)
    try:
        wait_until_alive(f"http://127.0.0.1:{port}", child)
        yield Running(f"http://127.0.0.1:{port}", child, folder)
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        child.wait(20)


def wait_until_alive(address: str, child: subprocess.Popen[bytes] | None = None) -> None:
    """Return when a gateway answers; fail after some minutes, or when its process ends."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and (child is None or child.poll() is None):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/healthz", timeout=5):
            return
        time.sleep(0.02)
    pytest.fail("the gateway did not start")


@pytest.fixture
def caller_key(project: Project) -> str:
    """A key of `project` that may call models."""
    return facade.create_key(project_slug=project.slug, name="agent", scopes=["gateway"])


def ledger(project: Project, count: int) -> list[Call]:
    """The calls of a project, as soon as there are `count`, by their request and attempt."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = list(Call.objects.filter(project_id=project.pk).order_by("request_key"))
        if len(found) >= count or time.monotonic() > until:
            assert len(found) == count, [call.request_key for call in found]
            return found
        time.sleep(0.05)


@contextlib.contextmanager
def paid(*base_urls: str) -> Iterator[None]:
    """Inside, the ladder is of tiers that cost money, elsewhere: what they generate for nobody is paid for."""
    os.environ[PROVIDER_KEY] = "sk-test"
    try:
        with ladder(*base_urls, is_free=False, input_usd=Decimal("0.3"), output_usd=Decimal("1.5")):
            models.Provider.objects.filter(tiers__isnull=False).update(is_local=False, key_variable=PROVIDER_KEY)
            roster.forget()
            yield
    finally:
        del os.environ[PROVIDER_KEY]


def counted(one: Misbehaving) -> dict[str, tuple[int, int]]:
    """What a provider counted of each caller, by what that said first: input and output."""
    found = {}
    for call in one.calls:
        said = call.body["messages"][0]["content"]
        name = said if isinstance(said, str) else said[0]["text"]
        found[name] = (call.input_tokens, call.output_tokens)
    return found


def is_quiet(one: Misbehaving) -> None:
    """Wait until nothing is asked of a provider any more."""
    until = time.monotonic() + PATIENCE_S
    while one.at_once and time.monotonic() < until:
        time.sleep(0.02)
    assert one.at_once == 0


def told(call: Call) -> dict[str, Any]:
    """What a call of the gateway's says beside its columns."""
    return dict(call.attributes or {})
