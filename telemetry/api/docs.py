"""The page that shows the OpenAPI document, made of assets of this host only."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.views import SpectacularSwaggerSplitView


class DocsView(SpectacularSwaggerSplitView):
    """drf-spectacular's page, whose only template can print neither an error nor what OPTIONS asks for."""

    metadata_class = None

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """The error's sentence as plain text."""
        answer = super().handle_exception(exc)
        sentence = answer.data["error"]["message"]
        return HttpResponse(sentence, status=answer.status_code, content_type="text/plain")
