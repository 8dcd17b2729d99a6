"""Addresses of routing's API. Each must stand in the tenant matrix (tests/edges/telemetry/test_tenants.py)."""

from django.urls import path

from routing.api import handover, prompts, tasks

urlpatterns = [
    path("api/v1/compress/", prompts.CompressView.as_view(), name="api-compress"),
    path("api/v1/retrieve/", prompts.RetrieveView.as_view(), name="api-retrieve"),
    path("api/v1/handover/", handover.HandoverView.as_view(), name="api-handover"),
    path("api/v1/tasks/", tasks.TasksView.as_view(), name="api-tasks"),
    path("api/v1/tasks/<uuid:errand_id>/", tasks.TaskView.as_view(), name="api-task"),
]
