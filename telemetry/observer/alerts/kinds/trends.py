"""Series whose newest judged day rose above their baseline, where it has just begun and no other series explains it.

The night says so once a day, of the day before; until it has judged the next one, what it said goes on to hold, and it
holds as long as the days that follow are unusual too. That is one message, whatever the number of days, and one more
when it is over. A day that is judged late, as after an import, is no news.
"""

from __future__ import annotations

from datetime import timedelta

from telemetry.observer import trendwords
from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.message import Fact, Held, Link, one_line, page, subject_of
from telemetry.outlook import trend_reading
from telemetry.outlook.verdicts import Verdict

NEWS_DAYS = 2  # yesterday, and until it is judged the day before
MOST = 50


def look(glance: Glance) -> list[Held]:
    """A `Held` a series and what of it rose."""
    today = glance.now.astimezone(glance.tz).date()
    found = trend_reading.risen_verdicts(
        glance.conn,
        project_id=glance.project.pk,
        first=today - timedelta(days=NEWS_DAYS),
        last=today - timedelta(days=1),
        limit=MOST,
    )
    return [_held(glance, one) for one in found if one.is_alert or _subject(one) in glance.firing]


def _subject(one: Verdict) -> str:
    return subject_of(one.dimension, one.name, one.what)


def _held(glance: Glance, one: Verdict) -> Held:
    name = one_line(trendwords.series(one.dimension, one.name), 120)
    times, what = trendwords.times(one.effect), trendwords.measured(one.what)
    at_stake = trendwords.at_stake(one.at_stake_nanousd)
    facts = (
        Fact("Day", f"{one.day:%a} {one.day.day} {one.day:%b %Y}"),
        Fact(what.capitalize(), trendwords.figure(one.value)),
        Fact("Usual of 30 days", f"{trendwords.figure(one.baseline)} ({trendwords.band(one.low_30, one.high_30)})"),
        Fact("Cost of the day", f"{trendwords.dollars(one.cost_nanousd)}, {at_stake}"),
    )
    narrowed = {} if one.dimension == "project" else {one.dimension: one.name}
    return Held(
        subject=_subject(one),
        title=f"{name}: {times} times the usual {what}, {at_stake}",
        severity=glance.rule.severity,
        facts=facts,
        links=(
            Link("What changed", page("/trends/", project=glance.project.slug, day=one.day.isoformat(), **narrowed)),
        ),
        once=True,
    )
