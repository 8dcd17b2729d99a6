"""Budgets on the way of a call: looked at when it comes, reserved before each attempt, settled with its line of the
ledger.

An attempt is what is billed, and only an attempt knows its tier; so each reserves for itself, under its own id, which
the journal bears: whoever finds that line after this process died settles it. Where no budget warns or is enforced,
nothing is asked.

    look: what is known here, where budgets are far from their limits; else the database, without a lock
    hold: the database, always: one statement decides of all budgets of the call. The event loop asks it where the
          answer comes at once, and a thread where windows are to be made or counted first, or the database is slow
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import psycopg
from django.db import Error as DatabaseError

from routing.contracts import Tier, Usage
from routing.gateway.accounting import label, tokens
from routing.gateway.curbs import Curbs
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.halting import Halts
from routing.gateway.known_budgets import Key, KnownBudgets, key_of
from routing.gateway.threads import Threads
from routing.providers.failed import failed
from telemetry import facade
from telemetry.contracts import Call
from telemetry.facade import BudgetHold, BudgetPressure, BudgetQuestion, BudgetSpans, HeldProject

RENEW_S = 1.0  # after which it is looked again which projects have budgets
FRESH_S = 2.0  # after which a call waits for that
LOOKED = timedelta(seconds=2)  # for which it is believed what was looked up for a request
FLUSHED = timedelta(minutes=5)  # for an attempt to be in the ledger once it must be over
AWAY = (psycopg.Error, DatabaseError)
PARENT = b"x-tloi-parent-session"
_YES = (b"1", b"true")
_log = logging.getLogger(__name__)


class _Said(TypedDict):
    parent_session: str
    is_final: bool


class Budgets:
    """Of one process."""

    def __init__(self, threads: Threads, database: facade.LoopConnection) -> None:
        self._database = database
        self._threads, self._halts, self._known, self._curbs = threads, Halts(), KnownBudgets(), Curbs(threads)
        self._counting: dict[int, asyncio.Task[None]] = {}  # by project
        self._projects: dict[int, HeldProject] | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    def is_free(self, project_id: int) -> bool:
        """Whether it is known that no budget of a project is enforced."""
        return time.monotonic() - self._read_at < FRESH_S and not self._may_refuse(project_id)

    async def look(self, exchange: Exchange, tier: Tier) -> None:
        """Know of a request, which `tier` is likely to answer, whether a budget is nearly used up. Raises Refusal where
        one is over, or the database does not say. Nothing is reserved."""
        project_id = exchange.caller.project_id
        try:
            held = (await self._held()).get(project_id)
            if held is None or not held.is_enforced or exchange.protocol == "anthropic.count_tokens":
                return
            call = _coming(exchange, tier)
            exchange.spans = self._spans(exchange, call, held)
            if exchange.spans is not None and self._known.is_far(exchange.spans, call, _prices(tier)):
                return
            found = await self._threads.run(lambda: _look(exchange, call, tier, held.zone))
        except AWAY:
            if self._may_refuse(project_id):
                raise _away(exchange) from None
            return
        self._known.learn(_key(exchange, call, held), found.spans, found.used_of)
        exchange.spans, exchange.is_pressed = found.spans, found.is_pressed
        if found.is_over:
            self._curbs.note(project_id, call, found.budgets, given=None)
            raise await self._exceeded(exchange, found.message, found.budgets)

    async def hold(self, exchange: Exchange, attempt_id: str, most: Usage, tier: Tier) -> BudgetHold | None:
        """Reserve what an attempt may come to, `most` of all; None where no budget holds. Raises Refusal where
        there is no room, or the database does not say; and Failed where only this tier has none, or where there is an
        answer already, which this attempt was to better."""
        project_id = exchange.caller.project_id
        try:
            held = (await self._held()).get(project_id)
            if held is None or exchange.protocol == "anthropic.count_tokens":
                return None
            call = _coming(exchange, tier, attempt_id=attempt_id, most=most)
            spans = self._spans(exchange, call, held)
            if spans is not None and not spans.windows:
                return None
            said = None if spans is None else await self._hold_at_once(exchange, call, tier, spans)
            if said is None:
                said = await self._threads.run(lambda: _hold(exchange, call, tier, held.zone, spans))
            under, found = said
            self._known.learn(_key(exchange, call, held), under, {} if found is None else found.used_of)
        except AWAY:
            if self._may_refuse(project_id):
                raise _away(exchange) from None
            return None
        if found is not None and found.budgets:
            self._curbs.note(project_id, call, found.budgets, given=found.output if found.is_granted else None)
        if found is None or found.is_granted:
            return found
        if found.is_of_tier:
            raise failed("busy", found.message)
        raise await self._exceeded(exchange, found.message, found.budgets)

    async def _hold_at_once(
        self, exchange: Exchange, call: Call, tier: Tier, spans: BudgetSpans
    ) -> tuple[BudgetSpans, BudgetHold | None] | None:
        """What the database says at once; None where a thread must ask."""
        prices = _prices(tier)
        if prices is None or not self._database.is_ready():
            return None
        project_id, now = exchange.caller.project_id, datetime.now(UTC)
        asked = facade.ask_budgets(
            call,
            project_id=project_id,
            spans=spans,
            prices=prices,
            is_final=_said(exchange)["is_final"],
            now=now,
            until=_until(tier, now),
        )
        found, is_due = asked.told(await self._database.ask(asked.question))
        if found is not None and is_due and project_id not in self._counting:
            self._counting[project_id] = asyncio.create_task(self._recount(asked, project_id))
        return None if found is None else (spans, found)

    async def _recount(self, asked: BudgetQuestion, project_id: int) -> None:
        try:
            await self._threads.run(lambda: facade.recount_budgets(asked, project_id=project_id))
        except AWAY as error:
            _log.warning("budgets cannot be counted now: %s", error)
        finally:
            del self._counting[project_id]

    async def release(self, exchange: Exchange, held: BudgetHold | None) -> None:
        """Give back what was reserved for an attempt that was not made. Where the database is away it expires."""
        if held is None:
            return
        project_id, unused = exchange.caller.project_id, [held.reservation_id]
        try:
            await self._threads.run(
                lambda: facade.settle_budgets((), project_id=project_id, unused=unused, now=datetime.now(UTC))
            )
        except AWAY:
            return

    async def stop(self) -> None:
        """Tell what was refused and lowered last."""
        await asyncio.gather(*self._counting.values())
        await self._curbs.stop()

    def _spans(self, exchange: Exchange, call: Call, held: HeldProject) -> BudgetSpans | None:
        """Those under which a call falls, as far as this process knows."""
        found, now = exchange.spans, datetime.now(UTC)
        if found is not None and found.tier == call.tier and now - found.found_at < LOOKED:
            return found
        key = _key(exchange, call, held)
        return None if key is None else self._known.spans(key, call, held, now=now)

    def _may_refuse(self, project_id: int) -> bool:
        """Whether a budget of a project was enforced when that was read last, or nobody knows."""
        held = None if self._projects is None else self._projects.get(project_id)
        return self._projects is None or (held is not None and held.is_enforced)

    async def _exceeded(self, exchange: Exchange, message: str, budgets: Sequence[Mapping[str, Any]]) -> Exception:
        told = await self._halts.told(exchange, budgets) if exchange.answer is None else {}
        return _refusal(exchange, 429, "budget_exceeded", message, **told)

    async def _held(self) -> dict[int, HeldProject]:
        """Which projects have budgets that warn or are enforced, as it was a second or two ago; what was read last
        where the database is away since."""
        age = time.monotonic() - self._read_at if self._projects is not None else FRESH_S
        if self._reading is None and age >= RENEW_S:
            self._reading = asyncio.create_task(self._read())
        if self._reading is not None and age >= FRESH_S:
            await asyncio.shield(self._reading)
        return self._projects or {}

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            self._projects = await self._threads.run(facade.held_projects)
        except AWAY:
            if self._projects is None:
                raise
        finally:
            self._read_at, self._reading = began, None


def _refusal(exchange: Exchange, status: int, code: str, message: str, **extra: object) -> Exception:
    if exchange.answer is not None:
        return failed("busy", message)
    return Refusal(status, code, message, retry_after_s=5 if status == 503 else None, extra=extra)


def _away(exchange: Exchange) -> Exception:
    return _refusal(exchange, 503, "budgets_away", "Budgets cannot be read now; try again.")


def _key(exchange: Exchange, call: Call, held: HeldProject) -> Key | None:
    """By what it is known which budgets hold for a call; None for one that draws on its parent's."""
    if exchange.headers.get(PARENT):
        return None
    return key_of(call, held, project_id=exchange.caller.project_id, key_id=exchange.caller.key_id)


