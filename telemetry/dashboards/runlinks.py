"""Where runs, sessions and what was found in them are shown."""

from __future__ import annotations

from dataclasses import replace

from django.urls import reverse

from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.runtables import Links


def run_address(state: PageState, execution_id: str) -> str:
    """The page of an execution, from where one can go back to the same range."""
    return state.link(reverse("execution", args=[execution_id]))


def session_address(state: PageState, session_id: str) -> str:
    """The page of a session, from where one can go back to the same range."""
    return state.link(reverse("session", args=[session_id]))


def links(state: PageState) -> Links:
    """The ways from a row of a list whose page is in that state."""
    return Links(
        run=lambda execution_id: run_address(state, execution_id),
        session=lambda session_id: session_address(state, session_id),
        findings=lambda execution_id: run_address(state, execution_id) + "#panel-findings",
        narrowed=state.with_filter,
    )


def from_detail(state: PageState, page: str) -> Links:
    """The ways from a row that stands on the page of one thing: what narrows leads to the list."""

    def narrowed(dimension: str, value: str) -> str:
        return state.link(reverse(page), drop=tuple(state.filters), **{dimension: value})

    return replace(links(state), narrowed=narrowed)
