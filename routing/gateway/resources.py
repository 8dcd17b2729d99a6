"""What all requests of a process share, made when it starts and ended when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import randbelow
from typing import Any

import psycopg
from django.conf import settings
from django.db import Error as DatabaseError

from routing.cache.valkey import valkey
from routing.contracts import Fault, FaultKind, Tier, TierState, Verdict
from routing.gateway.accounting import call_of
from routing.gateway.affinity import Affinity
from routing.gateway.afterwards import amended
from routing.gateway.budgets import Budgets
from routing.gateway.conversations import Conversations
from routing.gateway.exchange import Answer, Client, Exchange
from routing.gateway.flushing import Flusher
from routing.gateway.holders import Keys, Rates
from routing.gateway.journal import Entry, Journal
from routing.gateway.judging import verdict_on
from routing.gateway.pump import Pump
from routing.gateway.ratios import Ratios
from routing.gateway.recalls import Recalls
from routing.gateway.rosters import Rosters
from routing.gateway.savings import Savings
from routing.gateway.threads import Threads
from routing.ladder import audits
from routing.ladder.health import Health
from routing.ladder.learning import Known, Learned, learn, store_changes
from routing.providers.addresses import configured
from routing.providers.admission import Admission, Lease
from routing.providers.failed import failed
from routing.providers.http import Upstream
from routing.providers.looking import Looking
from skills import facade as skills
from telemetry import facade

STOP_S = 1.0  # for streams to end, and as long again for the ledger: a supervisor waits for 2.5 s
MOST_DRAINS = 64
# What failed so never reached the provider, so it counts towards no quota.
_NOT_MADE: frozenset[FaultKind] = frozenset({"connect", "forbidden_address"})
_NOT_WANTED = Fault(kind="cancelled", message="It was not made.")
_log = logging.getLogger(__name__)


class Resources:
    """One for a process, made in the loop that requests run in."""

    def __init__(self, folder: Path) -> None:
        self.threads = Threads("lookups", 2)
        self.keys, self.rates = Keys(self.threads), Rates(self.threads)
        self.rosters = Rosters(self.threads)
        self.database = facade.LoopConnection()
        self.budgets = Budgets(self.threads, self.database)
        self.journal = Journal(folder)
        self.flusher = Flusher(self.journal, folder, learn=self._learn, amend=self._amended)
        self.health = Health()
        self.affinity = Affinity()
        self.ratios = Ratios()
        self.upstream = Upstream(configured())
        self.admission = Admission(settings.BROKER_URL)
        self.looking = Looking(self.upstream, self.admission, self.threads.run)
        self.learned = Learned()
        self.recalls = Recalls(self.threads)
        self.conversations, self.savings = Conversations(self.database), Savings(self.threads)
        self._renewing: set[int] = set()
        self._beside: set[asyncio.Task[Any]] = set()
        self.is_stopping = False
        self._clients: set[Client] = set()
        self.drains = 0

    def start(self) -> None:
        """Begin what goes on beside requests."""
        self.flusher.start()
        self.looking.start()

    async def stop(self) -> None:
        """Take no more, let what runs end for a moment, cut it off, and have all of it in the ledger, or in files."""
        self.is_stopping = True
        until = time.monotonic() + STOP_S
        while self._clients and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for client in tuple(self._clients):
            client.leave()
        while self._clients and time.monotonic() < until + STOP_S / 2:
            await asyncio.sleep(0.02)
        await self.looking.stop()
        await self.flusher.stop(patience_s=STOP_S)
        await self.recalls.stop()
        await self.budgets.stop()
        await self._keep_loads()
        await self.savings.stop()
        await self.conversations.stop()
        await self.admission.close()
        valkey().leave()
        await self.database.close()
        await self.upstream.close()
        self.threads.close()

    async def _keep_loads(self) -> None:
        """Store which skills were loaded, which a thread would do in a moment."""
        try:
            await self.threads.run(skills.flush_loads)
        except (DatabaseError, psycopg.Error) as error:
            _log.warning("loads of skills are lost: %s", error)

    async def trouble(self) -> str:
        """Why calls cannot be answered now; "" where they can."""
        try:
            found = await self.rosters.current()
        except DatabaseError:
            return "the ladder cannot be read"
        return "" if found.tiers else "no tier is set up"

    @contextlib.contextmanager
    def serving(self, client: Client) -> Iterator[None]:
        """Inside, a client is served, and the end of this process waits for that."""
        self._clients.add(client)
        try:
            yield
        finally:
            self._clients.discard(client)

    @contextlib.contextmanager
    def leaving(self, client: Client, tier: Tier, pump: Pump) -> Iterator[None]:
        """Inside, what is done when the client leaves depends on the tier: its stream is read to the end, or ended."""
        drains = False

        def leave() -> None:
            nonlocal drains
            drains = self.may_drain(tier)
            self.drains += drains
            pump.leave(drains=drains)

        client.on_leaving(leave)
        try:
            yield
        finally:
            client.on_leaving(None)
            self.drains -= drains

    def may_drain(self, tier: Tier) -> bool:
        """Whether an answer that nobody waits for is read to its end: where only its end says what it cost."""
        return not (tier.provider.is_local or self.is_stopping) and self.drains < MOST_DRAINS

    def known(self, project_id: int, tiers: Sequence[Tier]) -> Known:
        """What was learned of a project's answers; what is older than a minute is read again beside the requests."""
        if self.learned.is_stale(project_id, now=datetime.now(UTC)) and project_id not in self._renewing:
            self._renewing.add(project_id)
            self.later(self._renew(project_id, tiers))
        return self.learned.of(project_id)

    async def _renew(self, project_id: int, tiers: Sequence[Tier]) -> None:
        try:
            await self.threads.run(lambda: self.learned.renew(project_id, tiers, now=datetime.now(UTC)))
        except DatabaseError as error:
            _log.warning("what was learned cannot be read now: %s", error)
        finally:
            self._renewing.discard(project_id)

    def _learn(self, entries: Sequence[Entry]) -> None:
        """In the flusher's thread: what answers and breakers came to is kept."""
        learn(entries)
        store_changes(self.health.changes)

    async def _amended(self, entries: Sequence[Entry]) -> list[Entry]:
        tiers = {tier.id: tier for tier in (await self.rosters.current()).tiers}
        return await amended(entries, self.upstream, tiers)

    async def states(self, tiers: Sequence[Tier]) -> Mapping[int, TierState]:
        """How the tiers stand with their slots and quotas; those without either are not asked about."""
        return await self.admission.states(tiers, now=datetime.now(UTC))

    async def admit(self, tier: Tier) -> Lease:
        """A place for one call of a tier, waited for where its queue has room. Raises Failed where it has none."""
        lease = await self.admission.take(tier)
        if self.health.admit(tier.id, now=datetime.now(UTC)):
            return lease
        await self.admission.give(lease, was_made=False)
        raise failed("busy", f"{tier.name} failed lately and is left out.")

    async def release(self, lease: Lease, tier: Tier, fault: Fault | None) -> None:
        """The call is over."""
        self.health.note(tier.id, fault, now=datetime.now(UTC))
        if fault is not None and fault.kind == "rate_limited" and fault.retry_after_s:
            await self.admission.quotas.hold(tier, fault.retry_after_s)
        await self.admission.give(lease, was_made=fault is None or fault.kind not in _NOT_MADE)

    async def give_back(self, lease: Lease, tier: Tier) -> None:
        """The call is not made after all, for no reason of the tier's."""
        self.health.note(tier.id, _NOT_WANTED, now=datetime.now(UTC))
        await self.admission.give(lease, was_made=False)

    def judge(self, exchange: Exchange, answer: Answer, *, agreement: float = 0.0) -> Verdict | None:
        """What the quality gate says of an answer that agrees so with another one, where there is one."""
        calibration = self.learned.of(exchange.caller.project_id).calibration
        return verdict_on(exchange, answer, calibration=calibration, agreement=agreement)

    def audit(self, exchange: Exchange, answer: Answer) -> None:
        """Have a few answers compared with a higher tier's, later and by a worker, where the site wants that."""
        tier = audits.drawn(
            exchange.plan, answer.trying.step.tier, percent=settings.AUDIT_PERCENT, draw=randbelow(10_000) / 10_000
        )
        outcome = answer.outcome
        if tier is None or not outcome.text or outcome.tool_calls:
            return
        request, caller, text = exchange.request, exchange.caller, outcome.text
        self.later(
            self.threads.run(
                lambda: audits.ask(
                    attempt_id=answer.trying.id,
                    caller=caller,
                    protocol=request.protocol,
                    body=request.body,
                    text=text,
                    tier=tier,
                    now=datetime.now(UTC),
                )
            )
        )

    def later(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something beside the requests, that none of them waits for."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def beside(self) -> None:
        """Wait for what goes on beside requests."""
        await asyncio.gather(*self._beside, return_exceptions=True)

    def cost(self, exchange: Exchange, answer: Answer) -> int | None:
        """What an answer cost, in nano-dollars: as the provider says, by the tier's prices, or by the price book; with
        the rounds before it in which its model fetched something."""
        attempt = exchange.attempts[-1]
        cost = facade.cost_nanousd(call_of(attempt, exchange.caller))
        return cost if cost is None or exchange.asides is None else cost + exchange.asides.cost_nanousd
