"""Chunked request bodies, which Django under WSGI takes for empty: it reads as many bytes as Content-Length says.

Where the server ends the stream itself (`wsgi.input_terminated`, as granian does), Django may be told the most that it
takes and reads up to the end. Nothing is read here, so a stranger's body is still refused unread. Source: formats.md §2.
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def reads_chunked(application: WSGIApplication, *, limit: int) -> WSGIApplication:
    """`application`, which now also sees chunked bodies, of which it reads `limit` bytes at most."""

    def handle(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if is_chunked and environ.get("wsgi.input_terminated"):
            environ["CONTENT_LENGTH"] = str(limit)
        return application(environ, start_response)

    return handle
