"""The trends of a report: what was unusual in its days, and what a day cost beside those before, to the nano-dollar."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from telemetry.models import Project
from telemetry.observer.report.document import as_json, as_plain, from_plain
from telemetry.observer.report.markdown import as_markdown
from tests.page_reading import invented_calls, store
from tests.reports import document, make_report
from tests.trending import DAY, judged, runs, usual_verdict, verdict

EVIL = "a | b <b>\r\n# x"


def filled(project: Project) -> None:
    """Ten days, of which the last one is unusual."""
    store(project, invented_calls(1, first=datetime(2026, 11, 10, 12, tzinfo=UTC)))
    for back in range(10, 0, -1):
        runs(project, DAY - timedelta(days=back), 9, cost=10_000_001)
        usual_verdict(project, DAY - timedelta(days=back))
    runs(project, DAY, 20, tokens=3_000, cost=33_333_333)
    verdict(project)
    verdict(project, name=EVIL, is_shift=True, what="volume", value=90.0, baseline=30.0)
    usual_verdict(project, name="new", state="learning", effect=None, baseline=None)
    judged(project, DAY)


def test_a_day_says_what_was_unusual_and_what_the_difference_is_made_of(project: Project) -> None:
    filled(project)
    plain = make_report(project, DAY.isoformat()).document
    said = plain["trends"]
    assert (said["judged"], said["learning"], said["flagged"]) == (3, 1, 2)
    assert [(one["name"], one["what"], one["times"], one["at_stake_usd"]) for one in said["unusual"]] == [
        (EVIL, "volume", 3.0, "4.00"),
        ("builder", "intensity", 3.0, "4.00"),
    ]
    cost = {name: Decimal(value) if name != "days_before" else value for name, value in said["cost"].items()}
    assert (cost["days_before"], cost["before_usd"], cost["after_usd"]) == (
        10,
        Decimal("0.090000009"),
        Decimal("0.66666666"),
    )
    parts = ("volume_usd", "mix_usd", "tokens_per_run_usd", "price_usd")
    assert sum(cost[part] for part in parts) == cost["difference_usd"] == cost["after_usd"] - cost["before_usd"]


def test_its_markdown_has_a_row_each_and_runs_nothing_of_a_name(project: Project) -> None:
    filled(project)
    said = as_markdown(from_plain(make_report(project, DAY.isoformat()).document))
    assert "2 comparisons with the thirty days before: 2 unusual. 1 other: too little is known" in said
    assert "| Agent builder | 3,000 tokens a run, 3.0 times the usual 1,000 | $4.00 more than expected |" in said
    assert (
        r"| Agent a \| b &lt;b&gt; # x | 90 runs, 3.0 times the usual 30 | $4.00 more than expected | unusual on"
        in said
    )
    assert "- **Difference:** +$0.58: volume +$" in said


def test_a_week_says_of_which_day_each_is(project: Project) -> None:
    filled(project)
    said = as_markdown(from_plain(make_report(project, "2026-W47").document))
    assert "| $4.00 more than expected | Fri 20 Nov, unusual on two of three days |" in said
    assert "**A day of this week cost:**" in said


def test_nothing_before_is_no_difference_and_nothing_judged_is_said(project: Project) -> None:
    runs(project, DAY, 3)
    report = from_plain(make_report(project, DAY.isoformat()).document)
    assert report.trends is not None
    assert report.trends.cost is None
    assert "No series was compared with the days before." in as_markdown(report)


def test_a_report_that_was_written_before_there_were_trends_is_still_read() -> None:
    old = as_plain(document())
    del old["trends"]
    read = from_plain(old)
    assert read.trends is None
    assert "## Trends" not in as_markdown(read)
    assert json.loads(as_json(read))["trends"] is None
