"""GET /api/v1/anomalies/: what was found in whole local days, page by page, as the page says it."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from telemetry.models import Project
from tests.anomalies import AT, BLOAT, anomaly

DAY = "from=2025-11-06&to=2025-11-06"


def ask(key: str, query: str = "", status: int = 200) -> Any:
    answer = Client().get(f"/api/v1/anomalies/?{DAY}&{query}", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == status
    return answer.json()


def names(answer: Any) -> list[str]:
    return [f"{one['execution_id']} {one['detector']}" for one in answer["anomalies"]]


def test_an_anomaly_is_answered_with_its_evidence_and_its_verdict(project: Project, key: str) -> None:
    anomaly(project.pk, "run", state="resolved", state_at=AT, state_by="ada", note="fixed")
    assert ask(key)["anomalies"] == [
        {
            "execution_id": "run",
            "detector": "context_bloat",
            "severity": "high",
            "started_at": "2025-11-06T09:00:00Z",
            "task_id": "task-of-run",
            "task_type": "refactor",
            "agent": "builder",
            "model": "claude-opus-4-5",
            "session": "session-1",
            "tokens": 79_500,
            "tokens_wasted": 52_000,
            "evidence": BLOAT,
            "state": "resolved",
            "state_at": "2025-11-06T09:00:00Z",
            "state_by": "ada",
            "note": "fixed",
            "found_at": "2025-11-06T09:00:00Z",
        }
    ]


def test_sums_take_each_task_once_and_beside_it_every_figure(project: Project, key: str) -> None:
    anomaly(project.pk, "a", tokens=60_000, tokens_wasted=38_142)
    anomaly(project.pk, "a", "expensive_task", tokens=60_000, tokens_wasted=50_000)
    anomaly(project.pk, "b", state="not_waste")
    answer = ask(key)
    assert answer["total"] == 3
    assert answer["waste"] == {"anomalies": 2, "runs": 1, "tokens_once": 50_000, "tokens_overlapping": 88_142}
    assert ask(key, "severity=medium")["waste"]["tokens_overlapping"] == 50_000


@pytest.mark.parametrize("sort", ["severity", "newest"])
def test_pages_follow_each_other_to_the_end(project: Project, key: str, sort: str) -> None:
    for number in range(7):
        detector = ("context_bloat", "expensive_task")[number % 2]
        anomaly(
            project.pk,
            f"run-{number}",
            detector,
            tokens_wasted=number // 3,
            started_at=AT + timedelta(hours=number // 2),
        )
    whole = names(ask(key, f"sort={sort}"))
    found, after = [], ""
    for _ in range(4):
        answer = ask(key, f"sort={sort}&limit=2&after={after}")
        assert answer["total"] == 7
        found += names(answer)
        after = answer["next"]
    assert found == whole
    assert len(whole) == 7
    assert after is None


def test_what_is_asked_for_narrows_the_list_and_its_count(project: Project, key: str) -> None:
    anomaly(project.pk, "a", session_id="s")
    anomaly(project.pk, "b", "expensive_task", agent="other", state="resolved")
    for query in ("agent=other", "detector=expensive_task", "state=resolved", "execution=b", "session=session-1"):
        answer = ask(key, query)
        assert (names(answer), answer["total"]) == (["b expensive_task"], 1)


def place(*words: object) -> str:
    """A place as `next` says it."""
    return base64.urlsafe_b64encode(json.dumps(words).encode()).decode()


NUL = "\0"
MOMENT = "2025-11-06T09:00:00Z"


@pytest.mark.parametrize(
    "query",
    [
        "sort=beauty",
        "limit=0",
        "limit=1001",
        "limit=x",
        "agent=%00",
        "after=!",
        f"after={place()}",
        f"after={place(True, 1, MOMENT, 'a', 'b')}&sort=newest",
        f"after={place(True, 1, MOMENT[:-1], 'a', 'b')}",
        f"after={place(True, 1, MOMENT, NUL, 'b')}",
        "from=2025-11-07",
        "tz=Mars",
    ],
)
def test_what_cannot_be_answered_is_a_400_with_a_reason(project: Project, key: str, query: str) -> None:
    assert ask(key, query, status=400)["error"]["message"]


def test_a_place_that_holds_strange_numbers_is_only_a_place(project: Project, key: str) -> None:
    anomaly(project.pk)
    far = place(True, 10**30, "9999-12-31T23:59:59Z", "z", "z")
    assert names(ask(key, f"after={far}")) == ["run context_bloat"]


def test_a_key_judges_nothing(project: Project, key: str) -> None:
    answer = Client().post("/api/v1/anomalies/", {}, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 405
