"""The site as an app: it brings the commands of processes and servers."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "tloi_site"
    verbose_name = "TLOI"
