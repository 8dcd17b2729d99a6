"""What people on the page Skills make of the concierge's proposals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from telemetry.access.projects import may_equip
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.views import membership_of

_MOST_DIGITS = 18


@answers_plainly
@login_required
@require_POST
@never_cache
def decide(request: HttpRequest) -> HttpResponse:
    """Accept or dismiss a proposal, retire a skill or offer it again, by an owner or editor. Back to the page."""
    membership = membership_of(request)
    if not may_equip(membership):
        return plain(request, 403, "Not yours to do", "Only an owner or editor of this project decides on skills.")
    act: Callable[..., str] = import_string(settings.SKILL_DECISION)
    try:
        said = act(
            project_id=membership.project.pk,
            counsel_id=_number(request.POST.get("counsel", "")),
            decision=request.POST.get("decision", ""),
            skill=request.POST.get("skill", ""),
            by=str(request.user.get_username()),
            now=datetime.now(UTC),
        )
    except LookupError as error:
        return plain(request, 404, "Nothing to decide", str(error))
    except ValueError as error:
        return plain(request, 400, "This cannot be decided", str(error))
    messages.success(request, said)
    return HttpResponseRedirect(f"{reverse('skills')}?{request.GET.urlencode()}#counsels")


def _number(words: str) -> int:
    return int(words) if words.isascii() and words.isdigit() and len(words) <= _MOST_DIGITS else 0
