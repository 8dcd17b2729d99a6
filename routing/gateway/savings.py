"""What making prompts shorter saved, as it is estimated, less what fetching cost of what was left out."""

from __future__ import annotations

from json import dumps
from typing import Any

from django.db import connection

from routing.gateway.accounting import input_tokens
from routing.gateway.exchange import Answer, Exchange
from routing.gateway.sums import DaySums
from routing.gateway.threads import Threads
from telemetry.facade import statement

_FIELDS = ("asked", "shortened", "came_tokens", "saved_tokens", "came_nanousd", "saved_nanousd", "fetched")


class Savings:
    """Of one process."""

    def __init__(self, threads: Threads) -> None:
        self._sums = DaySums(threads, "shorter prompts", _FIELDS, add_savings)

    def answered(self, exchange: Exchange) -> None:
        """A request was answered, and `exchange.shortened` says of what prompt."""
        if exchange.shortened is None:
            return
        saves = exchange.shortened.saves
        saved = saves.came_tokens - saves.sent_tokens
        self._sums.add(
            exchange,
            is_shadow=saves.is_shadow,
            asked=1,
            shortened=int(saved > 0),
            came_tokens=saves.came_tokens,
            saved_tokens=saved,
            came_nanousd=saves.came_nanousd,
            saved_nanousd=saves.saved_nanousd,
        )

    def fetched(self, exchange: Exchange, answer: Answer, parts: int, *, cost_nanousd: int) -> None:
        """A model was asked once more, for it fetched so many parts: that call is no saving."""
        self._sums.add(exchange, fetched=parts, saved_tokens=-input_tokens(answer.usage), saved_nanousd=-cost_nanousd)

    async def stop(self) -> None:
        """Store what was counted."""
        await self._sums.stop()


def add_savings(project_id: int, rows: list[dict[str, Any]]) -> None:
    """Add to the sums of days. Raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute(statement("routing.gateway", "add_savings"), {"project_id": project_id, "rows": dumps(rows)})
