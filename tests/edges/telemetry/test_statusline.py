"""The line of a coding agent's status bar: its session, today, and the fullest budget that may stop it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from telemetry.contracts import Call
from telemetry.models import Budget, Project
from tests.api_calls import ask
from tests.page_reading import store


def line(web: str, key: str, query: str = "") -> str:
    answer = ask(web, "GET", f"/statusline.txt{query}", key=key)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    return answer.content.decode()


def grant(project: Project, amount: int, **changes: Any) -> None:
    fields = {"scope": "session_type", "subject": "coding", "period": "session", "counts": "gross", "mode": "warn"}
    Budget.objects.create(project=project, amount=Decimal(amount), **{**fields, **changes})


def test_it_says_the_session_today_and_the_fullest_budget_in_one_line(web: str, key: str, project: Project) -> None:
    assert line(web, key) == "today 0\n"
    calls = [
        Call(
            started_at=datetime.now(UTC),
            model="m",
            session_id=session,
            session_type="coding",
            input_uncached=tokens,
            cost_usd=Decimal("0.384"),
            cost_kind="provider",
        )
        for session, tokens in (("s", 41_234), ("other", 1_200_000))
    ]
    store(project, calls)
    assert line(web, key, "?session=s") == "session 41.2k $0.38 · today 1.2M $0.77\n"
    grant(project, 50_000)
    grant(project, 10**9, scope="project", subject="", period="month")
    grant(project, 10, scope="session", subject="", mode="shadow")
    assert line(web, key, "?session=s").endswith(" · session type coding 82% of 50k, warn\n")
    assert line(web, key).endswith(" · project 0% of 1G\n")


@pytest.mark.parametrize(
    ("query", "status"), [("?session=" + "x" * 201, 400), ("?session=%00", 400)], ids=["long", "nul"]
)
def test_what_is_no_session_is_refused(web: str, key: str, query: str, status: int) -> None:
    assert ask(web, "GET", f"/statusline.txt{query}", key=key).status == status
    assert ask(web, "GET", "/statusline.txt", key="tloi_nobody_x").status == 401
