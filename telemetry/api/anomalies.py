"""Anomalies out: what the observer found in whole local days, page by page. Judging them is for people, on the page."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import replica
from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.errors import BadQuery
from telemetry.api.views import window_of
from telemetry.database import snapshot
from telemetry.observer import anomalies, waste
from telemetry.observer.anomalies import ORDERS, Listed, Order
from telemetry.observer.narrowing import FILTERS, Filters

LIMIT, MOST = 100, 1000
_PLACES: dict[Order, Any] = {
    "severity": tuple[bool, int, datetime, str, str],
    "newest": tuple[datetime, str, str],
}
_LEFT_OUT = ("session_id",)


class AnomaliesView(APIView):
    """What was wasted, by which rule, and what people made of it."""

    scope = "read"

    @extend_schema(parameters=schema.ANOMALY_PARAMETERS, responses=schema.ANOMALIES)
    def get(self, request: Request) -> Response:
        """Anomalies of runs that began on these local days. `total` counts all of them, `waste` sums up those that
        nobody called no waste: `tokens_once` takes each task once, `tokens_overlapping` adds up every anomaly's own
        figure. `next` goes into `after` for the following page; null ends the list."""
        holder = holder_of(request)
        window = window_of(request, holder, datetime.now(UTC))
        order, limit, filters = _order(request), _limit(request), _filters(request)
        asked: dict[str, Any] = {"project_id": holder.project_id, "start": window.start, "end": window.end}
        with snapshot(using=replica.nearest(exact=True)) as conn:
            found = anomalies.listed(
                conn, **asked, filters=filters, order=order, limit=limit + 1, after=_after(request, order)
            )
            counts = anomalies.anomaly_counts(conn, project_id=holder.project_id, window=window, filters=filters)
            sums = waste.sums(conn, **asked, filters=filters)
        shown = found[:limit]
        return Response(
            {
                "anomalies": [_plain(one) for one in shown],
                "next": _place(shown[-1], order) if len(found) > limit else None,
                "total": sum(row.anomalies for row in counts),
                "waste": {
                    "anomalies": sums.total.anomalies,
                    "runs": sums.runs,
                    "tokens_once": sums.tokens_once,
                    "tokens_overlapping": sums.total.tokens_wasted,
                },
                "from": window.first_day.isoformat(),
                "to": window.last_day.isoformat(),
                "tz": window.zone,
            }
        )


def _plain(one: Listed) -> dict[str, Any]:
    """An anomaly as it is answered: dimensions by the names that filter by them, moments in UTC."""
    row = {name: getattr(one, name) for name in Listed.__slots__ if name not in _LEFT_OUT}
    moments = {name: _moment(row[name]) for name in ("started_at", "state_at", "found_at")}
    return {**row, **moments, "session": one.session_id}


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def _place(one: Listed, order: Order) -> str:
    """The place of an anomaly in an order, as `after` takes it back."""
    return base64.urlsafe_b64encode(msgspec.json.encode(one.place(order))).decode().rstrip("=")


def _after(request: Request, order: Order) -> tuple[Any, ...]:
    """The place after which to go on; empty: from the beginning. Raises BadQuery."""
    said = request.query_params.get("after", "")
    if not said:
        return ()
    try:
        plain = base64.b64decode(said + "=" * (-len(said) % 4), altchars=b"-_", validate=True)
        place: tuple[Any, ...] = msgspec.json.decode(plain, type=_PLACES[order])
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise BadQuery("`after` is no place in this order; send the `next` of the page before as it was.") from None
    if any("\0" in word for word in place if isinstance(word, str)) or any(
        word.tzinfo is None for word in place if isinstance(word, datetime)
    ):
        raise BadQuery("`after` is no place in this order; send the `next` of the page before as it was.")
    return place


def _order(request: Request) -> Order:
    """Which anomalies come first. Raises BadQuery."""
    said = request.query_params.get("sort", ORDERS[0])
    for order in ORDERS:
        if said == order:
            return order
    raise BadQuery(f"sort={said!r} is not known; use {', '.join(get_args(Order))}.")


def _limit(request: Request) -> int:
    """How many anomalies a page holds. Raises BadQuery."""
    said = request.query_params.get("limit", str(LIMIT))
    if not (said.isascii() and said.isdecimal() and len(said) <= 4 and 1 <= int(said) <= MOST):
        raise BadQuery(f"limit={said!r} is not a number from 1 to {MOST}.")
    return int(said)


def _filters(request: Request) -> Filters:
    """What anomalies are narrowed by. Raises BadQuery."""
    asked = request.query_params
    filters = {name: asked.getlist(name) for name in FILTERS if name in asked}
    if any("\0" in value for values in filters.values() for value in values):
        raise BadQuery("A filter holds the character NUL, which no anomaly can bear.")
    return filters
