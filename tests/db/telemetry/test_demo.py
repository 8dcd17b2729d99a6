"""The demo project: filled once, and removed without a trace and without touching anybody else's."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection as django_connection

from telemetry import contracts, facade
from telemetry.access.keys import create_key
from telemetry.access.projects import ensure_owner, ensure_project
from telemetry.contracts import Call, MeterReading, Rejection
from telemetry.database import connection
from telemetry.importer.demo import load_demo
from telemetry.ledger import intake, invoices
from telemetry.ledger.ingest import ingest
from telemetry.ledger.invoice_csv import read_invoice
from telemetry.ledger.meters import record_readings
from telemetry.ledger.removal import NotADemo, remove_demo
from telemetry.limits.curbs import newest_curbs
from telemetry.limits.standing import outlook
from telemetry.models import (
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertRule,
    AllowedWaste,
    Anomaly,
    Attribution,
    Detector,
    DetectorRule,
    Execution,
    ImportedFile,
    Job,
    KeyResult,
    KeyResultValue,
    Membership,
    Objective,
    PriceOverride,
    Project,
    Report,
    Run,
    RunState,
    WorkItem,
)
from telemetry.series import runs
from telemetry.series.queries import unpriced_models, usage_by, usage_total
from telemetry.series.rollups import catch_up
from telemetry.series.window import by_preset
from telemetry.sources.demo import invent
from telemetry.sources.demo.governed import LIMITS, governed_sessions
from tests.ledger_reading import added_up

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
WEEK = by_preset("7d", zone="UTC", now=NOW)
PLAIN: dict[str, Any] = {
    **dict.fromkeys(("BigIntegerField", "IntegerField", "PositiveSmallIntegerField", "FloatField", "DecimalField"), 1),
    "TextField": "x",
    "CharField": "x",
    "BooleanField": False,
    "ArrayField": [],
    "JSONField": {},
    "ForeignKey": 0,
    "DateField": NOW.date(),
    "DateTimeField": NOW,
    "UUIDField": uuid4(),
}
pytestmark = pytest.mark.usefixtures("django_here")


def rows_of(project_id: int) -> dict[str, int]:
    """How many rows of each of telemetry's tables belong to a project, and how many projects of that id there are."""
    counts = {}
    with django_connection.cursor() as cursor:
        for model in apps.get_app_config("telemetry").get_models():
            columns = {field.column for field in model._meta.local_fields}
            column = "id" if model is Project else "project_id"
            if column in columns:
                table = django_connection.ops.quote_name(model._meta.db_table)
                cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} = %s", [project_id])
                counts[model.__name__] = cursor.fetchone()[0]
    return counts


def test_the_demo_is_a_labelled_project_of_the_owner_with_all_kinds_of_prices() -> None:
    owner = ensure_owner()
    load_demo(connection(), now=NOW, days=7, agents=4)
    demo = Project.objects.get(slug="demo")
    assert (demo.is_demo, demo.time_zone, demo.name) == (True, "UTC", "Demo (invented data)")
    assert Membership.objects.get(project=demo).user_id == owner
    week = list(invent(now=NOW, days=7, agents=4))
    total = usage_total(added_up(demo.pk), project_id=demo.pk, window=WEEK)
    assert total.calls == sum(len(day.calls) for day in week)
    assert total.output == sum(call.output for day in week for call in day.calls)
    models = {row.key: row for row in usage_by(added_up(demo.pk), project_id=demo.pk, window=WEEK, by="model")}
    assert models["qwen/qwen3-coder:free"].cost_nanousd == models["qwen/qwen3-coder:free"].unpriced_calls == 0
    unpriced = unpriced_models(added_up(demo.pk), project_id=demo.pk, window=WEEK)
    assert [model for _, model, _ in unpriced] == ["house-coder-7b"]
    assert Execution.objects.filter(project_id=demo.pk, has_calls=True).count() == sum(
        len(day.executions) for day in week
    )


def test_loading_again_adds_only_days_that_are_new() -> None:
    first = load_demo(connection(), now=NOW, days=7, agents=2)
    again = load_demo(connection(), now=NOW, days=7, agents=2)
    assert (again.accepted, again.duplicates) == (0, first.accepted)
    tomorrow = load_demo(connection(), now=NOW + timedelta(days=3), days=10, agents=2)
    assert tomorrow.duplicates == first.accepted
    assert tomorrow.accepted > 0


