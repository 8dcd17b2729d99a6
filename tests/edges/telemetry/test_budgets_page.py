"""The page Budgets and GET /api/v1/budgets/: how they stand, said twice from one look."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.limits import curbs
from telemetry.limits.windows import Whose
from telemetry.models import Alert, AlertRule, Budget, Project
from tests.budgeting import grant_plan
from tests.page_reading import person, store, visitor

pytestmark = pytest.mark.usefixtures("static_files")
HOSTILE = "<script>alert(1)</script>" + "x" * 160


def filled(project: Project) -> None:
    """A month of calls, and three budgets."""
    now = datetime.now(UTC)
    grant_plan()
    store(
        project,
        [
            Call(
                started_at=now - timedelta(days=back),
                model="house",
                input_uncached=1_000,
                cost_usd=Decimal("0.5"),
                cost_kind="provider",
                agent=("builder", "=cmd()", HOSTILE)[back % 3],
                session_id=f"s{back}",
                session_type="direct_chat",
            )
            for back in range(40)
        ],
    )
    Budget.objects.create(project=project, scope="agent", period="month", amount=Decimal(1), counts="gross")
    Budget.objects.create(project=project, scope="project", period="month", amount=Decimal(900), counts="usd")
    Budget.objects.create(project=project, scope="project", period="day", amount=Decimal(10**9), mode="warn")


def test_the_page_shows_each_budget_and_the_month(project: Project) -> None:
    filled(project)
    raw = visitor(project).get(f"/budgets/?project={project.slug}").content.decode()
    html = unescape(raw)
    for words in (
        "used up",
        "$900.00",
        "This month",
        "Session type · session · shared",
        "0 of 30 sessions",
        "warn",
        "weighted",
    ):
        assert words in html
    assert "&lt;script&gt;alert" in raw or datetime.now(UTC).day < 3
    assert "<script>alert" not in raw


def test_its_csv_is_harmless_and_the_api_says_the_same(project: Project, key: str) -> None:
    filled(project)
    answer = visitor(project).get(f"/budgets/?project={project.slug}&format=csv&table=budgets")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    said = Client().get("/api/v1/budgets/", headers={"Authorization": f"Bearer {key}"}).json()
    page = [(Decimal(row["limit"]), Decimal(row["used"])) for row in rows]
    assert page == [(Decimal(one["limit"]), Decimal(one["used"])) for one in said["budgets"]]
    assert "'=cmd()" in {row["subject"] for row in rows} or datetime.now(UTC).day < 2
    month = next(one for one in said["budgets"] if one["counts"] == "usd")
    assert month["used"] == said["month"]["used_usd"]
    assert Decimal(month["projected"]["low"]) <= Decimal(month["projected"]["middle"])
    assert 0 <= month["used_up"]["probability"] <= 1
    chat = next(one for one in said["budgets"] if one["subject"] == "direct_chat")
    assert (chat["is_shared"], chat["spans"]["count"], chat["spans"]["over"]) == (True, 30, 0)


def test_what_is_not_known_yet_is_said_in_words(project: Project) -> None:
    grant_plan()
    store(project, [Call(started_at=datetime.now(UTC), model="house", input_uncached=1_000)])
    html = visitor(project).get(f"/budgets/?project={project.slug}").content.decode()
    assert "no session" in html
    assert "known after 7 days" in html
    assert "0 of 0" not in html


def test_a_project_without_calls_shows_how_to_begin(project: Project) -> None:
    assert visitor(project).get(f"/budgets/?project={project.slug}").status_code == 200


def change(browser: Client, project: Project, **fields: str) -> tuple[int, str]:
    """What came of a form of the page, and the page that follows."""
    kind = {"scope": "agent", "subject": "", "period": "month", "counts": "gross"}
    answer = browser.post(f"/budgets/change/?project={project.slug}", {**kind, **fields}, follow=True)
    return answer.status_code, unescape(answer.content.decode())


def test_an_editor_changes_amount_and_mode_beside_how_often_it_would_have_fired(project: Project) -> None:
    filled(project)
    Budget.objects.create(project=project, scope="agent", subject="builder", period="day", amount=Decimal(900))
    browser = visitor(project, role="editor")
    html = unescape(browser.get(f"/budgets/?project={project.slug}").content.decode())
    assert "would have fired 10 times in the last 30 days" in html
    status, html = change(browser, project, amount="2,000", mode="enforce", is_enabled="on")
    assert status == 200
    assert "Agent (each), month: 2,000 tokens; mode enforce." in html
    budget = Budget.objects.get(project=project, scope="agent", period="month")
    assert (budget.amount, budget.mode) == (Decimal(2_000), "enforce")
    assert LogEntry.objects.get(object_id=str(budget.pk)).change_message == "Changed on the Budgets page."


def test_a_shared_one_that_is_changed_becomes_the_project_s_own(project: Project) -> None:
    filled(project)
    chat = {"scope": "session_type", "subject": "direct_chat", "period": "session", "counts": "weighted"}
    status, html = change(visitor(project), project, **chat, amount="12000", mode="warn", is_enabled="on")
    assert status == 200
    assert "It is this project's own now, and stands in place of the one for every project." in html
    assert Budget.objects.get(project=None, **chat).amount == Decimal(10_000)
    assert Budget.objects.get(project=project, **chat).amount == Decimal(12_000)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"amount": "much"}, "The amount is a number of tokens, or of US dollars."),
        ({"amount": "0.5"}, "Tokens are whole."),
        ({"amount": "5", "mode": "stop"}, "mode:"),
        ({"amount": "5", "period": "run", "scope": "session"}, "A session's own budget is for the whole session."),
    ],
    ids=["no number", "part of a token", "mode", "period"],
)
def test_what_is_no_budget_is_said_on_the_page(project: Project, fields: dict[str, str], why: str) -> None:
    filled(project)
    status, html = change(visitor(project), project, **{"mode": "warn", **fields})
    assert status == 422
    assert why in html
    assert Budget.objects.get(project=project, scope="agent").amount == Decimal(1)


def test_a_viewer_sees_no_form_and_a_forged_request_changes_nothing(project: Project) -> None:
    filled(project)
    viewer = visitor(project, role="viewer")
    assert "Change what is granted" not in viewer.get(f"/budgets/?project={project.slug}").content.decode()
    assert change(viewer, project, amount="9")[0] == 403
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(person(project))
    assert change(forged, project, amount="9")[0] == 403
    assert Budget.objects.get(project=project, scope="agent").amount == Decimal(1)


def test_the_page_lists_whom_it_told_of_budgets(project: Project) -> None:
    filled(project)
    rule = AlertRule.objects.create(project=project, kind="budget")
    now = datetime.now(UTC)
    said = {"period_at": now, "since_at": now, "first_at": now, "last_at": now, "severity": "high"}
    Alert.objects.create(project=project, rule=rule, subject="a", title="The budget of it is 80 % used", **said)
    other = AlertRule.objects.create(project=project, kind="agent_silent")
    Alert.objects.create(project=project, rule=other, subject="b", title="builder is silent", **said)
    html = unescape(visitor(project).get(f"/budgets/?project={project.slug}").content.decode())
    assert "The budget of it is 80 % used" in html
    assert "builder is silent" not in html


def test_the_page_lists_what_budgets_refused_and_lowered_and_nothing_where_all_had_room(project: Project) -> None:
    store(project, [Call(started_at=datetime.now(UTC), model="house", session_id="s")])
    address = f"/budgets/?project={project.slug}"
    assert "Refused and lowered" not in visitor(project).get(address).content.decode()
    budget = Budget.objects.create(
        project=project, scope="session", period="session", amount=Decimal(10), counts="usd", mode="enforce"
    )
    found = {"id": budget.pk, "scope": "session", "subject": HOSTILE, "period": "session", "counts": "usd"}
    whose = Whose(session_id=HOSTILE, agent="builder")
    for given, wanted in ((None, 5_000), (3_100, 8_000)):
        told = curbs.budget_curbs(
            [{**found, "limit": "10.00", "left": "1.25"}],
            whose,
            prompt=52_000,
            wanted=wanted,
            given=given,
            now=datetime.now(UTC),
        )
        curbs.note(connection(), project_id=project.pk, curbs=told)
    raw = visitor(project).get(address).content.decode()
    assert "<script>alert" not in raw
    html = unescape(raw)
    for words in ("Refused and lowered", "refused", "lowered", "$1.25", "of $10.00", "60.0K", "8,000 output", "3,100"):
        assert words in html
    answer = visitor(project).get(f"{address}&format=csv&table=budget_curbs").content.decode()
    rows = {row["kind"]: row for row in csv.DictReader(io.StringIO(answer))}
    assert [rows["lowered"][name] for name in ("left", "granted", "prompt", "wanted", "given", "calls")] == [
        "1.25",
        "10",
        "52000",
        "8000",
        "3100",
        "1",
    ]
