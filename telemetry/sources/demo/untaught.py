"""Tasks of a kind that no skill of the demo covers, for the concierge to find. Pure, and by date alone.

Each weekday the orchestrator has texts put into other languages. Of its other tasks few fail; of these two in five do,
with placeholders lost or a glossary passed over, as where nobody has written down how it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

from telemetry.contracts import Call, Execution
from telemetry.sources.demo.runs import Worker, ran

WORKER = Worker("orchestrator", "build-1", "openai", "gpt-5-mini", "translation")
SATURDAY = 5
_BEGINS, _EVERY_S, _LASTS_S = time(13, 0), 540, 31.0
_TEXTS = ("manual", "menu_strings", "subtitles", "help_pages")
_LANGUAGES = ("german", "french", "japanese", "dutch", "portuguese")
_A_DAY = 3
_FAILURES = ("the placeholder {count} was lost", "2 words of the glossary were passed over")


def translated(day: date, *, now: datetime) -> Iterator[tuple[Execution, Call]]:
    """What was translated on a UTC day, each run with its call; nothing at weekends, and only what had ended."""
    if day.weekday() >= SATURDAY:
        return
    for number in range(_A_DAY):
        began = datetime.combine(day, _BEGINS, UTC) + timedelta(seconds=_EVERY_S * number)
        if began + timedelta(seconds=_LASTS_S) <= now:
            yield _run(day, number, began)


def _run(day: date, number: int, began: datetime) -> tuple[Execution, Call]:
    key = str(uuid5(NAMESPACE_URL, f"tloi-demo:{day}:translation-{number}"))
    dice = int.from_bytes(sha256(key.encode()).digest()[:4])
    session = str(uuid5(NAMESPACE_URL, f"tloi-demo:{day}:translations"))
    return ran(
        WORKER,
        key,
        session=session,
        task=f"translate_{_TEXTS[dice // 5 % 4]}_into_{_LANGUAGES[dice // 20 % 5]}",
        began=began,
        lasts_s=_LASTS_S,
        tokens=(3_900 + 17 * (dice % 31), 1_100 + 13 * (dice % 23)),
        errors=(_FAILURES[dice // 100 % 2],) if dice % 5 < 2 else (),
    )
