"""Panel: the sessions that cost the most."""

from __future__ import annotations

from datetime import datetime

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.runlinks import session_address
from telemetry.dashboards.tables import Cell, Column, Table, leaders, text
from telemetry.database import reads
from telemetry.models import Session
from telemetry.series.window import Window

ROWS = 10
KEYS = (Column("session", "Session", "text"), Column("agent", "Agent", "text"), Column("started_at", "Started", "text"))
BLANK = Cell("", "", words=True)
_SHOWN = 13


def build(reader: Reader) -> Table:
    """The dearest sessions of the window; a click opens one, or narrows the page to the calls that bear none."""
    state, window = reader.state, reader.state.window
    rows = reader.by("session", limit=ROWS)
    known = _known(reader, [row.key for row in rows])

    def name(row: UsageRow) -> tuple[Cell, ...]:
        session = known.get(row.key)
        url = session_address(state, row.key) if row.key else state.with_filter("session", "")
        return (
            text(row.key, shown=_short(row.key), url=url, hint="Open" if row.key else "Show only this"),
            text(session.agent) if session else BLANK,
            _moment(session.started_at, window) if session else BLANK,
        )

    return leaders(rows, reader.total(), keys=KEYS, name=name)


PANEL = Panel("sessions", "Top sessions", "telemetry/_table.html", build)


def _known(reader: Reader, ids: list[str]) -> dict[str, Session]:
    """What is known of sessions, by their id."""
    sessions = Session.objects.using(reads()).filter(project_id=reader.project.pk, session_id__in=ids)
    return {session.session_id: session for session in sessions.only("session_id", "agent", "started_at")}


def _moment(at: datetime, window: Window) -> Cell:
    local = at.astimezone(window.tz)
    return Cell(formats.moment(at, window), local.isoformat(timespec="seconds"), words=True)


def _short(session_id: str) -> str:
    """The beginning of a long id; the whole of it stands in the tooltip, the link and the CSV."""
    return session_id if len(session_id) <= _SHOWN + 1 else f"{session_id[:_SHOWN]}…"
