"""From records to the answer: they are stored, and what became of each is told by its place in the body."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from telemetry.api.auth import holder_of
from telemetry.api.records import Decoded, Record, renumbered
from telemetry.contracts import Receipt
from telemetry.database import connection
from telemetry.ledger.ingest import ingest


def store(request: Request, decoded: Decoded[Record], *, into: Literal["calls", "executions"], source: str) -> Response:
    """Store what could be read of a body. 200 with a receipt, or 400 where every item of it was refused."""
    records: dict[str, Any] = {into: decoded.items}
    stored: Receipt = ingest(
        connection(), project_id=holder_of(request).project_id, source=source, now=datetime.now(UTC), **records
    )
    rejected = [*decoded.rejected, *renumbered(stored.rejected, decoded.places)]
    rejected.sort(key=attrgetter("index"))
    sent = len(decoded.items) + len(decoded.rejected) + decoded.ignored
    stored_nothing = bool(rejected) and len(rejected) == sent
    receipt = Receipt(stored.accepted, stored.duplicates, stored.quarantined, tuple(rejected))
    return Response(msgspec.to_builtins(receipt), status=400 if stored_nothing else 200)
