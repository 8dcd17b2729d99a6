"""Conservation: whatever comes, late, twice, re-ordered, nested or cached, and by whichever routes, the ledger, the
pages, their CSV, the API and the command line say what was used: a difference of 0 tokens and 0 nano-dollars."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from telemetry.access.keys import create_key
from telemetry.access.projects import ensure_project
from telemetry.contracts import UsageRow
from telemetry.ledger import aliases, entries, executions, sessions
from telemetry.sources.otlp import reading
from telemetry.usage import usd
from tests import traffic
from tests.api_calls import ask
from tests.conftest import ROOT, database_url
from tests.conservation import Books, Totals, Usage
from tests.ledger_reading import sums
from tests.page_reading import PageReader, visitor
from tests.traffic import CLAUDE, CODEX, GATEWAY, PLAIN, Request, Route, Wire

DAYS = "from=2025-10-20&to=2025-10-31"
SECONDS = st.sampled_from((0, 10, 20, 30, 3_600, 86_400, 200_000))
TOKENS = st.integers(0, 3)
KINDS: dict[str, tuple[Route, ...]] = {"claude": CLAUDE, "codex": CODEX, "gateway": GATEWAY, "plain": PLAIN}
ANY = st.integers(0, 59)
pytestmark = pytest.mark.usefixtures("database", "static_files")


def usage_of(kind: str, sizes: tuple[int, ...]) -> Usage:
    """The usage of a request of that kind: few different ones, so that some requests look like others."""
    uncached, read, written, output = sizes
    usage = Usage(uncached=10 * uncached, read=100 * read, output=1 + 7 * output)
    if kind in ("claude", "plain"):
        usage = replace(usage, write_5m=20 * written, write_1h=5 * written)
    return replace(usage, reasoning=3 * output) if kind in ("codex", "plain") else usage


class Machine(RuleBasedStateMachine):
    """One project, the ways into it, and the books of what was sent."""

    kinds: Mapping[str, tuple[Route, ...]] = KINDS

    def __init__(self) -> None:
        super().__init__()
        project = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")
        self.wire = Wire(project, create_key(project, name="test", scopes=["ingest", "read"]), Client())
        self.browser = visitor(project)
        self.books = Books()
        self.requests: list[tuple[str, Request]] = []
        self.sent: list[Callable[[], object]] = []

    def _send(self, route: Route, request: Request) -> None:
        self.sent.append(partial(route, self.wire, request))
        self.books.copies += route(self.wire, request)

    @rule(kind=ANY, route=ANY, second=SECONDS, session=st.integers(0, 1), sizes=st.tuples(*[TOKENS] * 4))
    def a_new_request(self, kind: int, route: int, second: int, session: int, sizes: tuple[int, ...]) -> None:
        """A request is told by one of its routes."""
        name = list(self.kinds)[kind % len(self.kinds)]
        request = Request(len(self.requests), second, f"{name}-{session}", usage_of(name, sizes))
        self.requests.append((name, request))
        self._send(KINDS[name][route % len(KINDS[name])], request)

    @rule(which=ANY, route=ANY, is_early=st.booleans())
    def another_copy(self, which: int, route: int, is_early: bool) -> None:
        """A request that was told is told by this or another route, perhaps as it was before its end."""
        if self.requests:
            kind, request = self.requests[which % len(self.requests)]
            told = request.seen_early() if is_early and kind != "codex" else request
            self._send(KINDS[kind][route % len(KINDS[kind])], told)

    @rule(order=st.randoms(use_true_random=False))
    def everything_again(self, order: Random) -> None:
        """What was sent is sent again, in another order."""
        for send in order.sample(self.sent, min(len(self.sent), 8)):
            send()

    @rule(
        place=st.integers(0, 2),
        second=SECONDS,
        seconds=st.sampled_from((None, 0, 25, 100_000)),
        session=st.sampled_from(("", "claude-0", "codex-0", "plain-1", "nobody")),
        sizes=st.tuples(TOKENS, TOKENS, TOKENS),
    )
    def totals(self, place: int, second: int, seconds: int | None, session: str, sizes: tuple[int, ...]) -> None:
        """Totals come with an execution, perhaps again and larger."""
        inputs, read, output = sizes
        known = self.books.totals.get(f"run-{place}")
        usage = Usage(uncached=50 * inputs, read=10 * read, output=1 + 40 * output)
        sent = Totals(f"run-{place}", second, seconds, session, traffic.SONNET, usage)
        if known:
            sent = replace(known[0], usage=usage)
        self.sent.append(partial(traffic.send_totals, self.wire, sent))
        traffic.send_totals(self.wire, sent)
        self.books.totals[sent.execution].append(sent)

    @rule(
        session=st.sampled_from(("claude-1", "measured", "nobody")),
        kind=st.sampled_from(("input", "output", "cacheRead", "cacheCreation")),
        second=st.integers(0, 3),
        value=st.integers(1, 500),
        delta=st.booleans(),
    )
    def a_counter(self, session: str, kind: str, second: int, value: int, delta: bool) -> None:
        """A session's counter is exported; one since a moment only grows."""
        bucket = {"input": "uncached", "output": "output", "cacheRead": "read", "cacheCreation": "write_unknown"}[kind]
        points = self.books.counters[session, traffic.SONNET]
        place = (bucket, f"delta {second}" if delta else "since the start")
        points[place] = max(points.get(place, 0), value)
        send = partial(traffic.send_counter, self.wire, session, kind, second, value, delta=delta)
        self.sent.append(send)
        send()

    @invariant()
    def the_table_says_what_the_books_say(self) -> None:
        """The sums of the table's calls."""
        assert sums(self.wire.project.pk) == self.books.counted()

    @invariant()
    def the_api_says_what_the_books_say(self) -> None:
        """The API's answer, in all and by model."""
        headers = {"Authorization": f"Bearer {self.wire.key}"}
        said = self.wire.client.get(f"/api/v1/usage/?{DAYS}&by=model", headers=headers).json()
        assert said["total"] == in_dollars(self.books.counted())
        assert sum(row["output"] for row in said["rows"]) == said["total"]["output"]

    @rule()
    def all_surfaces_say_what_the_books_say(self) -> None:
        """The cards of the page, its CSV, and the command line."""
        counted = self.books.counted()
        if not counted.calls:
            return
        assert card_figures(self.browser) == card_figures_of(counted)
        assert csv_total(self.browser) == csv_total_of(counted)
        assert command_total(self.wire.project.slug) == in_dollars(counted)

    def teardown(self) -> None:
        """The last look."""
        self.all_surfaces_say_what_the_books_say()


