"""What rollups answer is what calls answer, for every question, range, zone and filter; and reads stay small."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.access.projects import ensure_project
from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.models import Project
from telemetry.series import narrowing, plan, queries
from telemetry.series.rows import waiting_minutes
from telemetry.series.window import BadWindow, Window, by_days, by_preset
from tests.ledger_reading import added_up, new_tenant, send

pytestmark = pytest.mark.usefixtures("database")
ZONES = ("UTC", "Asia/Kolkata", "America/St_Johns", "Europe/Madrid", "Australia/Lord_Howe")
FIRST = datetime(2025, 10, 22, tzinfo=UTC)  # Madrid's clocks go back on the 26th, St. John's on 2 November
DAYS = 14
NOW = FIRST + timedelta(days=DAYS)
WORDS: dict[str, tuple[str, ...]] = {
    "model": ("gpt-5", "house-llama", "m"),
    "provider": ("openai", "local", ""),
    "agent": ("ann", "ben", ""),
    "host": ("desk", ""),
    "task_type": ("fix", "plan", ""),
    "session_type": ("direct_chat", ""),
    "tier": ("low", ""),
    "session_id": ("s-1", "s-2", "s-3", ""),
    "skill": ("pdf", ""),
    "execution_id": ("r-1", "r-2", ""),
}
FILTERS = {name.removesuffix("_id"): words for name, words in WORDS.items()}


def invented(seed: int, count: int = 160) -> list[Call]:
    """Calls at any moment of two weeks, on the edges of quarters and days too."""
    dice = Random(seed)
    return [_call(f"{seed}-{number}", dice) for number in range(count)]


def _call(name: str, dice: Random) -> Call:
    labels: dict[str, Any] = {label: dice.choice(words) for label, words in WORDS.items()}
    return Call(
        id=name,
        started_at=_moment(dice),
        input_uncached=dice.choice((0, 1, 700, 2**40)),
        cache_read=dice.randrange(5_000),
        cache_write_1h=dice.randrange(3),
        output=dice.randrange(900),
        reasoning=dice.choice((None, 0, 7)),
        duration_ms=dice.choice((None, 0, dice.randrange(60_000))),
        cost_usd=dice.choice((None, None, Decimal(dice.randrange(10**9)) / 10**9)),
        **labels,
    )


def _moment(dice: Random) -> datetime:
    quarter = FIRST + timedelta(minutes=15) * dice.randrange(DAYS * 96)
    return quarter + timedelta(microseconds=dice.choice((0, 1, 899_999_999, dice.randrange(900_000_000))))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's range and filters."""

    window: Window
    filters: dict[str, list[str]]


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    """Any range of any zone, cut into any buckets, narrowed by up to two dimensions."""
    zone = draw(st.sampled_from(ZONES))
    bucket = draw(st.sampled_from(("15m", "1h", "1d", "1w")))
    now = FIRST + timedelta(seconds=draw(st.integers(0, DAYS * 86_400)))
    preset = draw(st.sampled_from(("", "today", "24h", "7d", "28d", "mtd")))
    first = date(2025, 10, 21) + timedelta(days=draw(st.integers(0, DAYS)))
    try:
        if preset:
            window = by_preset(preset, zone=zone, now=now, bucket=bucket)
        else:
            window = by_days(first, first + timedelta(days=draw(st.integers(0, DAYS))), zone=zone, bucket=bucket)
    except BadWindow:
        window = by_preset("7d", zone=zone, now=now, bucket="1d")
    names = draw(st.lists(st.sampled_from(sorted(FILTERS)), unique=True, max_size=2))
    return Asked(window, {name: draw(st.lists(st.sampled_from(FILTERS[name]), min_size=1)) for name in names})


def answers(project: Project, asked: Asked) -> dict[str, Any]:
    """Everything that can be asked of a range."""
    window: dict[str, Any] = {"project_id": project.pk, "window": asked.window, "filters": asked.filters}
    conn = connection()
    return {
        "total": queries.usage_total(conn, **window),
        "days": queries.usage_days(conn, **window),
        "unpriced": queries.unpriced_models(conn, **window),
        "costs": queries.cost_differences(conn, above_percent=0, **window),
        "spreads": queries.histograms_by(conn, by="model", **window),
        **{f"by {name}": queries.usage_by(conn, by=name, **window) for name in FILTERS},
        **{f"series {name}": queries.usage_series(conn, by=name, **window) for name in ("model", "session")},
    }


