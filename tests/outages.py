"""Servers of a test's own that are stopped, killed, frozen and started again, and what agents are told meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import openai
import pytest
from django.core.management import call_command
from django.db import connections

from telemetry import facade
from telemetry.access.projects import ensure_project
from telemetry.models import Budget, Project
from tests.faults.site import descendants
from tests.gateways import PATIENCE_S
from tests.servers import folder_for_servers
from tloi_site.embedded import orphans, postgres, valkey
from tloi_site.embedded.child import Child
from tloi_site.embedded.private_files import open_data_dir

MESSAGES: list[Any] = [{"role": "user", "content": "say many words"}]
START_S = 60.0


class Servers:
    """PostgreSQL, the broker and the cache; `addresses` by the settings that name them."""

    def __init__(self, folder: Path) -> None:
        made = {
            "DATABASE_URL": postgres.prepare(folder, connections=60, say=print),
            "REDIS_URL": valkey.broker(folder),
            "CACHE_URL": valkey.cache(folder),
        }
        self.addresses = {name: address for name, (_, address) in made.items()}
        self._services = {service.name: service for service, _ in made.values()}
        self._notes = folder / "run"
        self._children: dict[str, Child] = {}
        for name in self._services:
            self.start(name)

    def start(self, name: str) -> None:
        """Start one, and wait until it answers."""
        self._children[name] = child = Child(self._services[name], self._notes)
        until = time.monotonic() + START_S
        while not child.service.is_ready():
            assert child.is_running, child.last_words()
            assert time.monotonic() < until, child.last_words()
            time.sleep(0.05)
        connections.close_all()  # of this thread, which were to the one before

    def stop(self, name: str) -> None:
        """As an operator does."""
        child = self._children[name]
        child.signal(child.service.stop_signal)
        assert child.wait(60)
        child.clear()

    def kill(self, name: str) -> None:
        """All its processes at once."""
        self._signal(name, signal.SIGKILL)
        self._children[name].wait(20)
        self._children[name].clear()

    def freeze(self, name: str) -> None:
        """It takes connections, and says nothing."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """It goes on."""
        self._signal(name, signal.SIGCONT)

    def close(self) -> None:
        """End what runs."""
        for name, child in self._children.items():
            if child.is_running:
                self.thaw(name)
                self.stop(name)
        orphans.end_noted(self._notes)

    def _signal(self, name: str, number: signal.Signals) -> None:
        for pid in descendants(self._children[name].process.pid):
            with suppress(ProcessLookupError):  # they end one another
                os.kill(pid, number)


@contextmanager
def own_servers() -> Iterator[Servers]:
    """Servers with all tables, to which Django is connected inside."""
    with folder_for_servers() as folder:
        open_data_dir(folder)
        servers = Servers(folder)
        try:
            with _django_on(servers.addresses["DATABASE_URL"]):
                call_command("migrate", verbosity=0)
                yield servers
        finally:
            servers.close()


@contextmanager
def _django_on(url: str) -> Iterator[None]:
    parts, here = urlsplit(url), connections["default"]
    led = {
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port),
    }
    usual = {name: here.settings_dict[name] for name in led}
    _lead(here, led)
    try:
        yield
    finally:
        _lead(here, usual)


def _lead(connection: Any, place: dict[str, str]) -> None:
    connection.close()
    connection.close_pool()
    connection.settings_dict.update(place)


def agent_of(name: str, address: str) -> tuple[Project, openai.OpenAI]:
    """A project, and a client with a key of it."""
    made = ensure_project(slug=name)
    key = facade.create_key(project_slug=name, name="agent", scopes=["gateway"])
    return made, openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=120)


def grant(project: Project, amount: int = 1_000_000) -> None:
    """Its sessions have an enforced budget."""
    fields = {"scope": "session", "subject": "", "period": "session", "counts": "gross", "mode": "enforce"}
    Budget.objects.create(project=project, amount=Decimal(amount), **fields)


def say(client: openai.OpenAI, **headers: str) -> float:
    """Ask for an answer; how long it took."""
    began = time.monotonic()
    answer = client.chat.completions.create(model="auto", messages=MESSAGES, extra_headers=headers)
    assert answer.choices[0].message.content
    return time.monotonic() - began


def refused(client: openai.OpenAI) -> tuple[int, str | None, str | None]:
    """How it is refused: status, code, and when to ask again."""
    with pytest.raises(openai.APIStatusError) as error:
        say(client)
    return error.value.status_code, error.value.code, error.value.response.headers.get("retry-after")


def answered_again(client: openai.OpenAI) -> float:
    """Ask until there is an answer; after how many seconds."""
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE_S:
        try:
            say(client)
            return time.monotonic() - began
        except openai.InternalServerError:
            time.sleep(0.1)
    pytest.fail("it is not answered again")
