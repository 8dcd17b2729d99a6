"""From a run that was just judged to a message that arrived: what beat wakes, end to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from telemetry import tasks
from telemetry.database import connection
from telemetry.models import AlertRule, Project
from telemetry.observer.judging import judge_runs, judge_span
from tests.alerting import Receiver, channel, only, receiver, rule
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
