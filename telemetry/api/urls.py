"""Addresses of the API. Each must stand in the tenant matrix (tests/edges/telemetry/test_tenants.py)."""

from django.urls import path

from telemetry.api import (
    anomalies,
    budgets,
    docs,
    exports,
    forecasts,
    health,
    objectives,
    otlp_views,
    reports,
    statusline,
    tokens,
    views,
    webhooks,
)

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/calls/", views.CallsView.as_view(), name="calls"),
    path("api/v1/executions/", views.ExecutionsView.as_view(), name="api-executions"),
    path("api/v1/litellm/", webhooks.LiteLLMView.as_view(), name="litellm"),
    path("api/v1/usage/", views.UsageView.as_view(), name="usage"),
    path("api/v1/forecast/", forecasts.ForecastView.as_view(), name="api-forecast"),
    path("api/v1/anomalies/", anomalies.AnomaliesView.as_view(), name="api-anomalies"),
    path("statusline.txt", statusline.StatusLineView.as_view(), name="statusline"),
    path("api/v1/budgets/", budgets.BudgetsView.as_view(), name="api-budgets"),
    path("api/v1/budgets/check/", budgets.BudgetCheckView.as_view(), name="api-budget-check"),
    path("api/v1/budgets/set/", budgets.BudgetSetView.as_view(), name="api-budget-set"),
    path("api/v1/budgets/settle/", budgets.BudgetSettleView.as_view(), name="api-budget-settle"),
    path("api/v1/tokens/count/", tokens.TokenCountView.as_view(), name="token-count"),
    path("api/v1/objectives/", objectives.ObjectivesView.as_view(), name="api-objectives"),
    path("api/v1/export/", exports.ExportView.as_view(), name="export"),
    path("api/v1/reports/", reports.ReportsView.as_view(), name="report-list"),
    path("api/v1/reports/<str:period>/", reports.ReportView.as_view(), name="report-file"),
    *(
        path(f"{prefix}v1/{signal}", view.as_view(), name=f"{name}{signal}")
        for prefix, name in (("", "otlp-"), ("otlp/", "otlp-prefixed-"))
        for signal, view in (
            ("traces", otlp_views.TracesView),
            ("logs", otlp_views.LogsView),
            ("metrics", otlp_views.MetricsView),
        )
    ),
    path("api/docs/", docs.DocsView.as_view(url_name="schema"), name="docs"),
]
