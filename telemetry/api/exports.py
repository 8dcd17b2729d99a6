"""Data out: calls or rollups of whole local days as a file, sent while it is read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.errors import BadQuery
from telemetry.api.views import window_of
from telemetry.database import connection
from telemetry.exporter.columns import COLUMNS, What
from telemetry.exporter.exporting import TABLES, WRITERS, export
from telemetry.series.window import Window


class AnyFormat(BaseContentNegotiation):
    """Errors are JSON whatever is accepted, and `format` is the file's, not DRF's."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """None reads a body here."""
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The one there is."""
        return renderers[0], renderers[0].media_type


@dataclass(frozen=True, slots=True)
class _Asked:
    what: What
    file_format: str
    bucket: str
    window: Window

    @property
    def headers(self) -> dict[str, str]:
        name = f"tloi-{self.what}-{self.window.first_day}-{self.window.last_day}.{self.file_format}"
        return {"Content-Disposition": f'attachment; filename="{name}"'}


class ExportView(APIView):
    """Calls or rollups as a file."""

    scope = "read"
    content_negotiation_class = AnyFormat

    @extend_schema(parameters=schema.EXPORT_PARAMETERS, responses=schema.EXPORT)
    def get(self, request: Request) -> HttpResponseBase:
        """The calls, or the rollups, of whole local days, oldest first, as CSV or Parquet; columns: docs/export.md.
        One export of a project at a time. A reader that stops reading for a minute loses it."""
        asked, now = _asked(request), datetime.now(UTC)
        pieces = export(
            connection(),
            project_id=holder_of(request).project_id,
            window=asked.window,
            what=asked.what,
            file_format=asked.file_format,
            bucket=asked.bucket,
            now=now,
            is_alone=True,
        )
        content_type = schema.CONTENT_TYPES[asked.file_format]
        return StreamingHttpResponse(_begun(next(pieces), pieces), content_type=content_type, headers=asked.headers)

    @extend_schema(exclude=True)
    def head(self, request: Request) -> HttpResponseBase:
        """What GET would say before the file."""
        asked = _asked(request)
        return HttpResponse(content_type=schema.CONTENT_TYPES[asked.file_format], headers=asked.headers)


def _begun(first: bytes, pieces: Generator[bytes]) -> Iterator[bytes]:
    """All pieces of which the first was taken already, while the answer could still be an error."""
    with closing(pieces):
        yield first
        yield from pieces


def _asked(request: Request) -> _Asked:
    """Raises BadQuery, BadWindow."""
    holder = holder_of(request)
    window = window_of(request, holder, datetime.now(UTC))
    what = _choice(request, "what", COLUMNS)
    bucket = _choice(request, "bucket", TABLES)
    if what == "calls" and "bucket" in request.query_params:
        raise BadQuery("Calls have no bucket; ask for what=rollups, or leave it out.")
    if bucket == "1d" and window.zone != holder.time_zone:
        raise BadQuery(f"Days are kept in the project's zone, {holder.time_zone}; ask for bucket=15m in another.")
    return _Asked(cast(What, what), _choice(request, "format", WRITERS), bucket, window)


def _choice(request: Request, name: str, choices: Any) -> str:
    """The value of a parameter, or the first of its choices. Raises BadQuery."""
    value: str = request.query_params.get(name, next(iter(choices)))
    if value not in choices:
        raise BadQuery(f"{name} is {value!r}, but must be one of {', '.join(choices)}.")
    return value
