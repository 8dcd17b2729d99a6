"""What a report says of objectives: the dearest key results, what moved, and always what is in none."""

from __future__ import annotations

from datetime import date
from typing import Any

from telemetry.dashboards import reportsheet
from telemetry.limits.account import Account, ObjectiveAccount, ResultAccount, Spent, Way
from telemetry.observer.report import objective_lines
from telemetry.observer.report.document import as_plain, from_plain
from telemetry.observer.report.markdown import as_markdown
from tests.reports import document

WAY = Way(
    current="15", measured_on=date(2025, 11, 6), percent=50.0, moved_by="-3", snapshots=1, spent_per_unit_usd="1.50"
)
HOSTILE = "<script>alert(1)</script>|[x](http://a.b) =cmd()"


def result(key: str, cost: str = "0.00", **said: Any) -> ResultAccount:
    runs = said.pop("runs", 1 if cost != "0.00" else 0)
    return ResultAccount(key=key, title=f"title of {key}", spent=Spent(cost_usd=cost, runs=runs, calls=runs), **said)


def account(*results: ResultAccount, title: str = "Faster", **said: Any) -> Account:
    goal = ObjectiveAccount(key="O1", title=title, priority="high", spent=Spent(), key_results=results, **said)
    return Account(
        spent=Spent(cost_usd="10.00", runs=4),
        attributed_usd="7.50",
        unattributed=Spent(cost_usd="2.50", runs=1, calls=2, succeeded=1, failed=1),
        objectives=(goal,),
    )


def test_a_key_result_that_cost_or_moved_is_there_and_unattributed_comes_last() -> None:
    rows = objective_lines.rows(account(result("A", "4.50", unit="days", way=WAY), result("B"), result("C", way=WAY)))
    assert [name.split(": ")[-1].split(" ")[0] for name, _ in rows] == ["A", "C", "Unattributed"]
    assert rows[0][1] == (
        *("high", "$4.50", "45.0 %", "1", "not known", "0"),
        "50.0 % of the way, moved by -3 days, $1.50 spent while it moved by 1",
    )
    assert rows[-1][1] == ("", "$2.50", "25.0 %", "1", "50.0 %", "0", "")


def test_of_many_key_results_the_dearest_are_listed() -> None:
    many = account(*(result(f"K{number}", f"{number}.00") for number in range(1, 100)))
    names = [name for name, _ in objective_lines.rows(many)]
    assert len(names) == objective_lines.MOST_LISTED + 1
    assert names[0].endswith("K50 title of K50")


def test_the_section_is_printed_harmlessly_and_only_where_there_are_objectives() -> None:
    said = document(objectives=account(result("A", "4.50"), title=HOSTILE))
    text = as_markdown(said)
    assert "## Objectives" in text
    assert "$7.50 of $10.00 counts towards objectives (75.0 %)" in text
    assert "<script>" not in text
    assert "](http" not in text
    assert "## Objectives" not in as_markdown(document())
    assert from_plain(as_plain(said)) == said
    sheet = reportsheet.sheet(said, run_address=str, anomalies_address=str, trend_address=str)
    assert sheet.purposes is not None
    assert len(sheet.purposes.rows) == 2
