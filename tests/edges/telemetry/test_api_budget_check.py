"""Asking before a call over HTTP: what is allowed, lowered, refused and reserved, and what is settled afterwards."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from telemetry.access.keys import create_key
from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.limits import reserving
from telemetry.models import Budget, BudgetCurb, BudgetLease, BudgetWindow, Project
from tests.api_calls import Answer, ask
from tests.ledger_reading import NOW
from tests.page_reading import store

CHECK, SETTLE, BUDGETS = "/api/v1/budgets/check/", "/api/v1/budgets/settle/", "/api/v1/budgets/"
CALL: dict[str, Any] = {"session_id": "s", "session_type": "coding", "agent": "builder", "model": "house-llama"}


def post(web: str, key: str, path: str, body: Any) -> Answer:
    return ask(web, "POST", path, key=key, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def checked(web: str, key: str, **changes: Any) -> Any:
    answer = post(web, key, CHECK, {**CALL, **changes})
    assert answer.status == 200
    return answer.json


def grant(project: Project, amount: int | str, **changes: Any) -> Budget:
    fields = {"scope": "session_type", "subject": "coding", "period": "session", "counts": "gross", "mode": "enforce"}
    return Budget.objects.create(project=project, amount=Decimal(amount), **{**fields, **changes})


def test_without_a_budget_everything_is_allowed_and_nothing_is_kept(web: str, key: str, project: Project) -> None:
    said = checked(web, key, input_uncached=10**6, output=64_000, hold_s=60)
    assert (said["is_allowed"], said["output"], said["stage"], said["budgets"]) == (True, 64_000, "ok", [])
    assert (said["reservation"], said["until"], said["error"]) == (None, None, None)


def test_what_is_reserved_is_nobody_else_s_until_it_is_settled(web: str, key: str, project: Project) -> None:
    budget = grant(project, 20_000)
    said = checked(web, key, input_uncached=2_000, output=64_000, hold_s=60)
    assert (said["is_allowed"], said["is_lowered"], said["output"], said["stage"]) == (True, True, 17_000, "compress")
    (stand,) = said["budgets"]
    assert (stand["id"], stand["limit"], stand["used"], stand["left"]) == (budget.pk, "20000", "0", "20000")
    assert (stand["subject"], stand["period"], stand["span"], stand["mode"]) == ("coding", "session", "s", "enforce")
    refused = checked(web, key, input_uncached=1_000, hold_s=60)
    assert (refused["is_allowed"], refused["output"], refused["reservation"]) == (False, 0, None)
    assert refused["error"]["code"] == "budget_exceeded"
    assert "has 1000 of 20000 tokens left" in refused["error"]["message"]
    told = {"reservation": said["reservation"], "input_uncached": 2_000, "output": 900}
    assert post(web, key, SETTLE, told).json == {"settled": True}
    assert post(web, key, SETTLE, told).json == {"settled": False}
    again = checked(web, key, input_uncached=1_000)
    assert (again["is_allowed"], again["budgets"][0]["used"], again["stage"]) == (True, "2900", "ok")


def test_a_question_without_a_hold_reserves_nothing(web: str, key: str, project: Project) -> None:
    grant(project, 20_000)
    for _ in range(3):
        assert checked(web, key, input_uncached=15_000)["is_allowed"]
    assert not BudgetLease.objects.filter(project_id=project.pk).exists()


def test_calls_that_came_by_telemetry_count(web: str, key: str, project: Project) -> None:
    grant(project, 20_000)
    store(project, [Call(started_at=NOW, model="m", session_id="s", session_type="coding", input_uncached=18_500)])
    refused = checked(web, key, session_type="")  # as the session's calls said
    assert (refused["is_allowed"], refused["budgets"][0]["used"]) == (False, "18500")
    assert checked(web, key, session_type="", output=400, is_final=True)["output"] == 400


def test_money_is_told_as_exact_dollars_and_an_unknown_price_is_a_dear_one(
    web: str, key: str, project: Project
) -> None:
    grant(project, 1, scope="project", subject="", period="month", counts="usd")
    dear = checked(web, key, input_uncached=10_000, output=64_000)
    assert (dear["output"], dear["budgets"][0]["limit"]) == (10_666, "1.00")
    known = checked(web, key, input_uncached=10_000, output=64_000, model="gpt-5", provider="openai")
    assert known["output"] == 64_000
    assert checked(web, key, input_uncached=10**7, output=10**6, model="some:free")["output"] == 10**6


def test_a_shadow_budget_refuses_and_warns_nobody(web: str, key: str, project: Project) -> None:
    grant(project, 1_000, mode="shadow")
    said = checked(web, key, input_uncached=50_000)
    assert (said["is_allowed"], said["is_lowered"], said["stage"]) == (True, False, "ok")
    assert (said["budgets"][0]["stage"], said["budgets"][0]["mode"]) == ("exceeded", "shadow")


def test_what_is_never_settled_is_charged_and_listed(web: str, key: str, project: Project) -> None:
    grant(project, 20_000)
    said = checked(web, key, input_uncached=2_000, output=1_000, hold_s=1)
    lease = BudgetLease.objects.get(project_id=project.pk)
    assert reserving.expire(connection(), now=lease.until_at.replace(microsecond=0) + reserving.COUNTED) >= 1
    (listed,) = ask(web, "GET", BUDGETS, key=key).json["unsettled"]
    assert (listed["reservation"], listed["until"]) == (said["reservation"], said["until"])
    (charged,) = listed["budgets"]
    assert (charged["scope"], charged["subject"], charged["charged"]) == ("session_type", "coding", "3000")
    assert BudgetWindow.objects.get(project_id=project.pk).used == 3_000
    assert post(web, key, SETTLE, {"reservation": said["reservation"]}).json == {"settled": True}
    assert BudgetWindow.objects.get(project_id=project.pk).used == 0
    assert ask(web, "GET", BUDGETS, key=key).json["unsettled"] == []


def test_nobody_settles_what_another_project_reserved(web: str, key: str, project: Project) -> None:
    grant(project, 20_000)
    name = checked(web, key, hold_s=60)["reservation"]
    other = Project.objects.create(slug=f"other-{project.slug}")
    theirs = create_key(other, name="test", scopes=["ingest"])
    assert post(web, theirs, SETTLE, {"reservation": name}).json == {"settled": False}
    assert BudgetLease.objects.get(project_id=project.pk).state == "open"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (CHECK, b"{", "not JSON"),
        (CHECK, b'{"output": -1}', "`output`"),
        (CHECK, b'{"hold_s": 86401}', "`hold_s`"),
        (CHECK, b'{"agent": "a\\u0000b"}', "NUL"),
        (SETTLE, b"{}", "reservation"),
        (SETTLE, b'{"reservation": "x", "cost_usd": 1e9}', "cost_usd"),
        (SETTLE, b'{"reservation": "x", "cost_usd": "NaN"}', "cost_usd"),
    ],
)
def test_what_is_no_question_is_refused_with_a_reason(web: str, key: str, path: str, body: bytes, says: str) -> None:
    answer = post(web, key, path, body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "bad_body")
    assert says in answer.json["error"]["message"]


def test_a_budget_of_each_key_counts_what_was_settled_with_it_and_no_ledger_takes_that_back(
    web: str, key: str, project: Project
) -> None:
    grant(project, 20_000, scope="key", subject="", period="day")
    hold = checked(web, key, input_uncached=3_000, output=1_000, hold_s=60)
    post(web, key, SETTLE, {"reservation": hold["reservation"], "input_uncached": 3_000, "output": 700})
    BudgetWindow.objects.filter(project_id=project.pk).update(counted_at=NOW)  # so that it is counted anew
    BudgetLease.objects.filter(project_id=project.pk).update(ended_at=NOW)  # for so long that the ledger must have it
    for _ in range(2):
        (stand,) = checked(web, key)["budgets"]
        assert (stand["scope"], stand["subject"], stand["used"]) == ("key", key.split("_")[1], "3700")
    other = create_key(project, name="another", scopes=["ingest", "read"])
    assert checked(web, other)["budgets"][0]["used"] == "0"
    rows = [one for one in ask(web, "GET", BUDGETS, key=other).json["budgets"] if one["scope"] == "key"]
    assert [(one["subject"], one["used"], one["projected"]) for one in rows] == [
        (key.split("_")[1], "3700", None),
        (other.split("_")[1], "0", None),
    ]


def test_what_is_refused_or_lowered_is_written_down_for_the_page(web: str, key: str, project: Project) -> None:
    grant(project, 20_000)
    checked(web, key, input_uncached=1_000, output=1_000)
    checked(web, key, input_uncached=2_000, output=64_000)
    for _ in range(3):
        checked(web, key, input_uncached=20_000)
    rows = BudgetCurb.objects.filter(project_id=project.pk).order_by("kind")
    told = [(row.kind, row.calls, row.prompt, row.wanted, row.given, row.remaining) for row in rows]
    assert told == [("lowered", 1, 2_000, 64_000, 17_000, 20_000), ("refused", 3, 20_000, 4_096, 0, 20_000)]
