"""Addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path, register_converter

from telemetry.dashboards import (
    account,
    actions,
    anomalies,
    anomaly_actions,
    connect,
    executiondetail,
    executions,
    forecasts,
    invoice,
    invoice_entry,
    live,
    objectives,
    reports,
    sessiondetail,
    sessions,
    skill_actions,
    skills,
    trends,
    views,
)
from telemetry.dashboards.addresses import AnyText

register_converter(AnyText, "any")
urlpatterns = [
    path("", views.overview, name="overview"),
    path("models/", views.models, name="models"),
    path("models/price/", actions.price_model, name="price-model"),
    path("executions/", executions.executions, name="executions"),
    path("executions/<any:execution_id>/", executiondetail.execution, name="execution"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/<any:session_id>/", sessiondetail.session, name="session"),
    path("anomalies/", anomalies.anomalies, name="anomalies"),
    path("anomalies/judge/", anomaly_actions.judge, name="anomalies-judge"),
    path("anomalies/decide/", anomaly_actions.decide, name="anomalies-decide"),
    path("reports/", reports.reports, name="reports"),
    path("reports/<str:kind>/<str:period>/", reports.report, name="report"),
    path("forecasts/", forecasts.forecasts, name="forecasts"),
    path("budgets/", views.budgets, name="budgets"),
    path("budgets/change/", actions.change_budget, name="change-budget"),
    path("routing/", views.routing, name="routing"),
    path("skills/", skills.skills, name="skills"),
    path("skills/decide/", skill_actions.decide, name="skills-decide"),
    path("trends/", trends.trends, name="trends"),
    path("objectives/", objectives.objectives, name="objectives"),
    path("live/", live.live, name="live"),
    path("invoice/", invoice.invoice, name="invoice"),
    path("invoice/total/", invoice_entry.enter_total, name="invoice-total"),
    path("invoice/file/", invoice_entry.enter_file, name="invoice-file"),
    path("invoice/remove/", invoice_entry.remove, name="invoice-remove"),
    path("connect/", connect.connect, name="connect"),
    path("connect/key/", connect.make_key, name="connect-key"),
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("settings/theme/", account.theme, name="theme"),
    path("settings/first-key/", actions.make_key, name="first-key"),
    path("demo/remove/", actions.remove_demo, name="remove-demo"),
    path("arrived/", actions.arrived, name="arrived"),
]
