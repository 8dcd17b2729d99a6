"""Addresses of skills' API. Each must stand in the tenant matrix (tests/edges/telemetry/test_tenants.py)."""

from django.urls import path

from skills.api import views

urlpatterns = [
    path("api/v1/skills/", views.SkillsView.as_view(), name="api-skills"),
    path("api/v1/skills/match/", views.SkillMatchView.as_view(), name="api-skill-match"),
    path("api/v1/skills/<str:name>/", views.SkillView.as_view(), name="api-skill"),
    path("api/v1/skills/<str:name>/history/", views.SkillHistoryView.as_view(), name="api-skill-history"),
    path("api/v1/skills/<str:name>/files/<path:file>", views.SkillFileView.as_view(), name="api-skill-file"),
]
