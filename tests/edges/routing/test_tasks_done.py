"""Tasks that a worker does by the ladder, with real providers on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from json import dumps
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from routing.errands import answering, shelf, wanted
from routing.models import Audit, Errand, Outcome, Tier
from telemetry.models import Project
from tests.conftest import ROOT, database_url
from tests.gateways import ledger, told
from tests.ladders import ladder
from tests.misbehaving import DOWN, Manner, Misbehaving, provider

PERSON = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
Providers = tuple[Misbehaving, Misbehaving]


@pytest.fixture
def providers(database: None, tmp_path: Path, settings: Settings) -> Iterator[Providers]:
    Errand.objects.all().delete()
    Audit.objects.all().delete()
    settings.DATA_DIR = tmp_path
    with provider() as first, provider() as second, ladder(first.openai, second.openai, has_json=True):
        settings.ALLOW_PRIVATE_UPSTREAM = frozenset({first.place, second.place})
        yield first, second
    Errand.objects.all().delete()


def ask(project: Project, **said: Any) -> Errand:
    task = wanted.read(dumps({"type": "summary", "prompt": "Say it.", "agent": "hermes", **said}).encode())
    return shelf.ask(task, project_id=project.pk, key_id=1, secret="s", now=datetime.now(UTC))[0]


def test_a_task_is_answered_by_the_lowest_tier_and_is_in_the_ledger_as_its_askers(
    project: Project, providers: Providers
) -> None:
    errand = ask(project)
    assert answering.answer_due() == 1
    errand.refresh_from_db()
    assert errand.state == "done"
    assert errand.answer is not None
    assert errand.answer["text"].endswith("word59")
    assert (errand.answer["tier"], errand.answer["attempts"], errand.answer["cost_nanousd"]) == (1, 1, 0)
    (call,) = ledger(project, 1)
    assert (call.agent, call.task_type, call.session_id) == ("hermes", "summary", f"task-{errand.pk}")
    assert (call.output, providers[0].output_tokens) == (60, 60)


def test_an_answer_that_breaks_the_schema_climbs_and_the_better_one_is_given_as_a_value(
    project: Project, providers: Providers
) -> None:
    first, second = providers
    first.always(Manner(text="three"))
    second.always(Manner(text='{"age": 3}'))
    errand = ask(project, schema=PERSON)
    assert answering.answer_due() == 1
    errand.refresh_from_db()
    assert errand.answer is not None
    assert (errand.answer["output"], errand.answer["tier"]) == ({"age": 3}, 2)
    ledger(project, 2)


def test_where_no_answer_keeps_to_the_schema_the_task_has_failed_with_the_last_one(
    project: Project, providers: Providers
) -> None:
    for one in providers:
        one.always(Manner(text="three"))
    errand = ask(project, schema=PERSON)
    assert answering.answer_due() == 1
    errand.refresh_from_db()
    assert (errand.state, errand.answer) == ("failed", None)
    assert errand.error.endswith("three")


def test_while_all_tiers_are_down_a_task_waits_and_is_not_failed(project: Project, providers: Providers) -> None:
    for one in providers:
        one.always(DOWN)
    errand = ask(project)
    assert answering.answer_due() == 0
    errand.refresh_from_db()
    assert (errand.state, errand.attempts) == ("waiting", 0)
    assert errand.error.startswith("50")


def test_an_audit_asks_a_higher_tier_once_and_teaches_what_the_gate_let_pass(
    project: Project, providers: Providers, settings: Settings
) -> None:
    first, second = providers
    first.always(Manner(text="It is 12."))
    second.always(Manner(text="It is 13."))
    settings.AUDIT_PERCENT, settings.AUDIT_NANOUSD_A_DAY = 100, 10**9
    ask(project)
    assert answering.answer_due() == 1
    assert Audit.objects.update(created_at=datetime.now(UTC) - timedelta(seconds=3)) == 1
    for _ in range(2):
        assert answering.answer_due() == 0
    low, high = ledger(project, 2)
    assert (low.tier, high.tier, told(high)["reason"]) == ("tier-1", "tier-2", "audit")
    known = Outcome.objects.get(project_id=project.pk, tier_id=Tier.objects.get(position=1).pk)
    assert (known.is_good, known.would_help, known.known_by) == (False, True, "audit")
    assert not Audit.objects.exists()


def test_no_answer_is_audited_where_nobody_asked_for_it_or_the_days_money_is_spent(
    project: Project, providers: Providers, settings: Settings
) -> None:
    for percent, money in ((0, 10**9), (100, 0)):
        settings.AUDIT_PERCENT, settings.AUDIT_NANOUSD_A_DAY = percent, money
        ask(project)
        assert answering.answer_due() == 1
    assert providers[1].calls == []
    assert not Audit.objects.exists()


@pytest.mark.faults
def test_a_worker_that_is_killed_over_a_task_leaves_it_to_the_next_and_one_answer_is_kept(
    project: Project, providers: Providers, tmp_path: Path
) -> None:
    first, _ = providers
    first.then(Manner(gap_s=0.5))
    errand = ask(project)
    code = (
        "import django; django.setup()\n"
        "from routing.errands import answering, running, shelf\n"
        "shelf.LEASE_S = running.LEASE_S = 1.0\n"
        "answering.answer_due()\n"
    )
    surroundings = {**os.environ, "DATABASE_URL": database_url(), "TLOI_DATA_DIR": str(tmp_path)}
    surroundings |= {"TLOI_ALLOW_PRIVATE_UPSTREAM": f"{first.place},{providers[1].place}"}
    surroundings |= {"DJANGO_SETTINGS_MODULE": "tloi_site.settings"}
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=surroundings)
    until = time.monotonic() + 30
    while not first.calls and time.monotonic() < until:
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    time.sleep(1.5)
    assert answering.answer_due() == 1
    errand.refresh_from_db()
    assert (errand.state, errand.attempts) == ("done", 2)
    ledger(project, 2)
