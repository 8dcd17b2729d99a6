"""What a run is expected to come to, over HTTP and through the SDK: figures where enough is known, words where not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from telemetry.access.keys import create_key
from telemetry.client import TokenTelemetry
from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.models import AlertRule, Budget, BudgetLease, Forecast, Project
from telemetry.observer import live
from tests.alerting import channel, look, rule, told
from tests.api_calls import Answer, ask
from tests.forecasts import learned, run_budget
from tests.ledger_reading import send
from tests.rollup_reading import fold

PATH = "/api/v1/forecast/"
FIX: dict[str, Any] = {"task_type": "fix", "tool": "claude_code", "agent": "builder"}


def asked(web: str, key: str, body: Any) -> Answer:
    return ask(web, "POST", PATH, key=key, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def test_the_answer_says_what_is_expected_and_what_that_rests_on(web: str, key: str, project: Project) -> None:
    learned(project)
    answer = asked(web, key, {**FIX, "execution_id": "run-1", "session": "s-1"})
    assert answer.status == 200
    said = answer.json
    assert (said["execution_id"], said["no_estimate"], said["level"], said["n"]) == ("run-1", None, "agent", 25)
    assert 900 < said["tokens"]["q50"] <= said["tokens"]["q90"] < 1_300
    assert said["duration_ms"]["q50"] == pytest.approx(60_000, rel=0.05)
    assert (said["task_budget"], said["warns"]) == (None, False)
    row = Forecast.objects.get(project_id=project.pk, execution_id="run-1")
    assert (str(row.id), row.is_asked, row.session_id) == (said["id"], True, "s-1")
    assert (row.tokens_q50, row.tokens_q90) == (said["tokens"]["q50"], said["tokens"]["q90"])


def test_where_history_is_too_thin_it_says_so_and_shows_no_figure(web: str, key: str, project: Project) -> None:
    learned(project, runs=19)
    said = asked(web, key, FIX).json
    assert "19" in said["no_estimate"]
    assert {said[name] for name in ("tokens", "tokens_weighted", "cost_usd", "duration_ms", "task_budget")} == {None}
    assert (said["warns"], said["level"]) == (False, "")


def test_a_record_of_a_start_may_be_sent_as_it_is(web: str, key: str, project: Project) -> None:
    record = {**FIX, "session_id": "s-2", "started_at": "2026-11-20T12:00:00Z", "skills": ["git"], "agent": None}
    assert asked(web, key, record).status == 200
    row = Forecast.objects.get(project_id=project.pk)
    assert (row.session_id, row.agent, row.task_type) == ("s-2", "", "fix")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"[]", 400, "Expected `object`"),
        (b"\xff", 400, "not "),
        (b"[" * 100_000, 400, "The body"),
        (b'{"agent": 5}', 400, "Expected `str | null`, got `int` - at `agent`"),
        (b'{"agent": "a\\u0000b"}', 400, "NUL"),
        (b'{"context_tokens": -1}', 400, "`context_tokens`"),
        (b'{"context_tokens": 1e999}', 400, "`context_tokens`"),
        (json.dumps({"agent": "x" * 201}).encode(), 400, "length <= 200"),
        (json.dumps({"description": "x" * 300_000}).encode(), 413, "bytes"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_question_is_refused_with_a_reason(
    web: str, key: str, project: Project, body: bytes, status: int, says: str
) -> None:
    answer = asked(web, key, body)
    assert answer.status == status
    assert says in answer.json["error"]["message"]
    assert not Forecast.objects.filter(project_id=project.pk).exists()


def test_only_a_key_that_may_send_may_ask(web: str, project: Project) -> None:
    assert asked(web, create_key(project, name="read", scopes=["read"]), FIX).status == 403
    assert asked(web, "", FIX).status == 401


def test_a_run_that_is_likely_to_exceed_its_budget_is_told_of_before_it_begins(
    web: str, key: str, project: Project
) -> None:
    learned(project)
    run_budget(project, 900)
    channel(project)
    rule(project, "overrun_ahead", at=datetime.now(UTC) + timedelta(hours=1))
    said = asked(web, key, {**FIX, "execution_id": "run-1"}).json
    assert said["warns"]
    assert said["task_budget"]["p_exceed"] > 0.8
    wanted = {"period": "run", "scope": "task_type", "subject": "fix", "counts": "gross", "limit": 900, "spent": 0}
    assert {name: said["task_budget"][name] for name in wanted} == wanted
    assert AlertRule.objects.get(project=project).look_at <= datetime.now(UTC)
    look(project, at=datetime.now(UTC))
    assert told(project) == [("firing", "fix is expected to exceed the budget of this task")]


def test_a_run_that_goes_on_is_told_of_before_it_exceeds_its_budget(project: Project) -> None:
    learned(project)
    run_budget(project, 1_300)
    channel(project)
    rule(project, "overrun_going", at=datetime.now(UTC) + timedelta(hours=1))
    now = datetime.now(UTC)
    run = Execution(execution_id="r", started_at=now - timedelta(minutes=5), status="started", **FIX)
    for number, output in enumerate((500, 700)):
        at = now - timedelta(minutes=4 - number)
        call = Call(id=f"c{number}", started_at=at, model="m", output=output, execution_id="r")
        send(project.pk, [call], executions=[run], now=now)
    fold(project.pk, now=now)
    assert live.catch_up(connection(), project_id=project.pk, now=now, patience_s=60)
    assert AlertRule.objects.get(project=project).look_at <= now
    look(project, at=now)
    assert told(project) == [("firing", "fix is about to exceed the budget of this task")]


def test_the_sdk_hears_it_at_once(web: str, key: str, project: Project, tmp_path: Path) -> None:
    learned(project)
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    said = [client.record_start("sync", ask=True, **{**FIX, "execution_id": f"r{number}"}) for number in range(5)]
    assert client.close()
    heard = [one for one in said if one]
    assert heard
    assert {(one["level"], one["n"]) for one in heard} == {("agent", 25)}
    assert Forecast.objects.filter(project_id=project.pk, is_asked=True, task_id="sync").count() >= len(heard)


def test_who_asks_is_told_what_its_budgets_say_now_and_nothing_is_reserved(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    grant = {"scope": "agent", "subject": "builder", "period": "day", "counts": "gross", "mode": "enforce"}
    Budget.objects.create(project=project, amount=Decimal(9_000), **grant)
    room = asked(web, key, {**FIX, "context_tokens": 5_000}).json["budget"]
    assert (room["is_allowed"], room["is_lowered"], room["output"]) == (True, True, 3_550)
    assert room["reservation"] is None
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    said = [client.record_start("sync", ask=True, context_tokens=8_500, **FIX) for _ in range(5)]
    assert client.close()
    heard = [one["budget"] for one in said if one]
    assert heard
    assert {(one["is_allowed"], one["error"]["code"]) for one in heard} == {(False, "budget_exceeded")}
    assert not BudgetLease.objects.filter(project_id=project.pk).exists()
