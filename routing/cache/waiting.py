"""To look for what is kept from an event loop, and to wait there for who makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from routing.cache.lookups import Ask, Claim, Found, Question, finding
from routing.cache.valkey import valkey


async def found(question: Question, *, patience_s: float, is_wanted: Callable[[], bool]) -> Found | Claim | None:
    """What is kept, or the right to make it, which is to be held. None: make it, and keep nothing. Nobody waits for
    what is wanted no more."""
    steps, said = finding(question, patience_s=patience_s), None
    try:
        while True:
            step: Any = steps.send(said)
            said = None
            if isinstance(step, Ask):
                said = await valkey().ask_from_loop(step)
            elif is_wanted():
                await asyncio.sleep(step.seconds)
            else:
                return None
    except StopIteration as over:
        kept: Found | Claim | None = over.value
        return kept
