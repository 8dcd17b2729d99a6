"""From records to the answer: they are stored, and what became of each is told by its place in the body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from telemetry.api.auth import holder_of
from telemetry.api.errors import BadBody, TooLarge
from telemetry.api.records import Decoded, Record, renumbered
from telemetry.contracts import Receipt, Rejection
from telemetry.database import connection
from telemetry.ledger import intake
from telemetry.ledger.ingest import ingest


def store(request: Request, decoded: Decoded[Record], *, into: Literal["calls", "executions"], source: str) -> Response:
    """Store what could be read of a body. 200 with a receipt, or 400 where every item of it was refused."""
    records: dict[str, Any] = {into: decoded.items}
    heard: dict[str, Any] = {"project_id": holder_of(request).project_id, "source": source, "now": datetime.now(UTC)}
    stored: Receipt = ingest(connection(), **heard, **records)
    rejected = [*decoded.rejected, *renumbered(stored.rejected, decoded.places)]
    rejected.sort(key=attrgetter("index"))
    taken = stored.accepted + stored.duplicates + stored.quarantined
    intake.note(connection(), received=taken, rejections=rejected, **heard)
    sent = len(decoded.items) + len(decoded.rejected) + decoded.ignored
    stored_nothing = bool(rejected) and len(rejected) == sent
    receipt = Receipt(stored.accepted, stored.duplicates, stored.quarantined, tuple(rejected))
    return Response(msgspec.to_builtins(receipt), status=400 if stored_nothing else 200)


@contextmanager
def unreadable_is_noted(request: Request, *, source: str) -> Iterator[None]:
    """Inside, a body is read; one that cannot be is noted for the Connect page. Raises what is raised inside."""
    try:
        yield
    except (BadBody, TooLarge) as error:
        told: dict[str, Any] = {"project_id": holder_of(request).project_id, "source": source, "now": datetime.now(UTC)}
        intake.note(connection(), received=0, rejections=[Rejection(0, "", str(error.detail))], **told)
        raise