def _coming(exchange: Exchange, tier: Tier, *, attempt_id: str = "", most: Usage | None = None) -> Call:
    """A call as it is known before it is made: by its prompt, or of an attempt by the most that it may use."""
    caller, usage = exchange.caller, most or Usage(input_uncached=exchange.prompt_tokens)
    return Call(
        started_at=exchange.received_at,
        id=attempt_id,
        model=label(tier.model) or "unknown",
        provider=label(tier.provider.name),
        input_uncached=tokens(usage.input_uncached),
        output=tokens(usage.output),
        agent=caller.agent,
        session_id=caller.session,
        session_type=caller.session_type,
        execution_id=caller.execution,
        task_type=caller.task_type,
        objective=caller.objective,
        tier=label(tier.name),
    )


def _look(exchange: Exchange, call: Call, tier: Tier, zone: str) -> BudgetPressure:
    """In a thread."""
    return facade.press_budgets(
        call,
        project_id=exchange.caller.project_id,
        key_id=exchange.caller.key_id,
        zone=zone,
        prices=_prices(tier),
        now=datetime.now(UTC),
        **_said(exchange),
    )


def _hold(
    exchange: Exchange, call: Call, tier: Tier, zone: str, spans: BudgetSpans | None
) -> tuple[BudgetSpans, BudgetHold | None]:
    """In a thread."""
    now, said, caller = datetime.now(UTC), _said(exchange), exchange.caller
    if spans is None:
        asked = {"project_id": caller.project_id, "key_id": caller.key_id}
        spans = facade.find_budget_spans(call, **asked, zone=zone, parent_session=said["parent_session"], now=now)
    held = facade.hold_budgets(
        call,
        project_id=caller.project_id,
        spans=spans,
        prices=_prices(tier),
        is_final=said["is_final"],
        now=now,
        until=_until(tier, now),
    )
    return spans, held


def _until(tier: Tier, now: datetime) -> datetime:
    """When a call of a tier is in the ledger at the latest."""
    return now + timedelta(seconds=tier.limits.total_s) + FLUSHED


def _prices(tier: Tier) -> tuple[int, int] | None:
    if tier.is_free:
        return 0, 0
    if tier.input_nanousd is None or tier.output_nanousd is None:
        return None
    return tier.input_nanousd, tier.output_nanousd


def _said(exchange: Exchange) -> _Said:
    """What headers say of a call that no call says of itself."""
    parent = exchange.headers.get(PARENT, b"").decode("utf-8", "replace")
    return {"parent_session": label(parent), "is_final": exchange.headers.get(b"x-tloi-final") in _YES}
