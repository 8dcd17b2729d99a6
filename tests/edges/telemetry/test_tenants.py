"""The tenant matrix: every address × every method × everybody who has no business there, and not a byte of B's.

A new address must be put into ROUTES (tests/doors.py), with the kind of door that it has. Projects are always A (who
asks) and B (whose words must not appear). Source: reliability.md §7, figure 7.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, resolve
from pytest_django import DjangoDbBlocker, Settings

from routing.models import Errand
from telemetry import facade
from telemetry.access.keys import create_key
from telemetry.contracts import Call, Execution, Rejection
from telemetry.database import connection
from telemetry.ledger import intake, invoices
from telemetry.ledger.invoice_csv import read_invoice
from telemetry.models import (
    AllowedWaste,
    Anomaly,
    ApiKey,
    InvoiceLine,
    InvoiceTotal,
    PriceOverride,
    PriceVersion,
    Project,
    Quarantined,
    RejectedReason,
    Report,
    SourceSeen,
)
from telemetry.models import Call as CallRow
from tests.anomalies import anomaly
from tests.counsels import counsel_of
from tests.doors import ADMIN, LITELLM, OPEN_TO_STRANGERS, PLACES, REPORTED, ROUTES, Route
from tests.made_runs import run_of
from tests.page_reading import person, visitor
from tests.reports import make_report
from tests.skill_roots import skill_of
from tloi_site import urls

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def routes(patterns: list[URLPattern | URLResolver] | None = None, before: str = "") -> Iterator[str]:
    """Every route that the resolver knows, as Django writes it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def unlisted() -> list[str]:
    """Routes of which ROUTES does not say who may come in."""
    return [route for route in routes() if route not in ROUTES and not route.startswith(ADMIN)]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A project with a person, keys, and words that appear nowhere but in its own data."""

    project: Project
    user: User
    key: str
    words: dict[str, str]
    check: int
    proposal: int
    counsel: int
    errand: uuid.UUID

    def ids(self) -> dict[str, str]:
        """What another may know of it and put into a request."""
        ids = {"slug": self.project.slug, "pk": str(self.project.pk), "user": self.user.username}
        ids |= {name: str(getattr(self, name)) for name in ("errand", "check", "proposal", "counsel")}
        return ids | REPORTED | self.words

    def secrets(self) -> list[bytes]:
        """What no other may ever be answered."""
        own = [*self.words.values(), self.project.slug, self.project.name, self.key[5:13], self.key[14:]]
        return [word.encode() for word in own]


_WORDS = (
    "agent",
    "model",
    "session",
    "task",
    "run",
    "skill",
    "odd",
    "dear",
    "source",
    "reason",
    "provider",
    "file",
    "line",
    "finding",
    "allowed",
    "proposed",
    "counsel",
)


def tenant(name: str) -> Tenant:
    """A project full of its own words."""
    mark = uuid.uuid4().hex[:10]
    project = Project.objects.create(slug=f"slug-{mark}", name=f"Name {mark}")
    words = {what: f"{name}-{what}-{mark}" for what in _WORDS}
    fields: dict[str, Any] = {"agent": words["agent"], "session_id": words["session"], "task_type": words["task"]}
    fields |= {"model": words["model"]}
    moments = (datetime(2025, 10, 24, tzinfo=UTC), datetime.now(UTC) - timedelta(hours=1))
    calls = [Call(started_at=moment, output=7, skill=words["skill"], **fields) for moment in moments]
    odd = Call(started_at=datetime(1970, 1, 1, tzinfo=UTC), model=words["odd"])
    runs = [Execution(started_at=moments[0], execution_id=words["run"], tokens_output=5, **fields)]
    now = datetime.now(UTC)
    facade.record(project_id=project.pk, calls=[*calls, odd], executions=runs, source="test", now=now)
    run_of(project, words["run"], calls[:1], agent=words["agent"], model=words["model"], session_id=words["session"])
    PriceOverride.objects.create(project=project, model=words["dear"], is_free=True)
    key = create_key(project, name=f"{name}-key-{mark}", scopes=["ingest", "read", "gateway", "admin"])
    anomaly(project.pk, words["run"], started_at=moments[0], task_id=words["finding"], session_id=words["session"])
    make_report(project, REPORTED["period"])
    AllowedWaste.objects.create(project=project, detector="context_bloat", task_type=words["allowed"], accepted_at=now)
    proposed = AllowedWaste.objects.create(project=project, detector="context_bloat", task_type=words["proposed"])
    refused = [Rejection(0, words["run"], words["reason"])]
    intake.note(connection(), project_id=project.pk, source=words["source"], received=1, rejections=refused, now=now)
    skill_of(project, words["skill"], body=words["finding"], file=words["file"], text=words["line"])
    counsel = counsel_of(project.pk, words["counsel"]).pk
    invoice, errand = invoice_of(project, words), errand_of(project, words)
    return Tenant(project, person(project), key, words, invoice, proposed.pk, counsel, errand)


def errand_of(project: Project, words: dict[str, str]) -> uuid.UUID:
    """A task that is done, whose words are the project's own."""
    told = {"state": "done", "caller": {"task_type": words["task"]}, "answer": {"text": words["finding"]}}
    now = datetime.now(UTC)
    return Errand.objects.create(project_id=project.pk, key_id=1, digest=b"", created_at=now, **told).pk


