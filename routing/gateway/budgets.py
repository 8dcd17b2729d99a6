"""Budgets on the way of a call: looked at when it comes, reserved before each attempt, settled with its line of the
ledger.

An attempt is what is billed, and only an attempt knows its tier; so each reserves for itself, under its own id, which
the journal bears: whoever finds that line after this process died settles it. Where no budget warns or is enforced,
nothing is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import psycopg
from django.db import Error as DatabaseError

from routing.contracts import Attempt, Tier
from routing.gateway.accounting import call_of, label
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.halting import Halts
from routing.gateway.threads import Threads
from routing.providers.failed import failed
from telemetry import facade
from telemetry.contracts import Call
from telemetry.facade import BudgetHold, BudgetPressure

RENEW_S = 1.0  # after which it is looked again which projects have budgets
FRESH_S = 2.0  # after which a call waits for that
FLUSHED = timedelta(minutes=5)  # for an attempt to be in the ledger once it must be over
AWAY = (psycopg.Error, DatabaseError)
_YES = (b"1", b"true")


class _Said(TypedDict):
    parent_session: str
    is_final: bool


class Budgets:
    """Of one process."""

    def __init__(self, threads: Threads) -> None:
        self._threads, self._halts = threads, Halts()
        self._projects: dict[int, tuple[str, bool]] | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def look(self, exchange: Exchange, tier: Tier) -> None:
        """Know of a request, which `tier` is likely to answer, whether a budget is nearly used up. Raises Refusal where
        one is over, or the database does not say. Nothing is reserved."""
        project_id = exchange.caller.project_id
        try:
            zone, is_enforced = (await self._held()).get(project_id, ("", False))
            if not is_enforced or exchange.protocol == "anthropic.count_tokens":
                return
            found = await self._threads.run(lambda: _look(exchange, tier, zone))
        except AWAY:
            if self._projects is None or self._projects.get(project_id, ("", False))[1]:
                raise _away(exchange) from None
            return
        exchange.spans, exchange.is_pressed = found.spans, found.is_pressed
        if found.is_over:
            raise await self._exceeded(exchange, found.message, found.budgets)

    async def hold(self, exchange: Exchange, attempt: Attempt, tier: Tier) -> BudgetHold | None:
        """Reserve what an attempt may come to, its usage at most; None where no budget holds. Raises Refusal where
        there is no room, or the database does not say; and Failed where only this tier has none, or where there is an
        answer already, which this attempt was to better."""
        project_id = exchange.caller.project_id
        try:
            found = (await self._held()).get(project_id)
            if found is None or exchange.protocol == "anthropic.count_tokens":
                return None
            held = await self._threads.run(lambda: _hold(exchange, attempt, tier, found[0]))
        except AWAY:
            if self._projects is None or self._projects.get(project_id, ("", False))[1]:
                raise _away(exchange) from None
            return None
        if held is None or held.is_granted:
            return held
        if held.is_of_tier:
            raise failed("busy", held.message)
        raise await self._exceeded(exchange, held.message, held.budgets)

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

    async def _exceeded(self, exchange: Exchange, message: str, budgets: Sequence[Mapping[str, Any]]) -> Exception:
        told = await self._halts.told(exchange, budgets) if exchange.answer is None else {}
        return _refusal(exchange, 429, "budget_exceeded", message, **told)

    async def _held(self) -> dict[int, tuple[str, bool]]:
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


def _look(exchange: Exchange, tier: Tier, zone: str) -> BudgetPressure:
    """In a thread."""
    now, caller = datetime.now(UTC), exchange.caller
    call = Call(
        started_at=now,
        model=label(tier.model) or "unknown",
        provider=label(tier.provider.name),
        input_uncached=exchange.prompt_tokens,
        agent=caller.agent,
        session_id=caller.session,
        session_type=caller.session_type,
        execution_id=caller.execution,
        task_type=caller.task_type,
        objective=caller.objective,
        tier=label(tier.name),
    )
    return facade.press_budgets(
        call,
        project_id=caller.project_id,
        key_id=caller.key_id,
        zone=zone,
        prices=_prices(tier),
        now=now,
        **_said(exchange),
    )


def _hold(exchange: Exchange, attempt: Attempt, tier: Tier, zone: str) -> BudgetHold | None:
    """In a thread."""
    now = datetime.now(UTC)
    return facade.hold_budgets(
        call_of(attempt, exchange.caller),
        project_id=exchange.caller.project_id,
        key_id=exchange.caller.key_id,
        zone=zone,
        prices=_prices(tier),
        now=now,
        until=now + timedelta(seconds=tier.limits.total_s) + FLUSHED,
        spans=exchange.spans,
        **_said(exchange),
    )


def _prices(tier: Tier) -> tuple[int, int] | None:
    if tier.is_free:
        return 0, 0
    if tier.input_nanousd is None or tier.output_nanousd is None:
        return None
    return tier.input_nanousd, tier.output_nanousd


def _said(exchange: Exchange) -> _Said:
    """What headers say of a call that no call says of itself."""
    parent = exchange.headers.get(b"x-tloi-parent-session", b"").decode("utf-8", "replace")
    return {"parent_session": label(parent), "is_final": exchange.headers.get(b"x-tloi-final") in _YES}