def in_dollars(row: UsageRow) -> dict[str, Any]:
    """A row as the API and the command line write it."""
    named: dict[str, Any] = {name: getattr(row, name) for name in UsageRow.__struct_fields__[1:]}
    cost = usd(named.pop("cost_nanousd"))
    return {**named, "cost_usd": cost}


def card_figures(browser: Client) -> dict[str, Decimal]:
    """The exact figures of the page's cards."""
    cards = PageReader(browser.get(f"/?{DAYS}").content.decode()).cards
    return {name: Decimal(cards[name]) for name in ("calls", "input", "output", "cost") if name in cards}


def card_figures_of(row: UsageRow) -> dict[str, Decimal]:
    """What those cards must show; a cost only where a call has one."""
    shown = {"calls": Decimal(row.calls), "input": Decimal(row.input_total), "output": Decimal(row.output)}
    return {**shown, "cost": Decimal(usd(row.cost_nanousd))}


def csv_total(browser: Client) -> dict[str, Decimal]:
    """The last row of the CSV by day and model."""
    content = browser.get(f"/models/?{DAYS}&format=csv&table=days&rows=all").content.decode()
    *rows, total = csv.DictReader(io.StringIO(content, newline=""))
    names = ("calls", "input_uncached", "cache_read", "cache_write", "output", "cost_usd")
    found = {name: Decimal(total[name] or 0) for name in names}
    assert found == {name: sum(Decimal(row[name] or 0) for row in rows) for name in names}
    return found


