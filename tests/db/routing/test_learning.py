"""What became of answers: kept once, added up, known later, and what is learned of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from routing.contracts import Attempt, Caller, Fault, Provider, Tier, Usage, Verdict
from routing.ladder import calibrating, learning, pricing
from routing.ladder.calibrating import calibrations
from routing.ladder.health import Health
from routing.ladder.learning import Learned, learn
from routing.ladder.shares import Shares, price
from routing.ladder.signals import NAMES
from routing.models import BreakerChange, Outcome, OutcomeDay, ReasonDay, TierPrice
from telemetry import facade
from telemetry.contracts import Execution
from telemetry.models import Project

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    attempt: Attempt
    caller: Caller


def ended(project: Project, *, execution: str = "", task_type: str = "summary", **given: Any) -> Ended:
    usual: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "request_id": "r",
        "number": 1,
        "tier_id": 1,
        "tier": "qwen3",
        "position": 1,
        "provider": "local",
        "model": "m",
        "reason": "the lowest tier that can",
        "started_at": NOW - timedelta(minutes=5),
        "duration_s": 1.0,
        "ttft_s": None,
        "usage": Usage(),
        "verdict": Verdict(passed=True, p_good=0.75, signals=(0.0,) * len(NAMES)),
        "is_final": given.get("fault") is None,
        "prompt_chars": 100,
    }
    caller = Caller(project_id=project.pk, key_id=1, session="s", task_type=task_type, execution=execution)
    return Ended(Attempt(**usual | given), caller)


def counted(project: Project, tier_id: int = 1) -> tuple[float, float, float]:
    found = learning.read_table(project.pk, now=NOW).by_type["summary", tier_id]
    return found.n, found.good, found.refused


DOWN = Fault(kind="server", message="503")
REFUSED = Fault(kind="gate", message="false_sum")


def test_an_answer_is_added_up_once_however_often_it_is_told(project: Project) -> None:
    told = [ended(project), ended(project, fault=REFUSED, is_final=False), ended(project, verdict=None, fault=DOWN)]
    learn(told)
    learn(told)
    assert counted(project) == (2, 1.5, 1)
    day = OutcomeDay.objects.get(project_id=project.pk)
    assert (day.n, day.refused, day.failed) == (2, 1, 1)
    why = ReasonDay.objects.get(project_id=project.pk)
    assert (why.reason, why.n, why.answered, why.final, why.good) == ("the lowest tier that can", 3, 2, 1, 1.5)
    spread = learning.read_table(project.pk, now=NOW).lengths["summary"]
    assert (spread.n, round(spread.mean, 3), round(spread.variance, 3)) == (2, 4.615, 0)


def test_what_never_answered_says_nothing_of_prompts_and_hides_nothing_else(project: Project) -> None:
    learn([ended(project), ended(project, task_type="down", verdict=None, fault=DOWN)])
    learned = Learned()
    learned.renew(project.pk, [], now=NOW)
    table = learned.of(project.pk).table
    assert set(table.lengths) == {"summary"}
    assert table.by_type["down", 1].n == 0


def test_a_hostile_label_is_kept_as_far_as_it_fits(project: Project) -> None:
    learn([ended(project, execution="e\0" * 500, task_type="<script>\0" * 100)])
    kept = Outcome.objects.get(project_id=project.pk)
    assert (len(kept.task_type), len(kept.execution)) == (200, 200)


def test_a_higher_tiers_answer_says_whether_the_refused_one_was_good(project: Project) -> None:
    first, second = (ended(project, fault=REFUSED, is_final=False) for _ in range(2))
    same = ended(project, tier_id=4, climbed_from=first.attempt.id, agreement=1.0)
    other = ended(project, tier_id=4, climbed_from=second.attempt.id, agreement=-1.0)
    learn([first, second])
    learn([same, other])
    learn([same, other])
    kept = {one.id: one for one in Outcome.objects.filter(project_id=project.pk, tier_id=1)}
    assert (kept[first.attempt.id].is_good, kept[first.attempt.id].would_help) == (True, False)
    assert (kept[second.attempt.id].is_good, kept[second.attempt.id].would_help) == (False, True)
    day = OutcomeDay.objects.get(project_id=project.pk, tier_id=1)
    assert (day.compared, day.bettered) == (2, 1)
    assert counted(project) == (2, 1.0, 2), "what is known takes the place of what was likely"


def test_an_audit_is_believed_over_the_end_of_a_run_and_not_the_other_way(project: Project) -> None:
    first = ended(project, execution="run-1")
    learn([first])
    facade.record(
        project_id=project.pk,
        executions=[Execution(execution_id="run-1", started_at=NOW, status="completed")],
        source="test",
        now=NOW,
    )
    assert calibrating.learn_from_runs(project.pk, now=NOW) == 1
    assert calibrating.learn_from_runs(project.pk, now=NOW) == 0
    assert counted(project) == (1, 1.0, 0)
    learn([ended(project, tier_id=4, climbed_from=first.attempt.id, agreement=-1.0, is_audit=True)])
    assert Outcome.objects.get(project_id=project.pk, id=first.attempt.id).known_by == "audit"
    assert counted(project) == (1, 0.0, 0)


def test_a_run_that_goes_on_or_says_nothing_teaches_nothing(project: Project) -> None:
    learn([ended(project, execution="going"), ended(project, execution="silent")])
    facade.record(
        project_id=project.pk,
        executions=[Execution(execution_id="going", started_at=NOW, status="running")],
        source="test",
        now=NOW,
    )
    assert calibrating.learn_from_runs(project.pk, now=NOW) == 0


def test_what_is_known_calibrates_the_gate_and_a_process_reads_it_within_a_minute(project: Project) -> None:
    draw = Random(5)
    bad = NAMES.index("false_sum")
    rows = []
    for n in range(300):
        seen = tuple(float(place == bad and n % 3 == 0) for place in range(len(NAMES)))
        rows.append(ended(project, verdict=Verdict(passed=True, p_good=0.7, signals=seen)))
    learn(rows)
    truths = [draw.random() < (0.2 if n % 3 == 0 else 0.8) for n in range(300)]
    calibrating.know_outcomes(
        project.pk,
        [
            {"id": row.attempt.id, "is_good": truth, "would_help": not truth, "known_by": "climb"}
            for row, truth in zip(rows, truths, strict=True)
        ],
    )
    learned = Learned()
    assert learned.of(project.pk).calibration == calibrations(project.pk)
    assert learned.is_stale(project.pk, now=NOW)
    assert calibrating.calibrate(project.pk, now=NOW) == 2
    learned.renew(project.pk, [], now=NOW)
    assert not learned.is_stale(project.pk, now=NOW + timedelta(seconds=59))
    known = learned.of(project.pk)
    good = known.calibration.good["summary", 1]
    false_sum = tuple(float(place == bad) for place in range(len(NAMES)))
    assert good.p(false_sum) < 0.4 < 0.6 < good.p((0.0,) * len(NAMES))
    assert known.calibration.helps["summary", 1].p(false_sum) > 0.6
    assert known.table.by_tier[1].n == 300


def test_what_is_older_than_ninety_days_is_forgotten(project: Project) -> None:
    learn([ended(project, started_at=NOW - timedelta(days=91)), ended(project)])
    calibrating.forget(now=NOW)
    assert Outcome.objects.filter(project_id=project.pk).count() == 1
    assert OutcomeDay.objects.filter(project_id=project.pk).count() == 1


@pytest.fixture
def tiers(database: None) -> list[Tier]:
    """Two tiers that no other test has."""
    first = 10**9 + Random(uuid.uuid4().int).randrange(10**9)
    TierPrice.objects.all().delete()
    provider = Provider(id=1, name="p", family="openai", base_url="http://127.0.0.1:1/v1")
    return [
        Tier(
            id=first + place,
            position=place + 1,
            name=f"t{place}",
            provider=provider,
            model="m",
            context_window=9,
            share=share,
        )
        for place, share in enumerate((0.8, 0.2))
    ]


def test_a_tier_that_answers_more_than_its_share_gets_dearer_for_every_process_once(
    project: Project, tiers: list[Tier]
) -> None:
    low, high = tiers
    learn(ended(project, tier_id=tier.id) for tier in (low, high) for _ in range(20))
    learn([ended(project, tier_id=high.id, is_pinned=True) for _ in range(50)])
    before = price(Shares(), high, height=1)
    after = pricing.step(tiers, now=NOW)
    assert after.prices[high.id] == pytest.approx(before + 0.0004 * (20 / 0.2 - 40))
    assert after.prices[low.id] == 0
    assert pricing.step(tiers, now=NOW + timedelta(seconds=1)) == after, "no answers since"
    learn(ended(project, tier_id=low.id) for _ in range(40))
    assert pricing.step(tiers, now=NOW + timedelta(seconds=29)) == after, "not yet time"
    assert pricing.step(tiers, now=NOW + timedelta(seconds=31)).prices[high.id] < after.prices[high.id]


def test_what_breakers_did_is_kept_and_taken_from_the_process(tiers: list[Tier]) -> None:
    health = Health()
    for _ in range(3):
        health.note(tiers[0].id, Fault(kind="server", message=""), now=NOW)
    learning.store_changes(health.changes)
    assert not health.changes
    assert [(one.at, one.kind) for one in BreakerChange.objects.filter(tier_id=tiers[0].id)] == [(NOW, "server")]


def test_a_tier_that_a_process_left_out_is_asked_again_once_another_had_an_answer(tiers: list[Tier]) -> None:
    first, second = Health(), Health()
    first.note(tiers[0].id, Fault(kind="account", message=""), now=NOW)
    learning.store_changes(first.changes)
    for tier in tiers:
        second.note(tier.id, None, now=NOW + timedelta(hours=1))
    learning.store_changes(second.changes)
    seen = [
        (one.tier_id, one.kind)
        for one in BreakerChange.objects.filter(tier_id__in=[tier.id for tier in tiers]).order_by("at")
    ]
    assert seen == [(tiers[0].id, "account"), (tiers[0].id, "")], "and nothing of the tier that was never left out"
