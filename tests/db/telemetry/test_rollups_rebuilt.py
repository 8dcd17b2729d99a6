"""Whatever comes in whatever order: what was folded step by step is what is made anew, and is what the calls say."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.access.projects import ensure_project
from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.ledger import overrides
from telemetry.ledger.repricing import reprice
from telemetry.models import PriceOverride, Project
from telemetry.series.rollups import rebuild
from tests.ledger_reading import send, sums
from tests.rollup_reading import counted, fold, folded, total_of

pytestmark = pytest.mark.usefixtures("database")
AROUND = {  # what happens in each zone then, and a quarter or half an hour from UTC
    "Asia/Kolkata": datetime(2026, 10, 25, 18, 30, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 10, 25, 18, 15, tzinfo=UTC),
    "America/St_Johns": datetime(2026, 11, 1, 4, 30, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, tzinfo=UTC),
    "Europe/Madrid": datetime(2026, 10, 25, 1, tzinfo=UTC),
    "America/Santiago": datetime(2026, 9, 6, 4, tzinfo=UTC),  # midnight is skipped
    "America/Havana": datetime(2026, 11, 1, 5, tzinfo=UTC),  # midnight comes twice
}
AT_ONCE = ("Asia/Kathmandu", "America/St_Johns", "America/Santiago")  # the others are slow
LABELS = st.sampled_from(["", "a", "b"])


@dataclass(frozen=True)
class Fold:
    """Fold, so many days after the moment around which everything happens: minutes are kept, or no longer."""

    days: int


@dataclass(frozen=True)
class Price:
    """A price of one's own, and all calls priced by it."""

    usd: int


@dataclass(frozen=True)
class Zone:
    """The project's days are cut elsewhere."""

    name: str


def calls(around: datetime) -> st.SearchStrategy[Call]:
    """Copies of a few calls: larger, smaller, elsewhere in time, under each other's names, of runs and sessions."""
    return st.builds(
        Call,
        id=st.sampled_from([f"call-{n}" for n in range(8)]),
        aliases=st.sampled_from([(), (), (), ("call-1",), ("call-2", "call-3")]),
        started_at=st.integers(-36 * 60, 36 * 60).map(lambda minutes: around + timedelta(minutes=minutes, seconds=7)),
        model=st.sampled_from(["own-model", "gpt-5"]),
        input_uncached=st.integers(0, 5_000),
        cache_read=st.integers(0, 5_000),
        output=st.integers(0, 900),
        reasoning=st.none() | st.integers(0, 50),
        cost_usd=st.none() | st.sampled_from([Decimal("0.5"), Decimal("0.125")]),
        duration_ms=st.none() | st.integers(0, 90_000),
        agent=LABELS,
        session_id=LABELS,
        execution_id=st.sampled_from(["", "", "run-1", "run-2"]),
        error_type=st.sampled_from(["", "", "429"]),
    )


def executions(around: datetime) -> st.SearchStrategy[Execution]:
    """Runs with totals that count until there are calls, which begin earlier or later than was said before."""
    return st.builds(
        Execution,
        execution_id=st.sampled_from(["run-1", "run-2", "run-3"]),
        started_at=st.integers(-36, 36).map(lambda hours: around + timedelta(hours=hours)),
        model=LABELS,
        tokens_input=st.none() | st.integers(0, 1_000),
        tokens_output=st.none() | st.integers(0, 1_000),
        execution_time=st.none() | st.sampled_from([60.0, 7_200.0]),
        status=st.sampled_from(["started", "done", "failed"]),
        agent=LABELS,
        session_id=LABELS,
    )


def histories(around: datetime) -> st.SearchStrategy[list[object]]:
    """What happens to a project."""
    batches = st.tuples(st.lists(calls(around), max_size=6), st.lists(executions(around), max_size=2))
    others = st.one_of(
        st.sampled_from([0, 0, 0, 9]).map(Fold), st.integers(1, 4).map(Price), st.sampled_from(list(AROUND)).map(Zone)
    )
    return st.lists(batches | batches | others, min_size=2, max_size=10)


