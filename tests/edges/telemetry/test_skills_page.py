"""The page Skills: what was loaded, what that put into contexts, and how runs that had a skill ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from skills import roots
from skills.models import SkillRoot
from telemetry import facade
from telemetry.contracts import Execution, SkillLoad
from telemetry.models import Project
from tests.page_reading import PageReader, rows_of_csv, shown_as, visitor
from tests.skill_folders import write_skill

AT = datetime(2025, 10, 24, 9, 30, tzinfo=UTC)
DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
HOSTILE = "<script>alert(1)</script>"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def browser(project: Project) -> Client:
    return visitor(project)


def page(browser: Client, query: str = "") -> PageReader:
    return PageReader(html(browser, query))


def html(browser: Client, query: str = "") -> str:
    answer = browser.get(f"/skills/?{DAYS}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def loaded(project: Project, skill: str, executions: Sequence[str] = ("",), **said: Any) -> None:
    """Loads of a skill, one for each of these runs."""
    usual: dict[str, Any] = {"digest": "d1", "tokens": 300, "load_us": 40, "route": "api", "loaded_at": AT}
    loads = [SkillLoad(id=uuid4(), skill=skill, execution_id=run, **usual | said) for run in executions]
    facade.record_skill_loads(project_id=project.pk, loads=loads)


def ran(project: Project, runs: dict[str, str], task_type: str) -> None:
    """Runs by their ids, each with how it ended."""
    records = [
        Execution(execution_id=run, started_at=AT, status=status, task_type=task_type) for run, status in runs.items()
    ]
    facade.record(project_id=project.pk, executions=records, source="test", now=AT + timedelta(hours=1))


def row(browser: Client, skill: str, query: str = "") -> dict[str, str]:
    """A skill's line, as its CSV has it."""
    answer = browser.get(f"/skills/?{DAYS}{query}&format=csv&table=skills")
    assert answer.status_code == 200
    head, *rows = rows_of_csv(answer.content)
    return next(dict(zip(head, line, strict=True)) for line in rows if line[0] == skill)


def test_each_skill_says_how_often_it_was_loaded_and_what_that_came_to(browser: Client, project: Project) -> None:
    loaded(project, "aria-health", tokens=300, load_us=40)
    loaded(project, "aria-health", tokens=500, load_us=60, digest="d2", loaded_at=AT + timedelta(days=1))
    loaded(project, "aria-logs", tokens=200)
    loaded(project, "aria-logs", loaded_at=AT - timedelta(days=2))
    loaded(project, "aria-logs", loaded_at=AT + timedelta(days=9))
    health, logs, unused = (row(browser, name) for name in ("aria-health", "aria-logs", "aria-review"))
    assert (health["loads"], health["loads_percent"], health["tokens_a_load"], health["tokens"]) == (
        "2",
        "66.7",
        "400",
        "800",
    )
    assert (health["load_us_p50"], health["load_us_p99"], health["contents"]) == ("40", "60", "2")
    assert (logs["loads"], logs["tokens"]) == ("1", "200")
    assert (unused["loads"], int(unused["context_tokens"]) > 100) == ("0", True)
    cards = page(browser).cards
    assert (cards["loads"], cards["tokens"], cards["load_time"]) == ("3", "333", "60")
    assert int(cards["context"]) > 2_000


def test_runs_that_had_a_skill_stand_beside_those_of_the_same_types_of_task(browser: Client, project: Project) -> None:
    """Easy runs end well with it and without it; it is loaded for hard ones, of which it betters a few."""
    easy = {f"easy-{n}": "done" for n in range(40)}
    hard = {f"hard-{n}": "done" if n % 5 == 0 or (n < 20 and n % 2) else "failed" for n in range(40)}
    ran(project, easy, "easy")
    ran(project, hard, "hard")
    loaded(project, "aria-logs", [f"hard-{n}" for n in range(20)] + [f"easy-{n}" for n in range(5)])
    logs = row(browser, "aria-logs")
    with_it = (sum(hard[f"hard-{n}"] == "done" for n in range(20)) + 5) / 25
    without = (20 * sum(hard[f"hard-{n}"] == "done" for n in range(20, 40)) / 20 + 5 * 1.0) / 25
    assert (logs["success_percent"], logs["peers_percent"]) == (f"{100 * with_it:.1f}", f"{100 * without:.1f}")
    assert float(logs["success_percent"]) > float(logs["peers_percent"])
    assert logs["runs"] == "25"
    assert page(browser).cards["success"] == f"{100 * with_it:.1f}"


def test_of_few_runs_no_two_shares_are_set_beside_each_other(browser: Client, project: Project) -> None:
    ran(project, {f"r-{n}": "done" for n in range(8)}, "t")
    loaded(project, "aria-logs", ["r-0", "r-1", "r-2"])
    logs = row(browser, "aria-logs")
    assert (logs["success_percent"], logs["peers_percent"], logs["runs"]) == ("100.0", "", "3")


def test_loads_of_a_bucket_are_in_the_chart_and_its_table(browser: Client, project: Project) -> None:
    loaded(project, "aria-health", loaded_at=datetime(2025, 10, 25, 23, 59, tzinfo=UTC))
    loaded(project, "aria-health", loaded_at=datetime(2025, 10, 26, 0, 0, tzinfo=UTC))
    loaded(project, "aria-logs", loaded_at=datetime(2025, 10, 26, 7, 0, tzinfo=UTC))
    said = html(browser)
    assert "figure-frequency" in said
    assert "3 loads" in said
    days = [[shown_as(cell) for cell in line] for line in PageReader(said).tables["panel-frequency"]]
    assert [line[1:] for line in days[1:]] == [["0", "0", "0"], ["2", "1", "1"], ["1", "1", "0"], ["0", "0", "0"]]


def test_a_filter_narrows_the_page_and_one_that_means_nothing_says_so(browser: Client, project: Project) -> None:
    loaded(project, "aria-health", agent="scout")
    loaded(project, "aria-health", agent="builder")
    assert row(browser, "aria-health", "&agent=scout")["loads"] == "1"
    assert page(browser, "&skill=aria-health&agent=builder").cards["loads"] == "1"
    assert "Loads of skills are not kept by model" in html(browser, "&model=gpt-5")
    assert "Nothing matches these filters" in html(browser, "&agent=nobody")


def test_skills_that_say_much_the_same_are_set_beside_each_other(
    browser: Client, project: Project, tmp_path: Path
) -> None:
    SkillRoot.objects.create(path=str(tmp_path), project_id=project.pk)
    roots.reread()
    body = "Count the zebras at the water hole, by stripes, before noon, and write them down."
    write_skill(tmp_path, "zebras", description="Counts zebras.", body=body)
    assert "panel-alike" not in page(browser).tables
    write_skill(tmp_path, "zebra-count", description="Counts all zebras.", body=body)
    time.sleep(0.6)
    ((one, other, alike, tokens),) = page(browser).tables["panel-alike"][1:]
    assert (one, other) == ("zebra-count", "zebras")
    assert float(shown_as(alike)) > 50
    assert int(tokens) > 10


def test_without_a_load_the_page_says_how_to_and_what_there_is(browser: Client) -> None:
    said = html(browser)
    assert "No skill was loaded in this range" in said
    assert "aria-database" in said
    assert "figure-frequency" not in said


def test_a_skill_that_is_gone_stays_with_its_loads_and_no_name_is_markup(browser: Client, project: Project) -> None:
    loaded(project, HOSTILE)
    said = html(browser)
    assert HOSTILE not in said
    assert "no longer there" in said
