"""What stands around every page: navigation, ranges, filters, project, zone, freshness. It asks no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from telemetry.dashboards import formats
from telemetry.dashboards.pagestate import PageState
from telemetry.models import Membership, Project
from telemetry.series.queries import Coverage

# preset, title, key, what it means
RANGES = (
    ("today", "Today", "d", "Today"),
    ("24h", "24h", "", "The last 24 hours, up to the quarter of an hour that runs"),
    ("7d", "7d", "w", "The last 7 days, today included"),
    ("28d", "28d", "f", "The last 28 days, today included"),
    ("30d", "30d", "t", "The last 30 days, today included"),
    ("90d", "90d", "", "The last 90 days, today included"),
    ("mtd", "Month", "m", "This month so far"),
    ("lm", "Last month", "", "Last month, whole"),
    ("ytd", "Year", "", "This year so far"),
    ("all", "All", "a", "Everything that was recorded"),
)
PAGES = {
    "overview": "Overview",
    "models": "Models",
    "executions": "Executions",
    "sessions": "Sessions",
    "anomalies": "Anomalies",
    "reports": "Reports",
    "trends": "Trends",
    "forecasts": "Forecasts",
    "objectives": "Objectives",
    "budgets": "Budgets",
    "routing": "Routing",
    "skills": "Skills",
    "live": "Live",
    "invoice": "Invoice",
    "connect": "Connect",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another state of the page, or to another page; `key` is the key that follows it."""

    title: str
    url: str
    current: bool = False
    key: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Everything that `shell.html` prints. `about` stands in place of ranges where a page has none."""

    title: str
    about: str
    project: Project
    is_owner: bool
    pages: tuple[Link, ...]
    projects: tuple[Link, ...]
    ranges: tuple[Link, ...]
    first_day: str
    last_day: str
    range_fields: tuple[tuple[str, str], ...]
    span: str
    span_before: str
    compare: Link | None
    chips: tuple[Link, ...]
    clear_url: str
    zone: str
    zone_offset: str
    zone_fields: tuple[tuple[str, str], ...]
    zone_reset_url: str
    newest: str
    newest_at: str
    waiting: str


def around(
    state: PageState,
    membership: Membership,
    projects: Sequence[Project],
    *,
    page: str,
    covered: Coverage,
    about: str = "",
    filtered: bool = True,
    title: str = "",
) -> Shell:
    """The shell of a page in its state; `projects` are those that the person may switch to. A page that is `about`
    something has no ranges; one that is not `filtered` shows no filters, and hands both on all the same. One with a
    `title` of its own shows what no other project has: the way to another leads to the page that it belongs to."""
    project, window, newest = membership.project, state.window, covered.last_call_at
    own_path = reverse(page) if title else ""
    return Shell(
        title=title or PAGES[page],
        about=about,
        project=project,
        is_owner=membership.role == Membership.Role.OWNER,
        pages=tuple(Link(title, state.link(reverse(name)), name == page) for name, title in PAGES.items()),
        projects=tuple(_project(state, other, project, own_path) for other in projects),
        ranges=_ranges(state),
        first_day=window.first_day.isoformat(),
        last_day=window.last_day.isoformat(),
        range_fields=_without(state, "range", "from", "to"),
        span=formats.span(window),
        span_before=formats.span(state.previous) if state.previous else "",
        compare=None if about else _compare(state),
        chips=_chips(state) if filtered else (),
        clear_url=state.link(drop=tuple(state.filters)) if filtered and state.filters else "",
        zone=window.zone,
        zone_offset=formats.offset(state.now, window),
        zone_fields=_without(state, "tz"),
        zone_reset_url=state.link(drop=("tz",)) if window.zone != project.time_zone else "",
        newest=formats.ago(newest, state.now) if newest else "",
        newest_at=formats.moment(newest, window) if newest else "",
        waiting=_minutes(covered.waiting_minutes),
    )


def _ranges(state: PageState) -> tuple[Link, ...]:
    return tuple(
        Link(title, state.link(drop=("from", "to"), range=preset), state.window.preset == preset, key, hint)
        for preset, title, key, hint in RANGES
    )


def _minutes(count: int) -> str:
    return f"{count:,} minute{'' if count == 1 else 's'}" if count else ""


def _project(state: PageState, other: Project, project: Project, path: str) -> Link:
    """Another project in the same range; filters stay behind, for they name what this one holds."""
    url = state.link(path, drop=("project", *state.filters), project=other.slug)
    return Link(other.name, url, other.pk == project.pk, hint="demo" if other.is_demo else "")


def _compare(state: PageState) -> Link | None:
    """The switch of the comparison; None for a range that nothing stands before."""
    if state.previous:
        return Link("Compare", state.link(cmp="off"), current=True, key="x", hint="Stop comparing")
    if ("cmp", "off") in state.said:
        return Link("Compare", state.link(drop=("cmp",)), current=False, key="x", hint="Compare with the period before")
    return None


def _chips(state: PageState) -> tuple[Link, ...]:
    return tuple(_chip(state, name, value) for name, values in state.filters.items() for value in values)


def _chip(state: PageState, dimension: str, value: str) -> Link:
    name = dimension.replace("_", " ")
    return Link(f"{name}: {value or formats.UNSET}", state.without_filter(dimension, value))


def _without(state: PageState, *names: str) -> tuple[tuple[str, str], ...]:
    """The pairs that a form must send along, so that it changes nothing but its own fields."""
    return tuple(pair for pair in state.said if pair[0] not in names)
