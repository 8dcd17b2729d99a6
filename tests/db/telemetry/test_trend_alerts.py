"""Spend against baseline: what people are told of a day that is not as usual, how often, and when it is over."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from telemetry.models import Alert, AlertDelivery, Project
from tests.alerting import NOON, channel, look, rule, told
from tests.trending import judged, usual_verdict, verdict

TODAY = NOON.date()
YESTERDAY = TODAY - timedelta(days=1)
SAYS = "Agent builder: 3.0 times the usual tokens a run, $4.00 more than expected"
EVIL = "<script>\r\nBcc: x@y.example\u202e" + "z" * 4_000


def test_a_day_that_rose_is_told_once_with_its_figures_and_the_page_that_says_why(project: Project) -> None:
    channel(project)
    rule(project, "trend")
    verdict(project, YESTERDAY)
    judged(project, YESTERDAY)
    look(project, at=NOON)
    look(project, at=NOON + timedelta(minutes=1))
    assert told(project) == [("firing", SAYS)]
    message = AlertDelivery.objects.get(project=project).message
    assert {one["name"]: one["value"] for one in message["facts"]} == {
        "Day": "Thu 19 Nov 2026",
        "Tokens a run": "3,000",
        "Usual of 30 days": "1,000 (800 to 1,250)",
        "Cost of the day": "$6.00, $4.00 more than expected",
    }
    assert message["links"][0]["url"].endswith(f"/trends/?project={project.slug}&day=2026-11-19&agent=builder")


def test_it_goes_on_to_hold_over_midnight_and_further_days_and_is_told_once_in_all(project: Project) -> None:
    channel(project)
    rule(project, "trend")
    verdict(project, YESTERDAY)
    judged(project, YESTERDAY)
    look(project, at=NOON)
    look(project, at=datetime.combine(TODAY, time(0, 5), tzinfo=NOON.tzinfo) + timedelta(days=1))
    verdict(project, TODAY, is_alert=False, is_shift=True)
    judged(project, TODAY)
    look(project, at=NOON + timedelta(days=1))
    assert told(project) == [("firing", SAYS)]
    assert Alert.objects.filter(project=project, state="firing").count() == 1


def test_when_the_next_day_is_usual_it_is_over_and_said_once(project: Project) -> None:
    channel(project)
    rule(project, "trend")
    verdict(project, YESTERDAY)
    judged(project, YESTERDAY)
    look(project, at=NOON)
    usual_verdict(project, TODAY)
    judged(project, TODAY)
    for minutes in (0, 1):
        look(project, at=NOON + timedelta(days=1, minutes=minutes))
    assert told(project) == [("firing", SAYS), ("resolved", f"Resolved: {SAYS}")]


def test_what_is_usual_fell_or_is_explained_by_others_is_not_told(project: Project) -> None:
    channel(project)
    rule(project, "trend")
    usual_verdict(project, YESTERDAY, name="calm")
    verdict(project, YESTERDAY, name="fell", effect=0.2, is_alert=False)
    verdict(project, YESTERDAY, dimension="project", name="", is_alert=False, root_dimension="agent", root_name="x")
    judged(project, YESTERDAY)
    look(project, at=NOON)
    assert told(project) == []


def test_a_day_that_is_judged_late_is_no_news(project: Project) -> None:
    channel(project)
    rule(project, "trend")
    late = TODAY - timedelta(days=3)
    verdict(project, late)
    judged(project, late)
    look(project, at=NOON)
    assert told(project) == []


def test_runs_and_tokens_of_one_series_are_two_subjects(project: Project) -> None:
    channel(project)
    rule(project, "trend")
    verdict(project, YESTERDAY)
    verdict(project, YESTERDAY, what="volume", value=90.0, baseline=30.0)
    judged(project, YESTERDAY)
    look(project, at=NOON)
    assert sorted(headline.split(", ")[0] for _, headline in told(project)) == [
        "Agent builder: 3.0 times the usual runs",
        "Agent builder: 3.0 times the usual tokens a run",
    ]


def test_a_hostile_name_is_one_line_and_nothing_else(project: Project) -> None:
    channel(project)
    rule(project, "trend")
    verdict(project, YESTERDAY, name=EVIL)
    judged(project, YESTERDAY)
    look(project, at=NOON)
    ((_, headline),) = told(project)
    assert "\n" not in headline
    assert "\u202e" not in headline
    assert len(headline) < 300