@contextmanager
def calls_alone() -> Iterator[None]:
    """Every question is asked of calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "reads_calls", lambda *_, **__: True)
        patch.setattr(narrowing, "narrowed", lambda _, piece, **__: piece)
        yield


def made(zone: str, seed: int) -> Project:
    """A project that reports in a zone, with two weeks of calls, all added up."""
    project = Project.objects.get(slug=ensure_project(slug=f"p{uuid.uuid4().hex[:12]}", time_zone=zone).slug)
    send(project.pk, invented(seed), now=NOW)
    added_up(project.pk)
    return project


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Madrid", "America/St_Johns"])
def test_rollups_answer_as_calls_do(zone: str) -> None:
    project = made(zone, seed=ZONES.index(zone))

    @settings(max_examples=settings().max_examples // 4, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(questions())
    def holds(asked: Asked) -> None:
        with calls_alone():
            expected = answers(project, asked)
        assert answers(project, asked) == expected

    holds()
    assert queries.usage_total(connection(), project_id=project.pk, window=_all(zone)).calls == 160


@pytest.mark.parametrize(
    ("table", "seen"),
    [
        ("rollup_1d", {"by host", "by tier"}),
        ("rollup_brief_1d", {"total", "days", "by model", "series model"}),
        ("rollup_session_1d", {"by session", "series session"}),
    ],
)
def test_a_rollup_that_counts_wrongly_is_seen(table: str, seen: set[str]) -> None:
    project = made("Asia/Kolkata", seed=9)
    asked = Asked(_all("Asia/Kolkata"), {})
    with calls_alone():
        expected = answers(project, asked)
    connection().execute(
        f"UPDATE telemetry_{table} SET output = output + 1 WHERE project_id = %s AND bucket ="
        f" (SELECT min(bucket) FROM telemetry_{table} WHERE project_id = %s)",
        [project.pk, project.pk],
    )
    found = answers(project, asked)
    assert seen <= {name for name in found if found[name] != expected[name]}


def test_when_the_zone_of_a_project_changes_its_days_are_cut_anew() -> None:
    project = made("UTC", seed=11)
    asked = Asked(_all("Asia/Kolkata"), {})
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    with calls_alone():
        expected = answers(project, asked)
    assert answers(project, asked) == expected
    added_up(project.pk)
    assert answers(project, asked) == expected


def test_calls_that_are_not_added_up_yet_are_counted_as_waiting() -> None:
    project = made("UTC", seed=12)
    assert queries.coverage(connection(), project_id=project.pk, start=FIRST, end=NOW).last_call_at is not None
    send(project.pk, [Call(id="late", started_at=FIRST, model="m", output=1)], now=NOW)
    assert waiting_minutes(connection(), project_id=project.pk) == 1
    assert waiting_minutes(added_up(project.pk), project_id=project.pk) == 0


def test_coverage_is_the_time_of_the_oldest_and_newest_call() -> None:
    project = made("Europe/Madrid", seed=13)
    moments = [call.started_at for call in invented(13)]
    held = queries.coverage(connection(), project_id=project.pk, start=FIRST, end=NOW)
    assert (held.first_call_at, held.last_call_at) == (min(moments), max(moments))
    empty = queries.coverage(connection(), project_id=project.pk, start=NOW, end=NOW + timedelta(days=9))
    assert (empty.first_call_at, empty.last_call_at) == (None, None)


def test_one_session_or_execution_is_not_looked_for_where_it_was_not() -> None:
    tenant = new_tenant()
    hours = [FIRST + timedelta(hours=n) for n in range(6)]
    labels = [("s-1", "r-1"), ("s-1", ""), ("s-2", "r-1"), ("s-2", ""), ("", "r-2"), ("", "")]
    pairs = zip(hours, labels, strict=True)
    send(tenant, [Call(id=f"{at}", started_at=at, model="m", session_id=s, execution_id=r) for at, (s, r) in pairs])
    whole = plan.Piece("call", FIRST - timedelta(days=9), FIRST + timedelta(days=9))

    def hours_of(**filters: list[str]) -> tuple[float, float]:
        part = narrowing.narrowed(added_up(tenant), whole, project_id=tenant, filters=filters)
        return (part.start - FIRST) // timedelta(hours=1), (part.end - FIRST) // timedelta(hours=1)

    assert hours_of() == hours_of(session=["", "s-1"]) == hours_of(execution=["r-9"]) == (-216, 216)
    assert hours_of(session=["s-1"]) == (0, 1)
    assert hours_of(session=["s-1", "s-2"]) == (0, 3)
    assert hours_of(execution=["r-1"]) == (-24, 26)
    assert hours_of(session=["s-2"], execution=["r-2"]) == (2, 3)
    empty = narrowing.narrowed(added_up(tenant), whole, project_id=tenant, filters={"session": ["nobody"]})
    assert empty.start == empty.end


def test_a_span_that_is_too_short_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    project = made("UTC", seed=14)
    asked = Asked(_all("UTC"), {"session": ["s-1"], "skill": ["pdf", ""]})
    with calls_alone():
        expected = answers(project, asked)
    assert answers(project, asked) == expected
    monkeypatch.setattr(narrowing, "span_of_sessions", lambda *_, **__: (FIRST, FIRST + timedelta(days=3)))
    assert answers(project, asked) != expected


def _all(zone: str) -> Window:
    return by_days(date(2025, 10, 20), date(2025, 11, 7), zone=zone, bucket="1d")
