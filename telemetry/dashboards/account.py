"""Coming in, going out, and the one setting of a person's own: light or dark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from telemetry.access.login import BadLoginLink, use_login_link
from telemetry.access.ratelimit import TooManyRequests, limiter
from telemetry.dashboards.plainly import plain

ATTEMPTS_A_MINUTE = 5
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
_A_YEAR = 365 * 24 * 3600
_BACKEND = "django.contrib.auth.backends.ModelBackend"


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    """A form for people with a password; with `?token=` the way in for a one-time link."""

    template_name = "telemetry/login.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A page fragment has no room for this page: tell htmx to come here whole."""
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form, or a link used up. Looking is free: neither HEAD nor a browser's prefetch uses a link."""
        token = request.GET.get("token")
        if not token:
            return super().get(request, *args, **kwargs)
        if request.method == "HEAD":
            return HttpResponse()
        if request.headers.get("Sec-Purpose", "").startswith("prefetch"):
            return HttpResponse(status=503)
        try:
            user = auth.get_user_model().objects.get(pk=use_login_link(token, now=datetime.now(UTC)))
        except BadLoginLink as error:
            return plain(request, 403, "This link does not work", str(error))
        if not user.is_active:
            return plain(request, 403, "This link does not work", "This account is switched off.")
        auth.login(request, user, backend=_BACKEND)
        return HttpResponseRedirect(resolve_url(settings.LOGIN_REDIRECT_URL))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A name and a password, five times a minute at most for each name and address."""
        name = f"login:{request.POST.get('username', '')[:150]}:{_address(request)}"
        try:
            limiter().admit(name, limit=ATTEMPTS_A_MINUTE, now=datetime.now(UTC), fail_open=False)
        except TooManyRequests as error:
            again = f"Too many attempts. Try again in {error.retry_after} seconds."
            response = plain(request, 429, "Slow down", again)
            response.headers["Retry-After"] = str(error.retry_after)
            return response
        return super().post(request, *args, **kwargs)

    def get_form(self, form_class: type[AuthenticationForm] | None = None) -> AuthenticationForm:
        """Django's form, which says itself what is wrong."""
        form = super().get_form(form_class)
        form.fields["username"].widget.attrs["autocapitalize"] = "none"
        return form


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep a theme in a cookie, so that the first byte of the next page is right already."""
    chosen, back = request.POST.get("theme", ""), request.POST.get("next", "/")
    if chosen not in THEMES:
        return plain(request, 400, "No such theme", f"Themes are {', '.join(THEMES)}.")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(back if safe else "/")
    response.set_cookie(
        THEME_COOKIE, chosen, max_age=_A_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )
    return response


def _address(request: HttpRequest) -> str:
    """Who asks: behind a proxy that is trusted, the last address that it appended."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.TRUST_PROXY else ""
    return forwarded.rsplit(",", 1)[-1].strip() or str(request.META.get("REMOTE_ADDR", ""))
