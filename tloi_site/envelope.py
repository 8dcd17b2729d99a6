"""The envelope of a request, put right before Django opens it. Nothing of the body is read here.

Django under WSGI takes a chunked body for empty, since it reads as many bytes as Content-Length says. Where the server
ends the stream itself (`wsgi.input_terminated`, as granian does), Django may be told the most that it takes, and reads
up to the end. Source: formats.md §2.

Django reads the query string in the charset of Content-Type, and fails outside of all its handlers where that is no
charset of texts (`hex`). Everything that TLOI reads is UTF-8, so the parameter is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)


def put_right(application: WSGIApplication, *, limit: int) -> WSGIApplication:
    """`application`, which now also sees chunked bodies, of which it reads `limit` bytes at most."""

    def handle(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if is_chunked and environ.get("wsgi.input_terminated"):
            environ["CONTENT_LENGTH"] = str(limit)
        if "CONTENT_TYPE" in environ:
            environ["CONTENT_TYPE"] = _CHARSET.sub("", environ["CONTENT_TYPE"])
        return application(environ, start_response)

    return handle