@dataclass
class Told:
    """A history as it is told to a project of its own. Time only goes on."""

    project: Project
    around: datetime
    days: int = 0

    @property
    def now(self) -> datetime:
        return self.around + timedelta(days=2 + self.days)

    def step(self, event: object) -> None:
        """Let one thing happen."""
        match event:
            case Fold(days):
                self.days = max(self.days, days)
                fold(self.project.pk, now=self.now)
            case Price(usd):
                PriceOverride.objects.create(
                    project=self.project, model="own-model", input_usd=Decimal(usd), output_usd=Decimal(usd)
                )
                overrides.forget()
                start, end = self.around - timedelta(days=3), self.around + timedelta(days=3)
                for _ in reprice(connection(), project_id=self.project.pk, start=start, end=end):
                    pass
            case Zone(name):
                Project.objects.filter(pk=self.project.pk).update(time_zone=name)
                self.project.time_zone = name
            case (list() as some, list() as runs):
                send(self.project.pk, some, executions=runs, now=self.now)


@pytest.mark.parametrize(
    "zone", [zone if zone in AT_ONCE else pytest.param(zone, marks=pytest.mark.slow) for zone in AROUND]
)
def test_folded_step_by_step_is_made_anew_is_counted(zone: str) -> None:
    """And no token is lost or invented on the way."""

    @given(histories(AROUND[zone]))
    @settings(max_examples=settings().max_examples // 6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def check(history: list[object]) -> None:
        project = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}", time_zone=zone)
        told = Told(project, AROUND[zone])
        for event in history:
            told.step(event)
        fold(project.pk, now=told.now)
        step_by_step = folded(project.pk)
        assert step_by_step == counted(project.pk, project.time_zone)
        for _ in rebuild(connection(), project_id=project.pk, now=told.now):
            pass
        assert folded(project.pk) == step_by_step
        of_calls = sums(project.pk)
        for table in step_by_step.keys() - {"session"}:
            kept = total_of(step_by_step[table])
            for name in ("calls", "input_uncached", "cache_read", "output", "reasoning", "cost_nanousd"):
                assert kept[name] == getattr(of_calls, name)

    check()


def test_rows_that_no_call_stands_behind_are_gone_when_all_is_made_anew() -> None:
    project = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}", time_zone="Europe/Madrid")
    around = AROUND["Europe/Madrid"]
    send(project.pk, [Call(id="one", started_at=around, model="m", output=5)], now=around)
    fold(project.pk, now=around)
    with connection().cursor() as cursor:
        for table in ("1m", "15m", "1d", "session_15m", "session_1d"):
            cursor.execute(f"UPDATE telemetry_rollup_{table} SET output = 7 WHERE project_id = %s", [project.pk])
        cursor.execute(
            "UPDATE telemetry_rollup_1d SET bucket = bucket + interval '1 hour' WHERE project_id = %s", [project.pk]
        )
    assert folded(project.pk) != counted(project.pk, "Europe/Madrid")
    done = list(rebuild(connection(), project_id=project.pk, now=around))
    assert done == [(around.date(), around.date())]
    assert folded(project.pk) == counted(project.pk, "Europe/Madrid")


def test_only_the_days_that_are_asked_for_are_made_anew() -> None:
    project = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")
    first = AROUND["Europe/Madrid"]
    moments = [first - timedelta(days=n) for n in range(3)]
    send(project.pk, [Call(id=str(n), started_at=at, model="m", output=1) for n, at in enumerate(moments)], now=first)
    fold(project.pk, now=first)
    with connection().cursor() as cursor:
        cursor.execute("UPDATE telemetry_rollup_15m SET output = 7 WHERE project_id = %s", [project.pk])
    day = moments[1].date()
    assert list(rebuild(connection(), project_id=project.pk, now=first, first=day, last=day)) == [(day, day)]
    assert sorted(row[0]["output"] for row in folded(project.pk)["15m"].values()) == [1, 7, 7]