def invoice_of(project: Project, words: dict[str, str]) -> int:
    """An invoice by file, whose words are the project's own."""
    file = read_invoice(f"date,model,cost\n2025-10-24,{words['line']},1.25\n".encode())
    now = datetime.now(UTC)
    return invoices.enter_file(
        project_id=project.pk, provider=words["provider"], file=file, file_name=words["file"], by="b", now=now
    )


@pytest.fixture(scope="module")
def pair(django_db_setup: None, static_files: None, django_db_blocker: DjangoDbBlocker) -> tuple[Tenant, Tenant]:
    """Two tenants for all tests: what nobody may change stays."""
    with django_db_blocker.unblock():
        made = tenant("a"), tenant("b")
        connections.close_all()
        return made


@pytest.fixture
def tenants(database: None, pair: tuple[Tenant, Tenant]) -> Iterator[tuple[Tenant, Tenant]]:
    """A, who asks, and B, whose words must not appear; neither is staff afterwards."""
    yield pair
    User.objects.filter(pk__in=[one.user.pk for one in pair]).update(is_staff=False, is_superuser=False)


def asker(a: Tenant, route: str) -> Tenant:
    """A, or somebody new where what is asked tells B's words as one's own, which then may be shown."""
    return tenant("a") if ROUTES[route].scope == "ingest" else a


def admin_addresses(b: Tenant) -> list[str]:
    """Every address of the admin, with the ids of what is B's."""
    of_model = {"project": b.project.pk, "user": b.user.pk, "apikey": ApiKey.objects.get(prefix=b.key[5:13]).pk}
    of_model |= {"quarantined": Quarantined.objects.get(project_id=b.project.pk).pk}
    of_model |= {"priceoverride": PriceOverride.objects.filter(project=b.project).earliest("pk").pk}
    of_model |= {"allowedwaste": AllowedWaste.objects.filter(project=b.project).earliest("pk").pk}
    of_model |= {"priceversion": PriceVersion.objects.earliest("pk").pk}
    found = set()
    for route in routes():
        if route.startswith(ADMIN):
            address = route.split("^", 1)[0].split("(?P", 1)[0]
            model = address.split("/")[2] if address.count("/") > 2 else ""
            found.add(re.sub(r"<[^>]+>", str(of_model.get(model, b.project.pk)), address))
    return sorted(found)


def addresses(route: str, b: Tenant, *, with_ids: bool) -> list[str]:
    """The addresses of a route; `with_ids`: with B's ids wherever one could be named, else as A would ask."""
    if route == ADMIN:
        return admin_addresses(b)
    queries = ROUTES[route].queries
    for placed, what in PLACES.items():
        route = route.replace(placed, b.ids()[what])
    if not with_ids:
        return [f"{route}?{query}" for query in queries if "{" not in query]
    named = f"project={b.project.slug}&project_id={b.project.pk}"
    return [f"{route}?{named}&{query.format(**b.ids())}" for query in queries]


