"""What this process wrote of sessions a moment ago, so that a batch says nothing of them that their rows say already.

Most batches bring more calls of sessions that another has just touched. What is remembered was committed, and is
believed for `KEPT`: a row that somebody deletes meanwhile comes back with the first call after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from telemetry.ledger.sessions import SLACK, Seen

KEPT = timedelta(seconds=30)
_MOST = 50_000


class _Told(Struct, frozen=True, gc=False):
    """What a session's row says at least: a time between its first and last call, and which labels."""

    first: datetime
    last: datetime
    has_agent: bool
    has_host: bool
    has_type: bool
    until: datetime

    def covers(self, seen: Seen) -> bool:
        """Whether a touch would change nothing."""
        call = seen.call
        return (
            seen.first >= self.first - SLACK
            and seen.last <= self.last + SLACK
            and (self.has_agent or not call.agent)
            and (self.has_host or not call.host)
            and (self.has_type or not call.session_type)
        )


_told: dict[tuple[int, str], _Told] = {}


def news(project_id: int, spans: Mapping[str, Seen], *, now: datetime) -> dict[str, Seen]:
    """Those of `spans` that say more of their sessions than their rows are known to."""
    return {key: seen for key, seen in spans.items() if not _is_known(_told.get((project_id, key)), seen, now)}


def remember(project_id: int, spans: Mapping[str, Seen], *, now: datetime) -> None:
    """Remember what was touched, once that is committed."""
    if len(_told) + len(spans) > _MOST:
        forget()
    for key, seen in spans.items():
        call, known = seen.call, _told.get((project_id, key))
        told = _Told(seen.first, seen.last, bool(call.agent), bool(call.host), bool(call.session_type), now + KEPT)
        _told[project_id, key] = told if known is None or known.until < now else _both(known, told)


def forget() -> None:
    """Remember nothing more: rows may be gone."""
    _told.clear()


def _is_known(told: _Told | None, seen: Seen, now: datetime) -> bool:
    return told is not None and now <= told.until and told.covers(seen)


def _both(known: _Told, told: _Told) -> _Told:
    """What two touches left, for as long as the first of them is believed."""
    return _Told(
        min(known.first, told.first),
        max(known.last, told.last),
        known.has_agent or told.has_agent,
        known.has_host or told.has_host,
        known.has_type or told.has_type,
        known.until,
    )
