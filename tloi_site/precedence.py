"""Who goes first where processors are few: what a person looks at, before what programs send.

A sender has a queue and patience, a person has neither. While a page is made, by whichever process of this server, what
programs send waits for it before it is read: `MOST_S` a request at most, so that pages that never end stop nothing.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

MOST_S = 0.5  # that one request waits
PAGE_S = 2.0  # after so long a page is waited for no more: its process may have died
RECORDED = ("/api/v1/calls/", "/api/v1/executions/", "/api/v1/litellm/", "/v1/", "/otlp/")
_LOOK_S = 0.004
_SLOTS = 64  # processes; two in one slot only shorten a wait

_until = memoryview(mmap.mmap(-1, 8 * _SLOTS)).cast("d")  # anonymous and shared: by all processes forked after this


def pages_first(get_response: Handler) -> Handler:
    """Make what is sent to be recorded wait while pages are made; what an agent asks before a call does not."""
    served: set[int] = set()  # requests of this process

    def handle(request: HttpRequest) -> HttpResponse:
        if request.method != "GET" or "Authorization" in request.headers:
            if request.path.startswith(RECORDED):
                give_way()
            return get_response(request)
        served.add(id(request))
        _until[os.getpid() % _SLOTS] = time.monotonic() + PAGE_S
        try:
            return get_response(request)
        finally:
            served.discard(id(request))
            if not served:
                _until[os.getpid() % _SLOTS] = 0.0

    return handle


def give_way(most_s: float = MOST_S) -> None:
    """Wait until no page is made, at most so long."""
    given_up = time.monotonic() + most_s
    while (now := time.monotonic()) < given_up and max(_until) > now:
        time.sleep(_LOOK_S)
