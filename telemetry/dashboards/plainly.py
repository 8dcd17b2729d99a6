"""Pages that say one thing: what an address gets wrong, in one sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import psycopg
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from telemetry.access.projects import UnknownProject
from telemetry.dashboards.pagestate import BadQuery
from telemetry.series.window import BadWindow

_log = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]
Named = ParamSpec("Named")  # what the address of a view says


def plain(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    """A page with one sentence and a way back."""
    return render(request, "plain.html", {"title": title, "message": message}, status=status)


def answers_plainly(
    view: Callable[Concatenate[HttpRequest, Named], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Named], HttpResponse]:
    """400 for an address that cannot be shown, 404 for a project that does not exist or is not theirs, 503 where the
    database is away."""

    @wraps(view)
    def handle(request: HttpRequest, /, *args: Named.args, **named: Named.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **named)
        except (BadQuery, BadWindow) as error:
            return plain(request, 400, "This address cannot be shown", str(error))
        except UnknownProject as error:
            return plain(request, 404, "No such project", str(error))
        except (psycopg.OperationalError, OperationalError):
            _log.exception("%s could not be read", request.path)
            return plain(request, 503, "The database does not answer", "Nothing is lost. Try again in a moment.")

    return handle
