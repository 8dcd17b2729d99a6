"""The page Budgets and GET /api/v1/budgets/: how they stand, said twice from one look."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client

from telemetry.contracts import Call
from telemetry.models import Budget, Project
from tests.budgeting import grant_plan
from tests.page_reading import store, visitor

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
        "of 30 sessions went beyond",
        "warn",
        "weighted tokens",
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
    assert "no session in 30 days" in html
    assert "known after 7 days" in html
    assert "0 of 0" not in html


def test_a_project_without_calls_shows_how_to_begin(project: Project) -> None:
    assert visitor(project).get(f"/budgets/?project={project.slug}").status_code == 200
