"""The API's verbs: each view translates, makes one call of the ledger or the series, and translates back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import replica
from telemetry.access.keys import KeyHolder
from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.errors import BadQuery
from telemetry.api.parsers import has_lines, read_body
from telemetry.api.receipts import store, unreadable_is_noted
from telemetry.api.records import Decoded, Record, decode
from telemetry.contracts import Call, Execution, UsageRow
from telemetry.database import connection, snapshot
from telemetry.importer.registry import SOURCES
from telemetry.series import queries, rollups
from telemetry.series.rows import waiting_minutes
from telemetry.series.window import EARLIEST, Window, by_days, parse_day, time_zone
from telemetry.usage import usd

_DEFAULT_DAYS = 30
_PATIENCE_S = 10
_DAY = timedelta(days=1)
_BEGINNING = datetime(EARLIEST.year, EARLIEST.month, EARLIEST.day, tzinfo=UTC)  # no call is older
_SDK = "sdk"


class CallsView(APIView):
    """Record calls to models, each counted once by its id."""

    scope = "ingest"

    @extend_schema(request=schema.CALLS, responses=schema.RECEIPT)
    def post(self, request: Request) -> Response:
        """One call, an array of them, or NDJSON; plain or gzip; at most 10,000 items and 20 MiB."""
        return _record(request, Call)


class ExecutionsView(APIView):
    """Record runs of tasks. Tokens sent here count until the run's own calls arrive."""

    scope = "ingest"

    @extend_schema(request=schema.EXECUTIONS, responses=schema.RECEIPT)
    def post(self, request: Request) -> Response:
        """One execution, an array of them, or NDJSON; plain or gzip; at most 10,000 items and 20 MiB."""
        return _record(request, Execution)


class UsageView(APIView):
    """What was used and what it cost."""

    scope = "read"

    @extend_schema(parameters=schema.USAGE_PARAMETERS, responses=schema.USAGE)
    def get(self, request: Request) -> Response:
        """Sums of whole local days, in all and by `by`. Costs are exact decimals of US dollars. `fresh_to` is the time
        of the newest call that is in the sums: every call that was acknowledged before, unless so many are new that
        they cannot be added up within 10 s; then the header X-TLOI-Waiting-Minutes says how many minutes of calls
        are still missing."""
        holder = holder_of(request)
        now = datetime.now(UTC)
        window = window_of(request, holder, now)
        by = request.query_params.get("by", "model")
        asked: dict[str, Any] = {"project_id": holder.project_id, "window": window, "filters": _filters(request)}
        rollups.catch_up(connection(), project_id=holder.project_id, now=now, patience=_PATIENCE_S)
        with snapshot(using=replica.nearest(exact=True)) as conn:
            total = queries.usage_total(conn, **asked)
            if by == "day":
                rows = queries.usage_days(conn, **asked)
            else:
                rows = queries.usage_by(conn, by=by, **asked)
            fresh_to = queries.coverage(
                conn, project_id=holder.project_id, start=_BEGINNING, end=now + _DAY
            ).last_call_at
            waiting = waiting_minutes(conn, project_id=holder.project_id)
        return Response(
            {
                "total": _sums(total),
                "rows": [{by: row.key, **_sums(row)} for row in rows],
                "from": window.first_day.isoformat(),
                "to": window.last_day.isoformat(),
                "tz": window.zone,
                "fresh_to": fresh_to.astimezone(UTC).isoformat().replace("+00:00", "Z") if fresh_to else None,
            },
            headers={"X-TLOI-Waiting-Minutes": str(waiting)} if waiting else None,
        )


def _record(request: Request, kind: type[Record]) -> Response:
    source = _source(request)
    with unreadable_is_noted(request, source=source):
        decoded: Decoded[Record] = decode(read_body(request), kind, lines=has_lines(request))
    return store(request, decoded, into="calls" if kind is Call else "executions", source=source)


def _source(request: Request) -> str:
    """By which route records came: what `tloi import --to` read from an agent's files bears the agent's name, as if
    it had been read here, and what telemetry/client.py sends the name of the SDK."""
    named = request.headers.get("X-TLOI-Source", "")
    return named if named in SOURCES or named == _SDK else "api"


def window_of(request: Request, holder: KeyHolder, now: datetime) -> Window:
    """The whole local days that were asked for. Raises BadWindow."""
    zone = request.query_params.get("tz") or holder.time_zone
    today = now.astimezone(time_zone(zone)).date()
    last = parse_day(request.query_params["to"]) if "to" in request.query_params else today
    back = timedelta(days=_DEFAULT_DAYS - 1)
    usual = max(last, EARLIEST + back) - back
    first = parse_day(request.query_params["from"]) if "from" in request.query_params else usual
    return by_days(first, last, zone=zone)


def _filters(request: Request) -> dict[str, list[str]]:
    """The dimensions that sums are narrowed by, each with the values that are wanted. Raises BadQuery."""
    asked = request.query_params
    filters = {name: asked.getlist(name) for name in queries.DIMENSIONS if name in asked}
    if any("\0" in value for values in filters.values() for value in values):
        raise BadQuery("A filter holds the character NUL, which no call can bear.")
    return filters


def _sums(row: UsageRow) -> dict[str, Any]:
    sums = msgspec.structs.asdict(row)
    del sums["key"]
    sums["cost_usd"] = usd(sums.pop("cost_nanousd"))
    return sums
