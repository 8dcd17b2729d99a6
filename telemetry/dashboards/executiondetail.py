"""The page of one execution: what it was, what it came to, call by call, and what was found in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from psycopg import Connection

from telemetry.contracts import UsageRow
from telemetry.dashboards import callpanels, details, facts, listing, pages, runlinks, runtables
from telemetry.dashboards.callpanels import Told
from telemetry.dashboards.details import Detail
from telemetry.dashboards.executions import found_in
from telemetry.dashboards.facts import Fact, Sent, said
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.plainly import answers_plainly, plain
from telemetry.dashboards.tables import Table
from telemetry.dashboards.views import membership_of, query_of, span_of_calls, state_of
from telemetry.database import reads
from telemetry.models import Execution, Project
from telemetry.series import call_reading, run_reading
from telemetry.series.run_rows import RunRow

OTHER_RUNS = 10
WAITING = "Its calls are being added up. Load the page again in a moment."
UNKNOWN = "This project has no execution of that id. It may belong to another project, or have expired."


@answers_plainly
@login_required
@require_safe
@cache_control(private=True, no_cache=True)
def execution(request: HttpRequest, execution_id: str) -> HttpResponse:
    """What did this run do, and what did it cost?"""
    now = datetime.now(UTC)
    membership = membership_of(request)
    project = membership.project
    with pages.snapshot(project.pk, now=now) as conn:
        covered = span_of_calls(conn, project, now)
        path = reverse("execution", args=[execution_id])
        state = state_of(request, "executions", project, covered, now, path=path)
        page = listing.page_number(query_of(request))
        detail = _detail(conn, project, execution_id, state, page) if "\0" not in execution_id else None
    if detail is None:
        return plain(request, 404, "No such execution", UNKNOWN)
    return details.answer(request, detail, page="executions", state=state, membership=membership, covered=covered)


def _detail(conn: Connection[Any], project: Project, key: str, state: PageState, page: int) -> Detail | None:
    """What there is to say of an execution; None where there is none."""
    run = run_reading.one_run(conn, project_id=project.pk, execution_id=key)
    sent = Execution.objects.using(reads()).filter(project_id=project.pk, execution_id=key).first()
    if run is None:
        return None if sent is None else _waiting(sent, state)
    told = Told(conn, call_reading.calls_of_run(project.pk, run), run.usage, state, page)
    panels = (
        Panel("findings", "Findings", callpanels.TABLE, lambda _: _findings(project.pk, key)),
        Panel("sent", "Totals as sent", callpanels.TABLE, lambda _: _sent(sent, run.usage)),
        *callpanels.panels(told),
        Panel("other-runs", "Other runs of this task", callpanels.TABLE, lambda _: _others(conn, project, run, state)),
    )
    return Detail(
        kind="execution",
        key=key,
        title=run.name or "Execution",
        facts=[*_facts(run, state), *_sent_facts(sent, state)],
        errors=_texts(sent.errors) if sent else (),
        figures=facts.figures(
            run.usage,
            failed_calls=run.failed_calls,
            lasted_ms=run.lasted_ms,
            how_long="as the sender says" if run.duration_ms is not None else "up to its last call",
        ),
        panels=details.shown(panels, project, told),
    )


def _facts(run: RunRow, state: PageState) -> list[Fact]:
    """What is known of a run whose sums are made."""
    narrowed = runlinks.from_detail(state, "executions").narrowed
    all_its_runs = narrowed(*runtables.same_task(run)) if run.task_key else ""
    return [
        Fact("Status", runtables.status(run.status, run.errors)),
        *_verified(run.is_verified),
        *said("Task", run.task_id, url=all_its_runs, hint="All runs of this task"),
        *said("Kind", run.task_type, url=narrowed("task_type", run.task_type)),
        *said("Tool", " · ".join(filter(None, (run.tool, run.action)))),
        *said("Agent", run.agent, url=narrowed("agent", run.agent)),
        *said("Host", run.host, url=narrowed("host", run.host)),
        *said("Model", run.model, url=narrowed("model", run.model)),
        *said(
            "Session",
            run.session_id,
            url=runlinks.session_address(state, run.session_id) if run.session_id else "",
            hint="Open",
        ),
        *said("Objective", run.objective, url=narrowed("objective", run.objective)),
        *said("Source", run.source, url=narrowed("source", run.source)),
        *details.moment("Started", run.started_at, state),
        *details.moment("Ended", run.ended_at, state),
        *said("Cut by", "TLOI, out of a transcript or trace: a turn, not a task" if run.is_cut else ""),
        *said("Ended by", "a failure of the provider" if run.is_provider_fault else ""),
    ]


def _verified(is_verified: bool | None) -> list[Fact]:
    """Whether somebody looked, where the sender says so."""
    if is_verified is None:
        return []
    return said("Verified", "yes, as the sender says" if is_verified else "no: the check failed, as the sender says")


def _sent_facts(sent: Execution | None, state: PageState) -> list[Fact]:
    """What only the execution itself says."""
    if sent is None:
        return []
    description = (sent.attributes or {}).get("description")
    return [
        *said("Skills", ", ".join(_texts(sent.skills))),
        *said("Description", str(description) if description else ""),
    ]


def _texts(kept: object) -> list[str]:
    """A list of texts, as it is kept; none where something else is."""
    return [str(one) for one in kept] if isinstance(kept, list) else []


def _waiting(sent: Execution, state: PageState) -> Detail:
    """What is known of an execution whose sums are not made yet."""
    return Detail(
        kind="execution",
        key=sent.execution_id,
        title=sent.task_id or sent.task_type or "Execution",
        facts=[
            Fact("Status", runtables.status(sent.status, len(_texts(sent.errors)))),
            *said("Task", sent.task_id),
            *said("Kind", sent.task_type),
            *said("Tool", " · ".join(filter(None, (sent.tool, sent.action)))),
            *said("Agent", sent.agent),
            *said("Model", sent.model),
            *said("Session", sent.session_id),
            *said("Objective", sent.objective),
            *said("Source", sent.source),
            *details.moment("Started", sent.started_at, state),
            *_sent_facts(sent, state),
        ],
        errors=_texts(sent.errors),
        waiting=WAITING,
    )


def _findings(project_id: int, key: str) -> Table | None:
    return facts.findings_table(details.findings(reads(), project_id, execution_id=key))


def _sent(sent: Execution | None, usage: UsageRow) -> Table | None:
    if sent is None:
        return None
    totals = Sent(
        sent.sent_input_tokens, sent.sent_output_tokens, sent.sent_cache_read_tokens, sent.sent_cache_write_tokens
    )
    return facts.sent_table(totals, usage)


def _others(conn: Connection[Any], project: Project, run: RunRow, state: PageState) -> Table | None:
    """The newest other runs of the same task; None where it has none."""
    if not run.task_key:
        return None
    runs = run_reading.other_runs_of_task(
        conn, project_id=project.pk, task_key=run.task_key, execution_id=run.execution_id, limit=OTHER_RUNS
    )
    if not runs:
        return None
    found = found_in(project.pk, [other.execution_id for other in runs])
    return runtables.runs_table(runs, found, state=state, links=runlinks.from_detail(state, "executions")).shown
