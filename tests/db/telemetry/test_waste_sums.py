"""What anomalies come to is kept as they are written, judged by people and removed: always what anomalies say."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import import_module
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from telemetry.access.projects import ensure_project
from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.ledger import dirty
from telemetry.ledger.removal import remove_demo
from telemetry.models import Anomaly, DetectorRule, Project, Run
from telemetry.observer import anomalies, verdicts, waste
from telemetry.observer.anomalies import Count
from telemetry.observer.judging import judge_runs, judge_span
from telemetry.observer.narrowing import Filters
from telemetry.observer.verdicts import Seen
from telemetry.observer.waste import WasteSums
from telemetry.series import waste_sums
from telemetry.series.rollups import rebuild
from telemetry.series.window import by_days, by_preset
from tests.anomalies import GONE, anomaly
from tests.ledger_reading import NOW, at_once, new_tenant, send
from tests.run_rows import MORNING, run
from tests.waste_reading import TABLES, counted, kept

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
WHEN = st.sampled_from(
    [0, 3, 15, 900, 955, 961, 1_500]
)  # minutes: two in a quarter, around a midnight of UTC, a day on
KEYS = [f"run-{number}" for number in range(5)]


@dataclass(frozen=True)
class Written:
    """A run is added up, perhaps anew and elsewhere, and judged."""

    key: str
    minute: int
    errors: int
    input: int
    agent: str
    status: str


@dataclass(frozen=True)
class Night:
    """All runs of three days are judged."""


@dataclass(frozen=True)
class Said:
    """A person gives what was found in a run a state."""

    key: str
    state: str


@dataclass(frozen=True)
class Gone:
    """A run is there no more."""

    key: str


@dataclass(frozen=True)
class Ruled:
    """A detector is turned off or on, or lets a task type pass."""

    detector: str
    is_on: bool


WRITTEN = st.builds(
    Written,
    key=st.sampled_from(KEYS),
    minute=WHEN,
    errors=st.integers(0, 1),
    input=st.sampled_from([100, 9_000, 30_000, 10**17]),
    agent=st.sampled_from(["", "a"]),
    status=st.sampled_from(["done", "running"]),
)
OTHERS = st.one_of(
    st.just(Night()),
    st.builds(Said, key=st.sampled_from(KEYS), state=st.sampled_from(verdicts.STATES)),
    st.builds(Gone, key=st.sampled_from(KEYS)),
    st.builds(Ruled, detector=st.sampled_from(["expensive_task", "false_completion"]), is_on=st.booleans()),
)


def told(project: Project, event: object) -> None:
    """Let one thing happen to a project."""
    tenant, conn = project.pk, connection()
    match event:
        case Written(key, minute, errors, tokens, agent, status):
            Run.objects.filter(project_id=tenant, execution_id=key).delete()
            run(tenant, key, minute=minute, errors=errors, input_uncached=tokens, agent=agent, status=status)
            judge_runs(conn, project_id=tenant, keys=[key], now=NOW)
        case Night():
            judge_span(conn, project_id=tenant, start=MORNING - DAY, end=MORNING + 2 * DAY, now=NOW)
        case Said(key, state):
            found = Anomaly.objects.filter(project_id=tenant, execution_id=key)
            if seen := [Seen(key, one.detector, one.state) for one in found]:
                verdicts.judge(project_id=tenant, seen=seen, state=state, by="ada", now=NOW)
        case Gone(key):
            Run.objects.filter(project_id=tenant, execution_id=key).delete()
            judge_runs(conn, project_id=tenant, keys=[key], now=NOW)
        case Ruled(detector, is_on):
            said = {"is_enabled": is_on}
            DetectorRule.objects.update_or_create(project=project, detector=detector, defaults=said)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(WRITTEN | WRITTEN | OTHERS, min_size=3, max_size=14))
def test_whatever_happens_the_sums_are_those_of_the_anomalies_and_of_a_rebuild(history: list[object]) -> None:
    project = ensure_project(slug=f"waste-{uuid.uuid4().hex[:12]}")
    for event in history:
        told(project, event)
    step_by_step = kept(connection(), project.pk)
    assert step_by_step == counted(project.pk)
    with connection().transaction():
        for name in TABLES:
            connection().execute(
                f"DELETE FROM telemetry_rollup_waste_{name} WHERE project_id = %s".encode(), [project.pk]
            )
        waste_sums.rebuild(connection(), project_id=project.pk, start=MORNING - DAY, end=MORNING + 2 * DAY)
    assert kept(connection(), project.pk) == step_by_step


@pytest.mark.parametrize("is_night", [False, True])
def test_a_run_that_is_moved_takes_its_waste_along(is_night: bool) -> None:
    tenant, conn = new_tenant(), connection()
    run(tenant, "moved", errors=1)
    judge_runs(conn, project_id=tenant, keys=["moved"], now=NOW)
    Run.objects.filter(project_id=tenant).update(started_at=MORNING + DAY)
    if is_night:
        judge_span(conn, project_id=tenant, start=MORNING + DAY, end=MORNING + 2 * DAY, now=NOW)
    else:
        judge_runs(conn, project_id=tenant, keys=["moved"], now=NOW)
    assert {bucket for bucket, *_ in kept(conn, tenant)["15m"]} == {MORNING + DAY}
    assert kept(conn, tenant) == counted(tenant)


def random_anomalies(tenant: int) -> None:
    """Anomalies of many runs around two midnights, of several labels and states, as they are after judging."""
    dice = Random(7)
    for number in range(40):
        moment = MORNING + timedelta(minutes=dice.choice([-500, -481, -480, -466, 0, 14, 15, 959, 960, 974, 2_000]))
        labels = {"agent": dice.choice("ab"), "model": dice.choice("xy"), "task_type": dice.choice(["", "t"])}
        for detector in dice.sample(["context_bloat", "expensive_task", "duplicate_work"], dice.randint(1, 3)):
            anomaly(
                tenant,
                f"run-{number}",
                detector,
                started_at=moment + timedelta(seconds=dice.randrange(60)),
                state=dice.choice(["new", "new", "acknowledged", "not_waste", "resolved"]),
                tokens=500,
                tokens_wasted=dice.randrange(1_000),
                **labels,
            )
    anomaly(tenant, "gone", started_at=MORNING, state="acknowledged", tokens_wasted=0, evidence=GONE)


FILTERS: list[Filters] = [
    {},
    {"agent": ["a"]},
    {"agent": ["a", "b"], "model": ["x"], "task_type": [""]},
    {"detector": ["expensive_task"]},
    {"detector": ["expensive_task"], "state": ["not_waste", "new"], "agent": ["b"]},
    {"detector": ["expensive_task", "context_bloat"]},
    {"severity": ["high"]},
    {"state": ["acknowledged"], "model": ["y"]},
    {"session": ["session-1"]},
    {"execution": ["run-1", "run-2"], "severity": ["high"]},
]


def test_sums_and_counts_of_rollups_are_those_of_anomalies(monkeypatch: pytest.MonkeyPatch) -> None:
    """In any zone, over whole days and parts of one, however the question is narrowed."""
    tenant, conn = new_tenant(), connection()
    random_anomalies(tenant)
    day = MORNING.date()
    windows = [
        *(by_days(day - DAY, day + DAY, zone=zone) for zone in ("UTC", "Asia/Kolkata", "America/St_Johns")),
        *(
            by_preset(name, zone="Europe/Madrid", now=MORNING + timedelta(minutes=20))
            for name in ("24h", "7d", "today")
        ),
        by_days(day, day, zone="Pacific/Chatham", bucket="15m"),
    ]
    asked = [(window, filters) for window in windows for filters in FILTERS]

    def answers() -> list[tuple[WasteSums, list[Count]]]:
        return [
            (
                waste.sums(conn, project_id=tenant, start=window.start, end=window.end, filters=filters),
                anomalies.anomaly_counts(conn, project_id=tenant, window=window, filters=filters),
            )
            for window, filters in asked
        ]

    of_rollups = answers()
    monkeypatch.setattr(waste_sums, "is_kept", lambda *_: False)
    assert of_rollups == answers()
    assert len({found.tokens_once for found, _ in of_rollups}) > 15


def test_a_range_that_begins_inside_a_quarter_of_an_hour_is_exact() -> None:
    tenant = new_tenant()
    random_anomalies(tenant)
    start = MORNING + timedelta(seconds=30)
    inside = Anomaly.objects.filter(project_id=tenant, started_at__gte=start, started_at__lt=MORNING + DAY)
    found = waste.sums(connection(), project_id=tenant, start=start, end=MORNING + DAY)
    assert found.total.anomalies + found.not_waste == inside.exclude(evidence=GONE).count() > 0


def test_a_page_reads_as_few_rows_however_many_anomalies_there_are() -> None:
    """None of them at all, and of a day or a quarter of an hour a row a kind of finding."""
    tenant, conn = new_tenant(), connection()
    for number in range(40):
        anomaly(tenant, f"run-{number}", agent=f"agent-{number}", started_at=MORNING + timedelta(seconds=number))
    rows = kept(conn, tenant)
    assert {name: len(rows[name]) for name in rows} == {"15m": 80, "brief_15m": 2, "1d": 80, "brief_1d": 2}
    span: dict[str, Any] = {"start": MORNING - 90 * DAY, "end": MORNING + DAY}
    window = by_days((MORNING - 90 * DAY).date(), MORNING.date(), zone="Asia/Kolkata")
    before = waste.sums(conn, project_id=tenant, **span)
    Anomaly.objects.filter(project_id=tenant).delete()
    assert waste.sums(conn, project_id=tenant, **span) == before
    assert sum(one.anomalies for one in anomalies.anomaly_counts(conn, project_id=tenant, window=window)) == 40


def slowly(tenant: int, begun: threading.Event) -> None:
    """Judge a run, and keep the transaction open until others have had their chance."""
    with connection().transaction():
        judge_runs(connection(), project_id=tenant, keys=["slow"], now=NOW)
        begun.set()
        time.sleep(0.7)


def at_the_same_time(tenant: int) -> None:
    """One judges a run while another judges another run of the same quarter of an hour, and a person a third."""
    begun = threading.Event()

    def quickly() -> None:
        assert begun.wait(30)
        judge_runs(connection(), project_id=tenant, keys=["quick"], now=NOW)

    def person() -> None:
        assert begun.wait(30)
        seen = [Seen("known", "false_completion", "new")]
        verdicts.judge(project_id=tenant, seen=seen, state="not_waste", by="ada", now=NOW)

    at_once(partial(slowly, tenant, begun), quickly, person)


@pytest.fixture
def three_runs() -> int:
    """A project with three runs of one quarter of an hour, one of which is judged."""
    tenant = ensure_project(slug=f"waste-{uuid.uuid4().hex[:12]}").pk
    for number, key in enumerate(("known", "slow", "quick")):
        run(tenant, key, errors=1, input_uncached=100 + 7 * number)
    judge_runs(connection(), project_id=tenant, keys=["known"], now=NOW)
    return tenant


def test_who_judges_at_the_same_time_loses_nothing(three_runs: int) -> None:
    at_the_same_time(three_runs)
    assert kept(connection(), three_runs) == counted(three_runs)
    assert {key[-1] for key in counted(three_runs)["1d"]} == {"", "new", "not_waste"}


def test_control_without_the_lock_the_sums_lack_what_another_wrote(
    three_runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dirty, "lock_judging", lambda *_, **__: None)
    at_the_same_time(three_runs)
    assert kept(connection(), three_runs) != counted(three_runs)


def test_a_rebuild_of_the_rollups_makes_waste_anew(project: Project) -> None:
    run(project.pk, "false", errors=1)
    send(project.pk, [Call(id="one", started_at=MORNING, model="m", output=1)])
    judge_runs(connection(), project_id=project.pk, keys=["false"], now=NOW)
    for name in TABLES:
        connection().execute(
            f"UPDATE telemetry_rollup_waste_{name} SET anomalies = 7 WHERE project_id = %s".encode(), [project.pk]
        )
    assert kept(connection(), project.pk) != counted(project.pk)
    list(rebuild(connection(), project_id=project.pk, now=NOW))
    assert kept(connection(), project.pk) == counted(project.pk)


def test_what_was_there_before_is_summed_by_the_migration(own: Connection[Any], django_here: None) -> None:
    tenant = new_tenant()
    random_anomalies(tenant)
    step_by_step = kept(own, tenant)
    for name in TABLES:
        own.execute(f"TRUNCATE telemetry_rollup_waste_{name}".encode())
    for fill in import_module("telemetry.migrations.0034_waste").FILLED:
        own.execute(fill.encode())
    assert kept(own, tenant) == step_by_step == counted(tenant)
    with own.transaction():
        waste_sums.rebuild(own, project_id=tenant, start=MORNING - 2 * DAY, end=MORNING + 3 * DAY)
    series = own.execute("SELECT count(*), count(DISTINCT (bucket, series_id)) FROM telemetry_rollup_waste_15m")
    assert series.fetchone() == (len(step_by_step["15m"]),) * 2


def test_a_removed_demo_leaves_no_waste_behind(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(is_demo=True)
    run(project.pk, "false", errors=1)
    judge_runs(connection(), project_id=project.pk, keys=["false"], now=NOW)
    assert all(kept(connection(), project.pk).values())
    remove_demo(connection(), project_id=project.pk)
    assert not any(kept(connection(), project.pk).values())
