"""Routing's app configuration."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = "Gateway"
    default_auto_field = "django.db.models.BigAutoField"
