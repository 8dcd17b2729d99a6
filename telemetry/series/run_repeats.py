"""RUNS: which runs come again soon after another of the same task, noted with them as they are added up.

So whoever looks for repeated work in a day finds it by reading the day once, instead of sorting it by task. A note may
say too little where a run before it is gone or was moved since, never too much; who reads it looks at the run before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from telemetry.statements import statement


def note_repeats(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> None:
    """Note of runs that were just written, and of the next of the same task after each, how soon it repeats the one
    before. In the transaction that writes them: nobody else may write runs of the project meanwhile."""
    conn.execute(statement(__package__, "note_repeats"), {"project": project_id, "keys": list(keys)})
