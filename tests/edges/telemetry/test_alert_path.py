"""From a run that was just judged to a message that arrived: what beat wakes, end to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from telemetry import tasks
from telemetry.contracts import Rejection
from telemetry.database import connection
from telemetry.ledger import intake
from telemetry.models import Alert, AlertRule, Project
from telemetry.observer.judging import judge_runs, judge_span
from tests.alerting import Receiver, channel, look, only, receiver, rule
from tests.forecasts import forecast_of
from tests.page_reading import invented_calls, store, visitor
from tests.run_rows import MORNING, run


@pytest.fixture
def web_hook(settings: Settings) -> Iterator[Receiver]:
    """A receiver on a private address that is allowed."""
    with receiver() as box:
        settings.ALLOW_PRIVATE_WEBHOOKS = frozenset({box.place})
        yield box


def test_a_run_that_was_judged_is_told_by_the_next_look(project: Project, web_hook: Receiver) -> None:
    now = datetime.now(UTC)
    channel(project, "slack", address=web_hook.address)
    rule(project, at=now + timedelta(minutes=1))
    minute = (now - timedelta(minutes=3) - MORNING) / timedelta(minutes=1)
    run(project.pk, "false", minute=minute, errors=2, task_id="<!channel> fix")
    only(project, at=now)
    tasks.alert()
    assert web_hook.posts == []
    judge_runs(connection(), project_id=project.pk, keys=["false"], now=now)
    tasks.alert()
    (post,) = web_hook.posts
    assert post.document["text"] == "False completion: 1 anomaly, 200 tokens wasted"
    assert b"&lt;!channel&gt; fix" in post.body
    judge_span(connection(), project_id=project.pk, start=now - timedelta(hours=1), end=now, now=now)
    tasks.alert()
    assert len(web_hook.posts) == 1


def test_the_night_wakes_the_rules_too(project: Project) -> None:
    now = datetime.now(UTC)
    made = rule(project, at=now + timedelta(minutes=1))
    run(project.pk, "false", errors=2)
    judge_span(connection(), project_id=project.pk, start=MORNING, end=MORNING + timedelta(hours=1), now=now)
    assert AlertRule.objects.get(pk=made.pk).look_at == now


def test_every_link_of_every_rule_opens_its_page(project: Project, static_files: None) -> None:
    now = datetime.now(UTC)
    channel(project, "slack")
    for kind in AlertRule.Kind.values:
        rule(project, kind, at=now, more_than=0, active_days=1, silent_hours=1)
    strange = "run/1?<b> %2F"
    run(project.pk, strange, minute=(now - timedelta(minutes=3) - MORNING) / timedelta(minutes=1), errors=2)
    judge_runs(connection(), project_id=project.pk, keys=[strange], now=now)
    calls = invented_calls(80, first=now - timedelta(days=3), step_minutes=50)
    store(project, [one for one in calls if one.started_at < now - timedelta(hours=2)])
    look(project, at=now)
    forecast_of(project, strange, at=now, warns=True, agent="a & b")
    rejections = [Rejection(0, "", "no id")]
    intake.note(connection(), project_id=project.pk, source="api", received=0, rejections=rejections, now=now)
    look(project, at=now)
    links = [path for alert in Alert.objects.filter(project=project) for _, path in alert.links]
    pages = {"", "anomalies", "connect", "executions", "forecasts", "models"}
    assert {path.split("?")[0].split("/")[1] for path in links} == pages
    browser = visitor(project)
    answers = {path: browser.get(path) for path in links}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(links, 200)
    assert "run/1?&lt;b&gt; %2F" in next(answers[path] for path in links if "executions" in path).content.decode()
