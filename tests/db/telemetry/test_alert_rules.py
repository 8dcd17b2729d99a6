"""What rules find, whom they tell and how often: once a subject and period, and once more when it is over."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connections

from telemetry.contracts import Call, Rejection
from telemetry.database import connection
from telemetry.ledger import intake
from telemetry.models import Alert, AlertChannel, AlertDelivery, AlertRule, Anomaly, Project
from telemetry.observer.alerts import looking
from telemetry.observer.alerts.kinds import anomalies, refusals
from telemetry.observer.alerts.waking import after_judging
from tests.alerting import NOON, anomaly, channel, look, only, rule, told
from tests.page_reading import store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def links(project: Project) -> list[str]:
    """The pages that the last message names."""
    row = AlertDelivery.objects.filter(project=project).order_by("pk").last()
    assert row is not None
    return [one["url"].partition("//")[2].partition("/")[2] for one in row.message["links"]]


def test_an_anomaly_is_told_once_a_day_and_links_to_exactly_these(project: Project) -> None:
    channel(project)
    rule(project)
    anomaly(project, "run/1 <b>?")
    look(project, at=NOON + timedelta(seconds=5))
    anomaly(project, "run-2", at=NOON + HOUR)
    look(project, at=NOON + HOUR)
    assert told(project) == [("firing", "Context bloat: 1 anomaly, 40,000 tokens wasted")]
    assert links(project) == [
        f"anomalies/?project={project.slug}&detector=context_bloat&severity=high&from=2026-11-20&to=2026-11-20",
        f"executions/run%252F1%20%3Cb%3E%3F/?project={project.slug}",
    ]
    alert = Alert.objects.get(project=project)
    assert alert.title == "Context bloat: 2 anomalies, 80,000 tokens wasted"


def test_the_worst_ones_are_named_with_their_issue(project: Project) -> None:
    channel(project)
    rule(project)
    for n in range(5):
        anomaly(project, f"run-{n}", task_id="", task_type=f"type-{n}", tokens_wasted=1_000 * n)
    look(project, at=NOON)
    message = AlertDelivery.objects.get(project=project).message
    assert [one["name"] for one in message["facts"]] == ["type-4", "type-3", "type-2"]
    assert "91.4:1" in message["facts"][0]["value"]
    assert message["title"] == "Context bloat: 5 anomalies, 10,000 tokens wasted"


def test_ninety_seven_findings_are_one_message_a_detector(project: Project) -> None:
    channel(project)
    rule(project, severity="medium", period="hour")
    for n in range(97):
        anomaly(project, f"a-{n}", detector="expensive_task", severity="medium")
        anomaly(project, f"b-{n}", detector="false_completion")
    look(project, at=NOON)
    look(project, at=NOON + timedelta(minutes=30))
    assert [event for event, _ in told(project)] == ["firing", "firing"]


def test_a_rule_of_high_severity_and_one_detector_hears_of_nothing_else(project: Project) -> None:
    channel(project)
    rule(project, detector="duplicate_work")
    anomaly(project, "a", detector="duplicate_work", severity="medium")
    anomaly(project, "b", detector="context_bloat")
    look(project, at=NOON)
    assert told(project) == []
    anomaly(project, "c", detector="duplicate_work", severity="high")
    look(project, at=NOON)
    assert len(told(project)) == 1


def test_old_runs_that_are_imported_now_alert_nobody(project: Project) -> None:
    channel(project)
    rule(project)
    anomaly(project, started_at=NOON - timedelta(days=3))
    look(project, at=NOON)
    assert told(project) == []


def test_what_a_person_has_judged_is_over_and_said_once(project: Project) -> None:
    channel(project)
    rule(project)
    anomaly(project)
    look(project, at=NOON)
    Anomaly.objects.filter(project_id=project.pk).update(state="acknowledged")
    for minutes in (1, 2, 3):
        look(project, at=NOON + timedelta(minutes=minutes))
    says = "Context bloat: 1 anomaly, 40,000 tokens wasted"
    assert told(project) == [("firing", says), ("resolved", f"Resolved: {says}")]


def test_what_comes_back_within_its_period_is_not_told_again(project: Project) -> None:
    channel(project)
    rule(project)
    anomaly(project)
    for minute in range(0, 40, 10):
        Anomaly.objects.filter(project_id=project.pk).update(state="new")
        look(project, at=NOON + timedelta(minutes=minute))
        Anomaly.objects.filter(project_id=project.pk).update(state="acknowledged")
        look(project, at=NOON + timedelta(minutes=minute + 5))
    assert [event for event, _ in told(project)] == ["firing", "resolved"]


def test_the_next_period_has_its_own_message(project: Project) -> None:
    channel(project)
    rule(project)
    for day in range(3):
        anomaly(project, f"run-{day}", at=NOON + day * DAY)
        look(project, at=NOON + day * DAY)
    assert [event for event, _ in told(project)] == ["firing"] * 3
    assert list(Alert.objects.filter(project=project).values_list("state", flat=True).order_by("pk")) == [
        "continued",
        "continued",
        "firing",
    ]


def test_two_workers_at_once_tell_once(project: Project) -> None:
    channel(project)
    rule(project)
    rule(project, "unpriced_model")
    anomaly(project)
    only(project, at=NOON)
    barrier = threading.Barrier(4)
    rules = list(AlertRule.objects.filter(project=project).values_list("pk", flat=True))

    def work() -> None:
        barrier.wait()
        try:
            for _ in range(5):
                for one in rules:  # a row a statement: two statements over both rows may lock them the other way round
                    AlertRule.objects.filter(pk=one).update(look_at=NOON)
                looking.look(now=NOON)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert [event for event, _ in told(project)] == ["firing"]


def test_without_a_channel_it_is_written_down_and_nothing_is_sent(project: Project) -> None:
    rule(project)
    anomaly(project)
    look(project, at=NOON)
    assert Alert.objects.get(project=project).state == "firing"
    channel(project)
    look(project, at=NOON + HOUR)
    assert told(project) == []


def test_a_rule_may_have_a_channel_of_its_own_and_one_that_is_off_hears_nothing(project: Project) -> None:
    chosen, _, off = channel(project), channel(project, "slack"), channel(project, "discord", is_enabled=False)
    rule(project, channel=chosen)
    rule(project, detector="context_bloat")
    anomaly(project)
    look(project, at=NOON)
    heard = AlertDelivery.objects.filter(project=project).values_list("channel_id", flat=True)
    assert sorted(heard) == sorted([chosen.pk, chosen.pk, chosen.pk + 1])
    assert off.pk not in heard


def test_after_judging_a_rule_is_due_at_once(project: Project) -> None:
    channel(project)
    rule(project, at=NOON + timedelta(seconds=50))
    anomaly(project)
    only(project, at=NOON)
    looking.look(now=NOON)
    assert told(project) == []
    after_judging(connection(), project_id=project.pk, now=NOON)
    looking.look(now=NOON + timedelta(seconds=2))
    assert len(told(project)) == 1


def test_a_rule_that_cannot_be_looked_at_keeps_no_other_from_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    channel(project)
    Project.objects.filter(pk=project.pk).update(time_zone="Mars/Olympus")
    rule(project)
    other = Project.objects.create(slug=f"{project.slug}-2")
    channel(other)
    rule(other)
    anomaly(other)
    only(project, other, at=NOON)
    looking.look(now=NOON)
    assert len(told(other)) == 1
    assert "could not be looked at" in caplog.text
    Project.objects.filter(pk=project.pk).update(time_zone="UTC")


# Quiet hours


def test_what_falls_into_quiet_hours_is_told_when_they_end(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Europe/Madrid")
    channel(project)
    rule(project, period="hour", quiet_from=time(22), quiet_until=time(7))
    late = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 00:30 in Madrid, in the night in which clocks go back
    anomaly(project, at=late)
    for hours in range(8):
        look(project, at=late + hours * HOUR)
        assert told(project) == []
    look(project, at=late + 8 * HOUR)  # 07:30, in winter time
    assert [event for event, _ in told(project)] == ["firing"]
    assert links(project)[0].endswith("&from=2026-10-25&to=2026-10-25")
    look(project, at=late + 9 * HOUR)
    assert [event for event, _ in told(project)] == ["firing", "resolved"]


def test_what_is_over_before_quiet_hours_end_is_never_told(project: Project) -> None:
    channel(project)
    rule(project, quiet_from=time(11), quiet_until=time(14))
    anomaly(project)
    look(project, at=NOON)
    Anomaly.objects.filter(project_id=project.pk).update(state="not_waste")
    look(project, at=NOON + HOUR)
    look(project, at=NOON + 3 * HOUR)
    assert told(project) == []


def test_that_something_is_over_waits_for_the_end_of_quiet_hours_too(project: Project) -> None:
    channel(project)
    rule(project, quiet_from=time(13), quiet_until=time(14))
    anomaly(project)
    look(project, at=NOON)
    Anomaly.objects.filter(project_id=project.pk).update(state="resolved")
    look(project, at=NOON + HOUR)
    assert [event for event, _ in told(project)] == ["firing"]
    look(project, at=NOON + 2 * HOUR)
    assert [event for event, _ in told(project)] == ["firing", "resolved"]


# Silent agents


def calls(agent: str, *moments: datetime, model: str = "gpt-5", provider: str = "openai") -> list[Call]:
    """A call of an agent at each moment."""
    return [
        Call(id=f"{agent}-{at:%m%d%H%M}", started_at=at, model=model, provider=provider, agent=agent, output=1)
        for at in moments
    ]


def days(*back: int, hour: int = 0) -> Sequence[datetime]:
    return [NOON - n * DAY + hour * HOUR for n in back]


def test_an_agent_that_was_busy_and_is_silent_is_told_of_until_it_is_heard(project: Project) -> None:
    channel(project)
    rule(project, "agent_silent", active_days=5, silent_hours=24)
    store(project, calls("builder", *days(2, 3, 4, 5, 6)))
    store(project, calls("now-and-then", *days(3, 5, 6, 7)))
    store(project, calls("busy", *days(1, 2, 3, 4, 5, hour=2)))
    look(project, at=NOON)
    assert told(project) == [("firing", "Agent builder is silent: no call for 48 hours")]
    assert links(project) == [f"?project={project.slug}&agent=builder&range=28d"]
    look(project, at=NOON + 5 * DAY)  # its days are out of the week, and it is silent all the same
    assert [title for _, title in told(project)] == [
        "Agent builder is silent: no call for 48 hours",
        "Agent builder is silent: no call for 168 hours",
    ]
    store(project, calls("builder", NOON + 5 * DAY + HOUR))
    look(project, at=NOON + 5 * DAY + 2 * HOUR)
    assert told(project)[2:] == [("resolved", "Resolved: Agent builder is silent: no call for 168 hours")]


def test_the_days_are_those_of_the_projects_zone(project: Project) -> None:
    """Calls at 20:00 and 23:00 UTC are one day in UTC, and two in Kolkata (01:30 and 04:30 are one, 18:00 another)."""
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    channel(project)
    rule(project, "agent_silent", active_days=4, silent_hours=12)
    store(project, calls("builder", *days(2, 3, hour=0), *days(3, 4, hour=8)))  # 17:30, and 01:30 the day after
    look(project, at=NOON)
    assert told(project) == []
    store(project, calls("builder", *days(5, 6, hour=0)))
    look(project, at=NOON + HOUR)
    assert len(told(project)) == 1


# Models without a price


def test_a_model_without_a_price_is_told_and_over_once_it_has_one(project: Project) -> None:
    channel(project)
    rule(project, "unpriced_model")
    store(project, calls("builder", NOON - HOUR, model="house-llama", provider="local"))
    look(project, at=NOON)
    assert told(project) == [("firing", "Model house-llama has no price")]
    assert links(project) == [f"models/?project={project.slug}&model=house-llama&range=24h"]
    look(project, at=NOON + 12 * HOUR)  # the day is over, the 24 hours are not
    assert [event for event, _ in told(project)] == ["firing", "firing"]
    look(project, at=NOON + 36 * HOUR)
    assert [event for event, _ in told(project)] == ["firing", "firing", "resolved"]


def test_models_with_a_price_are_no_news(project: Project) -> None:
    channel(project)
    rule(project, "unpriced_model")
    store(project, calls("builder", NOON - HOUR))
    look(project, at=NOON)
    assert told(project) == []


# Ingest errors


def refuse(project: Project, count: int, *, at: datetime, reason: str = "no id") -> None:
    rejections = [Rejection(n, "", reason) for n in range(count)]
    intake.note(connection(), project_id=project.pk, source="api", received=0, rejections=rejections, now=at)


def test_refused_items_of_an_hour_are_told_above_a_number(project: Project) -> None:
    channel(project)
    rule(project, "ingest_errors", more_than=10)
    refuse(project, 500, at=NOON - DAY)
    look(project, at=NOON)
    refuse(project, 10, at=NOON + timedelta(minutes=20))
    look(project, at=NOON + timedelta(minutes=30))
    assert told(project) == []
    refuse(project, 1, at=NOON + timedelta(minutes=40), reason="a <script> of\r\nan id")
    look(project, at=NOON + timedelta(minutes=50))
    assert told(project) == [("firing", "11 items of api were refused within an hour")]
    assert AlertDelivery.objects.get(project=project).message["facts"] == [
        {"name": "Last reason", "value": "a <script> of an id"}
    ]
    for minutes in (60, 70, 80, 95):
        look(project, at=NOON + timedelta(minutes=minutes))
    assert [event for event, _ in told(project)] == ["firing", "resolved"]


def test_what_is_remembered_of_an_hour_stays_small() -> None:
    memory: dict[str, object] = {}
    for minute in range(600):
        now = NOON + timedelta(minutes=minute)
        found = refusals.counted(memory, {"api": 100 + minute}, now=now)
        assert 0 <= found["api"] <= 65
        assert found["api"] >= min(minute, 60)
    assert len(str(memory)) < 1_000


def test_a_source_that_is_new_counts_from_nothing() -> None:
    memory: dict[str, object] = {}
    refusals.counted(memory, {"api": 100}, now=NOON)
    assert refusals.counted(memory, {"api": 100, "otlp": 7}, now=NOON + HOUR) == {"api": 0, "otlp": 7}


# What is looked at is little


def test_a_look_without_due_rules_asks_one_thing(project: Project) -> None:
    looking.look(now=datetime(2000, 1, 1, tzinfo=UTC))
    before = len(connections["default"].queries_log)
    connections["default"].force_debug_cursor = True
    try:
        looking.look(now=datetime(2000, 1, 1, tzinfo=UTC))
        asked = list(connections["default"].queries_log)[before:]
    finally:
        connections["default"].force_debug_cursor = False
    assert sum("telemetry_" in one["sql"] for one in asked) == 1


def test_anomalies_of_another_project_are_not_read(project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-other")
    anomaly(other)
    found = anomalies.fresh_anomalies(
        connection(), project_id=project.pk, since={"context_bloat": NOON - HOUR}, high_only=False, now=NOON
    )
    assert found == []


def test_what_is_old_is_forgotten_and_what_fires_is_not(project: Project) -> None:
    channel(project)
    rule(project)
    rule(project, "unpriced_model")
    anomaly(project)
    store(project, calls("builder", NOON - HOUR, model="house-llama", provider="local"))
    look(project, at=NOON)
    Anomaly.objects.filter(project_id=project.pk).update(state="resolved")
    look(project, at=NOON + HOUR)
    looking.forget(now=NOON + timedelta(days=91))
    assert list(Alert.objects.filter(project=project).values_list("title", flat=True)) == [
        "Model house-llama has no price"
    ]
    assert not AlertDelivery.objects.filter(project=project).exists()
    assert AlertChannel.objects.filter(project=project).count() == 1
