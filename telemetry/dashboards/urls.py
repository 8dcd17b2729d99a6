"""Addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from telemetry.dashboards import account, actions, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("models/", views.models, name="models"),
    path("models/price/", actions.price_model, name="price-model"),
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("settings/theme/", account.theme, name="theme"),
    path("settings/first-key/", actions.make_key, name="first-key"),
    path("demo/remove/", actions.remove_demo, name="remove-demo"),
    path("arrived/", actions.arrived, name="arrived"),
]
