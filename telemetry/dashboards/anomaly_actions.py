"""What people do on the anomalies page: say what they make of anomalies, and decide what detectors let pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from telemetry.access.projects import may_judge
from telemetry.dashboards import findingrows, formats
from telemetry.dashboards.plainly import View, answers_plainly, plain
from telemetry.dashboards.views import membership_of
from telemetry.models import Detector, Membership
from telemetry.observer import verdicts
from telemetry.observer.verdicts import BadVerdict, Seen, UnknownAnomaly, UnknownProposal, Verdict

DECISIONS = ("accept", "dismiss")
Action = Callable[[HttpRequest, Membership], str]


def _action(act: Action) -> View:
    """A view that does something, for owners and editors, and goes back to the page as it was, which says what was
    done. What is wrong with what was sent is 400, what is not there 404, in one sentence."""

    @answers_plainly
    @login_required
    @require_POST
    @never_cache
    @wraps(act)
    def handle(request: HttpRequest) -> HttpResponse:
        membership = membership_of(request)
        if not may_judge(membership):
            return plain(request, 403, "Not yours to do", "Only owners and editors of this project judge anomalies.")
        try:
            messages.success(request, act(request, membership))
        except BadVerdict as error:
            return plain(request, 400, "This cannot be kept", str(error))
        except UnknownAnomaly as error:
            return plain(request, 404, "No such anomaly", str(error))
        except UnknownProposal as error:
            return plain(request, 404, "No such proposal", str(error))
        return HttpResponseRedirect(f"{reverse('anomalies')}?{request.GET.urlencode()}#panel-anomalies")

    return handle


@_action
def judge(request: HttpRequest, membership: Membership) -> str:
    """Give the chosen anomalies a state, and a note where one is sent. Raises BadVerdict, UnknownAnomaly."""
    state = request.POST.get("state", "")
    verdict = verdicts.judge(
        project_id=membership.project.pk,
        seen=[_seen(words) for words in request.POST.getlist("anomaly")],
        state=state,
        by=str(request.user.get_username()),
        now=datetime.now(UTC),
        note=request.POST.get("note"),
    )
    return _said(verdict, state)


@_action
def decide(request: HttpRequest, membership: Membership) -> str:
    """Accept or dismiss a proposal. Raises BadVerdict, UnknownProposal."""
    decision, asked = request.POST.get("decision", ""), request.POST.get("proposal", "")
    if decision not in DECISIONS:
        raise BadVerdict(f"Say what to do with the proposal: {', '.join(DECISIONS)}.")
    detector, task_type = verdicts.decide(
        project_id=membership.project.pk,
        proposal_id=int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0,
        accept=decision == "accept",
        user_id=membership.user_id,
        by=str(request.user.get_username()),
        now=datetime.now(UTC),
    )
    title, task_type = Detector(detector).label, isolated(task_type)
    if decision == "accept":
        return f"{title} lets {task_type} pass from the next judging on."
    return f"{title} goes on flagging {task_type}; after three more verdicts it is proposed again."


def isolated(words: str) -> str:
    """A name within a sentence, whose marks of direction turn no other words around (Unicode UAX #9)."""
    return f"\N{FIRST STRONG ISOLATE}{words}\N{POP DIRECTIONAL ISOLATE}"


def _seen(words: str) -> Seen:
    """An anomaly as a form names it. Raises BadVerdict."""
    try:
        detector, execution_id, state = findingrows.read_key(words)
    except ValueError as error:
        raise BadVerdict(str(error)) from None
    return Seen(execution_id, detector, state)


def _said(verdict: Verdict, state: str) -> str:
    """What became of a verdict, in a sentence or more."""
    said = []
    if verdict.changed:
        said.append(f"{_anomalies(verdict.changed)} marked as {findingrows.STATES[state].lower()}.")
    if verdict.overtaken:
        said.append(f"{_anomalies(verdict.overtaken)} left alone: somebody else judged meanwhile.")
    if verdict.gone:
        said.append(f"{formats.whole(verdict.gone)} no longer there: judged anew meanwhile.")
    for detector, task_type in verdict.proposed:
        said.append(f"{Detector(detector).label} may let {isolated(task_type)} pass: see the proposal.")
    return " ".join(said)


def _anomalies(number: int) -> str:
    return formats.counted(number, "anomaly", "anomalies")
