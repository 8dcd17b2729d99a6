"""Two small middlewares: a strict content security policy, and gzip for pages (static files come compressed)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware

Handler = Callable[[HttpRequest], HttpResponse]

# The hash is that of the empty string: Plotly inserts an empty <style> and fills it by script.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

compress_pages = GZipMiddleware


def content_security_policy(get_response: Handler) -> Handler:
    """Send POLICY with every answer: scripts, styles and data from this host only."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return handle
