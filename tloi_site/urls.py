"""Addresses of the site: pages at the root, the API under /api/, the stock admin."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

admin.site.site_header = "TLOI"
admin.site.site_title = "TLOI"
admin.site.index_title = "Projects, keys, members and prices"

_admin, _app, _namespace = admin.site.urls
# From a row to its page: no row has one, and an id that is no date makes this fail for a table that is keyed by one.
_admin = [one for one in _admin if getattr(one, "name", "") != "view_on_site"]

urlpatterns: list[URLPattern | URLResolver] = [
    # The admin's own form knows no limit on attempts; there is one door.
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),
    path("admin/", (_admin, _app, _namespace)),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("", include("telemetry.api.urls")),
    path("", include("skills.api.urls")),
    path("", include("routing.api.urls")),
    path("", include("telemetry.dashboards.urls")),
]
