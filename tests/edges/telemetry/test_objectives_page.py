"""The Objectives page, its CSVs and the API: the same figures, with what is in no objective always there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client

from telemetry.models import Attribution, KeyResult, KeyResultValue, Objective, Project
from tests.api_calls import ask
from tests.made_runs import run_of
from tests.page_reading import PageReader, invented_calls, store, visitor

pytestmark = pytest.mark.usefixtures("static_files")
DAYS = "from=2025-10-24&to=2025-10-27"
LONG_AGO = date(2025, 1, 1)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def spent(project: Project) -> Project:
    """Runs of 5, 20 and a tenth of a dollar, two objectives, and calls of no run."""
    store(project, invented_calls(3))
    high = Objective.objects.create(project=project, key="O1", title="Faster", priority=1, recorded_on=LONG_AGO)
    low = Objective.objects.create(project=project, key="O2", title=HOSTILE, priority=3, recorded_on=LONG_AGO)
    result = KeyResult.objects.create(
        project=project,
        objective=high,
        key="O1-KR1",
        title="Days to merge",
        unit="days",
        start_value=Decimal(20),
        target_value=Decimal(10),
        direction="down",
        recorded_on=LONG_AGO,
    )
    for day, value in ((date(2025, 10, 20), 18), (date(2025, 10, 25), 15)):
        KeyResultValue.objects.create(project=project, key_result=result, day=day, value=value)
    Attribution.objects.create(project=project, kind="rule", agent="idler", objective=low, recorded_on=LONG_AGO)
    run_of(project, "a", objective="O1-KR1", cost_nanousd=5 * 10**9, calls=1)
    run_of(project, "b", agent="idler", cost_nanousd=20 * 10**9, calls=1, status="failed")
    run_of(project, "c", objective="O1-KR9", agent="=cmd()", cost_nanousd=10**8, calls=1)
    return project


def rows(client: Client, table: str) -> list[list[str]]:
    answer = client.get(f"/objectives/?{DAYS}&format=csv&table={table}")
    assert answer.status_code == 200
    return [line.split(",") for line in answer.content.decode().splitlines()]


def test_each_key_result_what_is_in_none_and_the_total_are_on_the_page_and_in_its_csv(spent: Project) -> None:
    client = visitor(spent)
    html = client.get(f"/objectives/?{DAYS}").content.decode()
    page = PageReader(html)
    first = [row[0] for row in page.tables["panel-results"]]
    assert first == ["Objective", "O1 Faster high", f"O2 {HOSTILE} low", "Unattributed", "Total"]
    assert rows(client, "results")[1][:4] == ["O1", "O1-KR1", "5", "19.9"]
    progress = rows(client, "progress")
    assert progress[1:] == [["O1-KR1", "", "15", "10", "50.0", "-3", "5", "1", "1.666666667"]]
    assert [row[2] for row in rows(client, "results")[2:]] == ["20", "0.10252375", "25.10252375"]
    assert [row[0] for row in rows(client, "levels")] == ["level", "tag", "rule", "none"]
    assert ["O1-KR9", "", "'=cmd()", "0.1"] in [row[:4] for row in rows(client, "unattributed")]


def test_low_priority_that_costs_more_is_said_and_what_people_wrote_does_nothing(spent: Project) -> None:
    html = visitor(spent).get(f"/objectives/?{DAYS}").content.decode()
    assert HOSTILE not in html
    assert f"O2 {HOSTILE} has low priority and cost $20.00, 79.7% of all" in unescape(html)
    assert "does not say why" in html


def test_the_legend_says_what_a_key_stands_for(spent: Project) -> None:
    html = visitor(spent).get(f"/objectives/?{DAYS}").content.decode()
    assert '"name": "O1 Faster"' in html
    assert rows(visitor(spent), "by-day")[0] == ["bucket", "O2", "O1", "Unattributed", "total"]


def test_without_an_objective_all_is_unattributed_and_the_page_says_what_to_do(project: Project) -> None:
    store(project, invented_calls(3))
    run_of(project, "a", cost_nanousd=10**9, calls=1)
    html = visitor(project).get(f"/objectives/?{DAYS}").content.decode()
    assert "tloi objectives import FILE" in html
    assert [row[0] for row in PageReader(html).tables["panel-results"]] == ["Objective", "Unattributed", "Total"]
    assert "Nothing was spent" in visitor(project).get("/objectives/?from=2025-01-01&to=2025-01-02").content.decode()


def test_the_api_says_the_same_and_the_parts_add_up(spent: Project, web: str, key: str) -> None:
    answer = ask(web, "GET", f"/api/v1/objectives/?{DAYS}", key=key)
    assert answer.status == 200
    said: dict[str, Any] = answer.json
    assert (said["from"], said["to"], said["tz"]) == ("2025-10-24", "2025-10-27", "UTC")
    assert said["spent"]["cost_usd"] == "25.10252375"
    assert Decimal(said["attributed_usd"]) + Decimal(said["unattributed"]["cost_usd"]) == Decimal("25.10252375")
    first = said["objectives"][0]
    assert (first["key"], first["priority"], first["spent"]["cost_usd"]) == ("O1", "high", "5.00")
    way = first["key_results"][0]["way"]
    assert (way["percent"], way["moved_by"], way["snapshots"], way["spent_per_unit_usd"]) == (
        *(50.0, "-3", 1, "1.666666667"),
    )
    assert [one["level"] for one in said["levels"]] == ["tag", "rule", "none"]
    assert {"O1-KR9", ""} == {one["tag"] for one in said["left"]}
