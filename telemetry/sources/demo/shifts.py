"""What changes in the days of the invented team, for trends to find. Pure, and by date alone, as all of the demo.

From Wednesday to Friday of every second week claude-code has tools connected that nobody needs: every session begins
with their descriptions. On Tuesday of the weeks between, codex works off what has been left lying.
"""

from __future__ import annotations

from datetime import date

HEAVY_AGENT, HEAVY_WEEKDAYS, HEAVY_TOKENS = "claude-code", (2, 3, 4), 80_000
BUSY_AGENT, BUSY_WEEKDAY, BUSY_TIMES = "codex", 1, 3.0
_MONDAY = date(2024, 1, 1)  # weeks are counted from here, for years have 52 of them or 53


def is_heavy(agent: str, day: date) -> bool:
    """Whether an agent's contexts begin with what nobody needs."""
    return agent == HEAVY_AGENT and day.weekday() in HEAVY_WEEKDAYS and _week(day) % 2 == 1


def is_busy(agent: str, day: date) -> bool:
    """Whether an agent has far more to do than on other days."""
    return agent == BUSY_AGENT and day.weekday() == BUSY_WEEKDAY and _week(day) % 2 == 0


def _week(day: date) -> int:
    return (day - _MONDAY).days // 7


def context(agent: str, tokens: int, day: date) -> int:
    """With how many tokens its sessions of a day begin."""
    return tokens + HEAVY_TOKENS * is_heavy(agent, day)


def sessions(agent: str, mean: float, day: date) -> float:
    """How many sessions it has on a day, on average."""
    return mean * (BUSY_TIMES if is_busy(agent, day) else 1.0)
