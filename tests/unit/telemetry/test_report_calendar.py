"""The calendar of a month says of every day what was found, or why there is no report."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.dashboards import reportcalendar
from telemetry.dashboards.reportcalendar import Known, Month, Shown
from telemetry.observer.report import periods
from telemetry.observer.report.document import Summary
from telemetry.observer.report.periods import Period
from tests.reports import summary

NOW = datetime(2025, 11, 20, 0, 30, tzinfo=UTC)
KNOWN = Known(zone="UTC", hour=1, first_day=date(2025, 11, 4), now=NOW)


def calendar(reports: dict[str, Summary] | None = None, *, name: str = "2025-11", known: Known = KNOWN) -> Month:
    found = {periods.read(one): said for one, said in (reports or {}).items()}
    return reportcalendar.month_of(periods.read(name), found, known, address=lambda period: f"/{period.name}")


def day(month: Month, name: str) -> Shown:
    (found,) = [one for week in month.weeks for one in week.days if one.period.name == name]
    return found


@pytest.mark.parametrize(
    ("said", "state", "words"),
    [
        (summary(tasks=3, anomalies_by_severity={"high": 4, "medium": 5}), "high", "4 high, 5 medium"),
        (summary(tasks=3, anomalies_by_severity={"high": 1200, "medium": 0}), "high", "1,200 high"),
        (summary(tasks=3, anomalies_by_severity={"high": 0, "medium": 5}), "medium", "5 medium"),
        (summary(tasks=3, anomalies_by_severity={"high": 0, "medium": 0}), "calm", "nothing found"),
        (summary(), "empty", "no tasks"),
    ],
)
def test_a_reported_day_leads_to_its_report_and_says_what_was_found(said: Summary, state: str, words: str) -> None:
    shown = day(calendar({"2025-11-06": said}), "2025-11-06")
    assert (shown.state, shown.words, shown.url) == (state, words, "/2025-11-06")
    assert shown.sign


@pytest.mark.parametrize(
    ("name", "state", "hint"),
    [
        ("2025-11-03", "before", "Nothing was recorded yet"),
        ("2025-11-04", "missing", "tloi observe --date 2025-11-04"),
        ("2025-11-19", "due", "It comes on 20 Nov, 01:00 in UTC"),
        ("2025-11-20", "due", "It comes on 21 Nov, 01:00 in UTC"),
        ("2025-11-21", "ahead", "It has not begun yet"),
    ],
)
def test_a_day_without_a_report_says_why(name: str, state: str, hint: str) -> None:
    shown = day(calendar(), name)
    assert (shown.state, shown.url) == (state, "")
    assert hint in shown.hint


def test_weeks_and_the_month_have_reports_of_their_own() -> None:
    month = calendar({"2025-W45": summary(tasks=1), "2025-11": summary(tasks=1)})
    assert [week.whole.url for week in month.weeks] == ["", "/2025-W45", "", "", ""]
    assert month.whole.url == "/2025-11"
    assert "tloi observe --date 2025-11-10 --week" in month.weeks[2].whole.hint


def test_every_state_differs_by_its_sign_or_its_words() -> None:
    signs = [sign for sign in reportcalendar.SIGNS.values() if sign]
    assert len(set(signs)) == len(signs)


@given(st.dates(date(2020, 2, 1), date(2099, 12, 1)))
def test_a_calendar_holds_every_day_of_its_month_once_from_monday_on(any_day: date) -> None:
    month = periods.around(any_day, "monthly")
    shown = reportcalendar.month_of(month, {}, KNOWN, address=lambda period: period.name)
    days = [one for week in shown.weeks for one in week.days]
    inside = [one.period.first_day for one in days if not one.outside]
    assert inside == [month.first_day.replace(day=number) for number in range(1, month.last_day.day + 1)]
    assert all(week.days[0].period.first_day.weekday() == 0 for week in shown.weeks)
    assert all(week.whole.period == Period("weekly", *days_of(week.days)) for week in shown.weeks)


def days_of(days: tuple[Shown, ...]) -> tuple[date, date]:
    return days[0].period.first_day, days[-1].period.last_day


@pytest.mark.parametrize(
    ("first_day", "words"),
    [
        (None, "the day after something was recorded, 01:00 in UTC"),
        (date(2025, 11, 20), "comes on 21 Nov, 01:00 in UTC"),
        (date(2025, 11, 4), "is due"),
    ],
)
def test_a_project_without_reports_says_when_the_first_one_comes(first_day: date | None, words: str) -> None:
    assert words in reportcalendar.first_report(Known(zone="UTC", hour=1, first_day=first_day, now=NOW))