def test_the_demo_s_budgets_have_something_to_show_and_loading_again_tells_nothing_twice() -> None:
    ensure_owner()
    for _ in range(2):
        facade.load_demo(now=NOW, days=14, agents=1)
    demo = Project.objects.get(slug="demo")
    days = [governed_sessions(NOW.date() - timedelta(days=back), now=NOW) for back in range(14)]
    told, expected = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in newest_curbs(connection(), project_id=demo.pk, most=500):
        told[row.kind, row.session_id] += row.calls
    for curb in (one for day in days for one in day.curbs if one.at < NOW.replace(minute=0)):
        expected[curb.kind, curb.session_id] += curb.calls
    assert told == expected
    passed = [one for day in days for one in day.passed]
    assert Alert.objects.filter(project=demo).count() == len(passed) > 3
    found = outlook(added_up(demo.pk), project_id=demo.pk, zone="UTC", now=NOW)
    over = {one.subject: one.spans.over for one in found.budgets if one.budget.is_own and one.spans}
    assert over == {name: sum(one.percent == 100 for one in passed if one.session_type == name) for name in LIMITS}


def fill(project: Project) -> None:
    """A row of every table that loading a demo leaves empty."""
    PriceOverride.objects.create(project=project, model="m", is_free=True)
    strange = Call(id="c2", started_at=datetime(1970, 1, 1, tzinfo=UTC), model="m")
    calls = [Call(id="c1", started_at=NOW, model="m", session_id="s", execution_id="e"), strange]
    run = contracts.Execution(execution_id="e", started_at=NOW, tokens_output=9)
    ingest(connection(), project_id=project.pk, calls=calls, executions=[run], source="test", now=NOW)
    catch_up(connection(), project_id=project.pk, now=NOW, patience=60)
    reading = MeterReading(
        series="one",
        session_id="s2",
        model="m",
        agent="a",
        bucket="output",
        started_at=NOW,
        at=NOW,
        value=1,
        is_delta=True,
    )
    record_readings(connection(), project_id=project.pk, readings=[reading], source="test", now=NOW)
    ImportedFile.objects.create(
        project_id=project.pk, source="s", host="h", path="p", size=1, offset=1, fingerprint=b"", imported_at=NOW
    )
    refused = [Rejection(0, "", "a reason")]
    intake.note(connection(), project_id=project.pk, source="s", received=1, rejections=refused, now=NOW)
    file = read_invoice(b"date,model,cost\n2026-11-20,m,1\n")
    invoices.enter_file(project_id=project.pk, provider="p", file=file, file_name="f", by="o", now=NOW)
    fill_observing(project)
    fill_objectives(project)
    fill_others(project)


def fill_objectives(project: Project) -> None:
    """A row of every table of objectives."""
    said: dict[str, Any] = {"project": project, "recorded_on": NOW.date()}
    objective = Objective.objects.create(**said, key="filled", title="t")
    result = KeyResult.objects.create(**said, objective=objective, key="filled-1", title="t")
    KeyResultValue.objects.create(project=project, key_result=result, day=NOW.date(), value=1)
    WorkItem.objects.create(**said, key="k")
    Attribution.objects.create(**said, kind="tag", name="n", objective=objective)


def fill_others(project: Project) -> None:
    """A row of every table that has none yet: they are written by the observer alone, and mean nothing here."""
    counts = rows_of(project.pk)
    for model in apps.get_app_config("telemetry").get_models():
        if not counts.get(model.__name__, 1):
            every = model._meta.local_concrete_fields
            needed = [
                field for field in every if field.column == "project_id" or not (field.has_default() or field.null)
            ]
            values = {
                field.attname: project.pk if field.column == "project_id" else PLAIN[field.get_internal_type()]
                for field in needed
                if not field.has_db_default() and field.get_internal_type() in PLAIN
            }
            model.objects.create(**values)  # type: ignore[attr-defined]