def request(client: Client, method: str, address: str, b: Tenant, *, key: str = "") -> HttpResponseBase:
    """One request that names B wherever it can, in its body too."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    route = (
        ROUTES[ADMIN] if address.startswith(ADMIN) else ROUTES[resolve(f"/{address.split('?', maxsplit=1)[0]}").route]
    )
    named = {"project": b.project.slug, "project_id": str(b.project.pk)}
    fields = {name: value.format(**b.ids()) for name, value in route.fields.items()}
    if method == "POST" and route.kind != "key":
        return client.post(f"/{address}", named | fields, headers=headers)
    call = {"id": b.words["run"], "started_at": "2025-10-24T12:00:00Z", "model": "planted", **named, **LITELLM}
    body = route.body or json.dumps(fields or call) if method in ("POST", "PUT", "PATCH") else ""
    return client.generic(method, f"/{address}", body, content_type="application/json", headers=headers)


def leaks(response: HttpResponseBase, b: Tenant, address: str) -> list[str]:
    """B's words in an answer, headers and all, but for what the request itself said."""
    said = response.getvalue() + str(response.headers).encode()
    asked = address.encode()
    return [f"{address}: {word.decode()}" for word in b.secrets() if word in said and word not in asked]


def strangers_find_a_closed_door(route: str, b: Tenant) -> list[str]:
    """What goes wrong when somebody without key and session asks for everything."""
    wrong = []
    kind, stranger = ROUTES[route].kind, Client()
    for method in METHODS:
        for address in addresses(route, b, with_ids=True):
            response = request(stranger, method, address, b)
            to_login = response.status_code == 302 and "/login/?next=" in response.headers["Location"]
            refused = response.status_code in (401, 403, 405) or to_login
            if response.status_code >= 500:
                wrong.append(f"{method} {address}: {response.status_code}")
            if kind == "key" and response.status_code != 401:
                wrong.append(f"{method} {address}: {response.status_code} without a key")
            if kind in ("page", "admin") and not refused and address not in OPEN_TO_STRANGERS:
                wrong.append(f"{method} {address}: {response.status_code} without a login")
            wrong += leaks(response, b, address)
    return wrong


def neighbours_see_nothing(route: str, a: Tenant, b: Tenant, *, staff: bool = False) -> list[str]:
    """What goes wrong when A, with A's session and key, asks for what is B's."""
    wrong = []
    User.objects.filter(pk=a.user.pk).update(is_staff=staff)
    neighbour = visitor(a.project)
    asked = dict.fromkeys([*addresses(route, b, with_ids=True), *addresses(route, b, with_ids=False)])
    for method in METHODS:
        for address in asked:
            response = request(neighbour, method, address, b, key=a.key)
            if response.status_code >= 500:
                wrong.append(f"{method} {address}: {response.status_code}")
            wrong += leaks(response, b, address)
            if "logout" in address:
                neighbour = visitor(a.project)
    return wrong


def state_of(b: Tenant) -> tuple[Any, ...]:
    """Everything of B that a neighbour might have changed."""
    calls = CallRow.objects.filter(project_id=b.project.pk, started_at__year=2025).order_by("id").values_list()
    keys = ApiKey.objects.filter(project=b.project).values_list("prefix", "revoked_at", "scopes")
    odd = Quarantined.objects.filter(project_id=b.project.pk).count()
    prices = PriceOverride.objects.filter(project=b.project).values_list()
    beside = [
        list(table.objects.filter(project_id=b.project.pk).values_list())
        for table in (SourceSeen, RejectedReason, InvoiceTotal, InvoiceLine, Anomaly, AllowedWaste, Report, Errand)
    ]
    itself = list(Project.objects.filter(pk=b.project.pk).values_list())
    return list(calls), list(keys), odd, list(prices), beside, itself


def test_every_address_says_who_may_come_in() -> None:
    assert unlisted() == []
    assert set(ROUTES) - {ADMIN} - set(routes()) == set()


@pytest.mark.parametrize("route", ROUTES)
def test_a_stranger_finds_a_closed_door(tenants: tuple[Tenant, Tenant], route: str) -> None:
    assert strangers_find_a_closed_door(route, tenants[1]) == []


@pytest.mark.parametrize("route", ROUTES)
def test_a_neighbour_sees_and_changes_nothing(tenants: tuple[Tenant, Tenant], route: str) -> None:
    a, b = asker(tenants[0], route), tenants[1]
    before = state_of(b)
    assert neighbours_see_nothing(route, a, b) == []
    assert state_of(b) == before