def csv_total_of(row: UsageRow) -> dict[str, Decimal]:
    """What that row must be."""
    names = ("calls", "input_uncached", "cache_read", "cache_write", "output")
    return {**{name: Decimal(getattr(row, name)) for name in names}, "cost_usd": Decimal(usd(row.cost_nanousd))}


def command_total(slug: str) -> dict[str, Any]:
    """The total of `tloi daily --json`."""
    out = io.StringIO()
    call_command("daily", "--json", "--project", slug, "--since", "2025-10-20", "--until", "2025-10-31", stdout=out)
    total: dict[str, Any] = json.loads(out.getvalue())["total"]
    return total


def run(examples: int, steps: int, machine: type[Machine] = Machine, **changes: Any) -> None:
    """Histories made from fixed seeds, so that two runs are the same."""
    profile: dict[str, Any] = {"max_examples": examples, "stateful_step_count": steps, "derandomize": True}
    profile |= {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck), **changes}
    run_state_machine_as_test(machine, settings=settings(**profile))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_counted_twice_or_lost_on_the_way_to_any_surface() -> None:
    run(30, 20)


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_nothing_is_counted_twice_or_lost_in_long_histories() -> None:
    run(150, 50)


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take one protection away."""
    match name:
        case "aliases and likenesses":
            monkeypatch.setattr(aliases, "join_names", lambda *_, claimed, **__: list(claimed))
        case "likenesses":
            monkeypatch.setattr(aliases._Joining, "join_alike", lambda *_: None)
        case "the identity of calls":
            for way in ("call_id", "key_id"):
                monkeypatch.setattr(entries, way, lambda _: os.urandom(16))
        case "totals that give way":
            monkeypatch.setattr(executions, "drop_totals", lambda *_, **__: [])
        case "calls that know their session's totals":
            monkeypatch.setattr(sessions, "waiting", lambda *_, **__: set())
        case "leaves":
            monkeypatch.setattr(reading, "leaves", lambda read: [record for _, record in read])


class Control(Machine):
    """The same, of one kind of requests, and looking at the table alone."""

    def the_api_says_what_the_books_say(self) -> None:
        """Not asked."""

    def all_surfaces_say_what_the_books_say(self) -> None:
        """Not asked."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aliases and likenesses", "plain"),
        ("likenesses", "codex"),
        ("the identity of calls", "plain"),
        ("totals that give way", "claude"),
        ("calls that know their session's totals", "claude"),
        ("leaves", "gateway"),
    ],
)
def test_without_a_protection_a_history_is_found_that_counts_wrongly(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(name, monkeypatch)
    monkeypatch.setattr(Control, "kinds", {kind: KINDS[kind]}, raising=False)
    with pytest.raises(AssertionError, match="UsageRow"):
        run(100, 20, Control, phases=[Phase.generate])


def test_the_real_server_and_the_real_command_say_the_same(web: str) -> None:
    machine = Machine()
    for place, (kind, routes) in enumerate(KINDS.items()):
        request = Request(place, 10 * place, f"{kind}-0", usage_of(kind, (1, 2, 3, 1)))
        for route in (*routes, *routes):
            machine._send(route, request)
    counted = machine.books.counted()
    assert counted.calls == len(KINDS)
    answer = ask(web, "GET", f"/api/v1/usage/?{DAYS}", key=machine.wire.key)
    assert answer.json["total"] == in_dollars(counted)
    command = [sys.executable, str(ROOT / "manage.py"), "daily", "--json", "--project", machine.wire.project.slug]
    command += ["--since", "2025-10-20", "--until", "2025-10-31"]
    environment = {**os.environ, "DATABASE_URL": database_url()}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(printed)["total"] == in_dollars(counted)
    machine.teardown()