def fill_observing(project: Project) -> None:
    """A row of every table of the observer."""
    of_run = {"project_id": project.pk, "execution_id": "by hand", "started_at": NOW}
    Run.objects.create(**of_run)
    runs.mark(connection(), project_id=project.pk, minutes=[NOW])
    RunState.objects.create(project_id=project.pk, is_long=True, summed_at=NOW, sum_ms=1)
    Anomaly.objects.create(
        **of_run, detector=Detector.CONTEXT_BLOAT, severity="high", tokens=2, tokens_wasted=1, found_at=NOW
    )
    DetectorRule.objects.create(project=project, detector=Detector.CONTEXT_BLOAT)
    AllowedWaste.objects.create(project=project, detector=Detector.CONTEXT_BLOAT, task_type="t")
    day = {"first_day": NOW.date(), "last_day": NOW.date()}
    Report.objects.create(project_id=project.pk, kind=Report.Kind.DAILY, **day, document={}, made_at=NOW)
    Job.objects.create(kind="k", project=project, period="2026-11-20", **day, not_before_at=NOW, created_at=NOW)
    fill_alerts(project)


def fill_alerts(project: Project) -> None:
    """A row of every table of alerts."""
    channel = AlertChannel.objects.create(project=project, name="c", kind=AlertChannel.Kind.WEBHOOK)
    rule = AlertRule.objects.create(project=project, kind=AlertRule.Kind.ANOMALY, channel=channel)
    moments = {"period_at": NOW, "since_at": NOW, "first_at": NOW, "last_at": NOW}
    alert = Alert.objects.create(project=project, rule=rule, subject="s", severity="high", title="t", **moments)
    AlertDelivery.objects.create(
        project=project,
        channel=channel,
        alert=alert,
        event=AlertDelivery.Event.FIRING,
        message_id=uuid4(),
        message={},
        next_at=NOW,
        created_at=NOW,
    )


def test_removing_the_demo_leaves_nothing_of_it_and_all_of_the_others() -> None:
    ensure_owner()
    mine = ensure_project(slug="mine")
    load_demo(connection(), now=NOW, days=3, agents=3)
    demo = Project.objects.get(slug="demo")
    for project in (mine, demo):
        create_key(project, name="a key", scopes=["read"])
        fill(project)
    before = rows_of(mine.pk)
    assert [name for name, rows in before.items() if not rows] == []
    held = rows_of(demo.pk)["Call"]
    assert {name for name, rows in before.items() if rows} >= {
        "Call",
        "Identity",
        "Execution",
        "Session",
        "Quarantined",
    }
    assert remove_demo(connection(), project_id=demo.pk) == held
    assert set(rows_of(demo.pk).values()) == {0}
    assert rows_of(mine.pk) == before


def test_a_project_that_is_no_demo_is_never_removed() -> None:
    mine = ensure_project(slug="mine")
    ingest(connection(), project_id=mine.pk, calls=[Call(id="c", started_at=NOW, model="m")], source="test", now=NOW)
    before = rows_of(mine.pk)
    for project_id in (mine.pk, 10**9):
        with pytest.raises(NotADemo):
            remove_demo(connection(), project_id=project_id)
    assert rows_of(mine.pk) == before


def test_somebodys_own_project_named_demo_is_left_alone() -> None:
    own = ensure_project(slug="demo", name="Our demo environment")
    with pytest.raises(CommandError, match="'demo' is not a demo"):
        call_command("demo")
    with pytest.raises(CommandError, match="Only a demo project"):
        call_command("demo", remove=True)
    assert rows_of(own.pk)["Call"] == 0
    assert Project.objects.get(slug="demo").name == "Our demo environment"


def test_the_command_loads_and_removes() -> None:
    out = StringIO()
    call_command("demo", days=2, agents=1, stdout=out)
    assert "invented calls and runs are new, 0 were there" in out.getvalue()
    call_command("demo", remove=True, stdout=out)
    assert "The demo is gone" in out.getvalue()
    assert not Project.objects.filter(slug="demo").exists()
    with pytest.raises(CommandError, match="There is no demo to remove"):
        call_command("demo", remove=True)


@pytest.mark.parametrize("words", [("--days", "0"), ("--days", "366"), ("--days", "x"), ("--agents", "0")])
def test_an_amount_that_cannot_be_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"invalid choice|not a number of days"):
        call_command("demo", *words)
