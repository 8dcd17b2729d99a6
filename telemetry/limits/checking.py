"""An agent asks before a call, and says afterwards what it came to. Here it is priced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from psycopg import Connection

from telemetry.contracts import Call, UsageRow
from telemetry.ledger.overrides import book_for
from telemetry.ledger.pricebook import PriceBook
from telemetry.ledger.pricing import computed_nanousd, nanousd
from telemetry.limits import reserving
from telemetry.limits.windows import Asked, Reserved, Whose, asked, per_token, spent
from telemetry.usage import INPUTS, input_total

_SAMPLE = 1_000_000  # tokens of output, of which a price is told exactly


@dataclass(frozen=True, slots=True)
class Question:
    """May a call be made that begins with the input of `call` and has at most its output? `hold` None: nothing is
    reserved. `is_final`: it is the session's last summary."""

    whose: Whose
    call: Call
    is_final: bool = False
    hold: timedelta | None = None


def check(conn: Connection[Any], *, project_id: int, zone: str, question: Question, now: datetime) -> Reserved:
    """What the budgets that hold for a call say. Raises BadWindow where the zone is none."""
    scopes = reserving.windows(conn, project_id=project_id, whose=question.whose, zone=zone, now=now)
    book = book_for(conn, project_id=project_id)
    amount = priced(question.call, book=book, is_final=question.is_final)
    if question.hold is None:
        return reserving.look(conn, project_id=project_id, scopes=scopes, amount=amount, now=now)
    until = now + question.hold
    return reserving.reserve(conn, project_id=project_id, scopes=scopes, amount=amount, now=now, until=until)


def end(conn: Connection[Any], *, project_id: int, reservation_id: str, call: Call | None, now: datetime) -> bool:
    """End a reservation with what its call came to, or (None) unused. Whether that was done now: the second time it is
    not. The call itself is told to the ledger by whoever reports it."""
    if call is None:
        return reserving.release(conn, project_id=project_id, reservation_id=reservation_id, now=now)
    cost = cost_of(call, book_for(conn, project_id=project_id))
    told = [spent(reservation_id, sums_of(call), cost_nanousd=cost)]
    return bool(reserving.settle(conn, project_id=project_id, spent=told, is_recorded=False, now=now))


def priced(call: Call, *, book: PriceBook, is_final: bool = False) -> Asked:
    """What a call asks of budgets in each unit, by a project's prices."""
    cost, sample = (cost_of(replace(call, output=output, cost_usd=None), book) for output in (0, _SAMPLE))
    return asked(
        sums_of(call),
        output=call.output,
        input_nanousd=cost,
        output_nanousd=None if cost is None or sample is None else per_token(sample - cost, _SAMPLE),
        is_final=is_final,
    )


def sums_of(call: Call) -> UsageRow:
    """A call as the sums of one, without its cost."""
    return UsageRow(**{name: getattr(call, name) for name in (*INPUTS, "output")})


def cost_of(call: Call, book: PriceBook) -> int | None:
    """What a call cost, as it says itself or by the price book; None where that has no price."""
    if call.cost_usd is not None:
        return nanousd(call.cost_usd)
    return computed_nanousd(call, input_total(call), book)[0]