def test_staff_without_permissions_see_and_change_nothing(tenants: tuple[Tenant, Tenant]) -> None:
    a, b = tenants
    before = state_of(b)
    assert neighbours_see_nothing(ADMIN, a, b, staff=True) == []
    assert state_of(b) == before


@pytest.mark.parametrize("route", [route for route, how in ROUTES.items() if how.kind == "key"])
def test_a_session_is_no_key_and_a_key_does_what_its_scope_says(tenants: tuple[Tenant, Tenant], route: str) -> None:
    a, b = asker(tenants[0], route), tenants[1]
    method = "GET" if ROUTES[route].scope == "read" else "POST"
    address = addresses(route, a, with_ids=False)[0]
    assert request(visitor(a.project), method, address, b).status_code == 401
    method = "GET" if "<" in route else method
    scopes = {"ingest", "read", "gateway", "admin"} - {ROUTES[route].scope}
    weak = create_key(a.project, name="weak", scopes=sorted(scopes))
    assert request(Client(), method, address, b, key=weak).status_code == 403
    assert request(Client(), method, address, b, key=a.key).status_code in (200, 201, 202)


@pytest.mark.parametrize("route", [route for route, how in ROUTES.items() if how.kind in ("page", "admin")])
def test_a_key_is_no_login(tenants: tuple[Tenant, Tenant], route: str) -> None:
    a, b = tenants
    for address in addresses(route, a, with_ids=True):
        response = request(Client(), "GET", address, b, key=a.key)
        assert response.status_code in (302, 405) or address in OPEN_TO_STRANGERS


@pytest.mark.parametrize(
    ("route", "what"),
    [
        ("", "agent"),
        ("models/", "model"),
        ("live/", "agent"),
        ("connect/", "source"),
        ("connect/", "reason"),
        ("invoice/", "line"),
        ("invoice/", "provider"),
        ("reports/<str:kind>/<str:period>/", "finding"),
        ("api/v1/usage/", "agent"),
        ("api/v1/export/", "session"),
        ("api/v1/skills/<str:name>/", "finding"),
        ("anomalies/", "finding"),
        ("anomalies/", "allowed"),
        ("api/v1/anomalies/", "finding"),
        ("api/v1/reports/<str:period>/", "finding"),
        (ADMIN, "odd"),
    ],
)
def test_to_its_own_people_a_project_shows_its_words(tenants: tuple[Tenant, Tenant], route: str, what: str) -> None:
    b = tenants[1]
    User.objects.filter(pk=b.user.pk).update(is_staff=True, is_superuser=route == ADMIN)
    answers = [
        request(visitor(b.project), "GET", address, b, key=b.key).getvalue()
        for address in addresses(route, b, with_ids=not route.startswith("api/v1/"))
    ]
    assert any(b.words[what].encode() in answer for answer in answers)


def everybodys_agents(request: HttpRequest) -> HttpResponse:
    """A planted defect: it asks for a login, and forgets to ask whose project it is."""
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    agents = CallRow.objects.filter(project_id=request.GET.get("project_id", 0)).values_list("agent", flat=True)
    return HttpResponse("\n".join(agents))


def open_door(request: HttpRequest) -> HttpResponse:
    """A planted defect: it asks for no login."""
    return HttpResponse("come in")


@pytest.fixture
def planted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site with two defects more."""
    settings.ROOT_URLCONF = __name__
    monkeypatch.setitem(ROUTES, "agents/", Route("page"))


urlpatterns = [*urls.urlpatterns, path("agents/", everybodys_agents), path("open/", open_door)]


@pytest.mark.usefixtures("planted")
def test_a_view_that_forgets_the_project_is_found(tenants: tuple[Tenant, Tenant]) -> None:
    a, b = tenants
    assert strangers_find_a_closed_door("agents/", b) == []
    assert any(b.words["agent"] in wrong for wrong in neighbours_see_nothing("agents/", a, b))


@pytest.mark.usefixtures("planted")
def test_an_address_that_is_not_listed_and_one_without_a_door_are_found(
    tenants: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unlisted() == ["open/"]
    monkeypatch.setitem(ROUTES, "open/", Route("page"))
    assert len(strangers_find_a_closed_door("open/", tenants[1])) == len(METHODS)
