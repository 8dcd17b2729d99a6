"""Forecasts from what earlier runs came to: asked for, kept, and held against what became of the run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.models import Budget, Forecast, KeyStat, Project, ResidualPool, RunLearned
from telemetry.outlook import expected, forecasting, forgetting, keystats
from telemetry.outlook.expected import Asked
from telemetry.outlook.forecast import Book
from telemetry.outlook.keys import fingerprint, keys_of
from tests.conftest import database_url
from tests.ledger_reading import NOW, at_once, send
from tests.run_reading import added_up

pytestmark = pytest.mark.usefixtures("database")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AT = NOW - 3 * HOUR
FIX = Asked(task_type="fix", tool="git", agent="a", description="Fix the tests of 2026-11-20")


def ran(name: str, tokens: int, *, at: datetime = AT, status: str = "completed", **fields: Any) -> Execution:
    """A run of a task that came to so many tokens, a fifth of them output."""
    said = {
        "task_type": "fix",
        "tool": "git",
        "agent": "a",
        "attributes": {"description": "Fix the tests of 2026-03-02"},
    }
    return Execution(
        execution_id=name,
        started_at=at,
        status=status,
        execution_time=60.0,
        tokens_input=tokens - tokens // 5,
        tokens_output=tokens // 5,
        **said | fields,
    )


def learn_all(tenant: int, *, now: datetime = NOW) -> None:
    """Add up what was sent, and learn from what is over, as the worker does."""

    def then(conn: Connection[Any], project_id: int, keys: Sequence[str], /) -> None:
        keystats.learn(conn, project_id=project_id, keys=keys, now=now)

    added_up(tenant, now=now, then=then)
    keystats.learn_due(connection(), now=now)


def history(tenant: int, tokens: Sequence[int] = tuple(range(900, 1_100, 10))) -> None:
    """Runs of one task that are over, a minute apart."""
    send(tenant, executions=[ran(f"h{n}", each, at=AT + n * MINUTE) for n, each in enumerate(tokens)])
    learn_all(tenant)


def known_runs(tenant: int) -> int:
    """How many runs the project's statistics know."""
    return KeyStat.objects.filter(project_id=tenant, level=0, measure="gross").values_list("runs", flat=True).get()


def ask(tenant: int, asked: Asked = FIX) -> expected.Forecast:
    """The answer."""
    return forecasting.forecast(connection(), project_id=tenant, asked=asked, now=NOW)


def only(tenant: int, execution_id: str) -> Forecast:
    """The one forecast of a run."""
    return Forecast.objects.get(project_id=tenant, execution_id=execution_id)


def grant(project: Project, amount: int, **fields: Any) -> None:
    """A budget of gross tokens for each run of the task type."""
    said = {"scope": "task_type", "subject": "fix", "period": "run", "counts": "gross"}
    Budget.objects.create(project=project, amount=Decimal(amount), **said | fields)


def test_twenty_runs_that_have_ended_make_a_forecast_and_nineteen_do_not(project: Project) -> None:
    history(project.pk, range(900, 1_090, 10))
    silent = ask(project.pk)
    assert (silent.tokens, silent.level, silent.runs, silent.warns) == (None, "", 19, False)
    assert silent.why_none == "No estimate: it needs 20 runs that have ended, and 19 are known."
    send(project.pk, executions=[ran("one more", 1_000)])
    learn_all(project.pk)
    found = ask(project.pk)
    assert (found.why_none, found.level, found.n, found.runs) == ("", "description", 20, 20)
    assert found.tokens is not None
    assert 950 < found.tokens.q50 < 1_050 < found.tokens.q90 < 1_400
    assert found.duration_ms is not None
    assert found.duration_ms.q50 == pytest.approx(60_000, rel=0.1)


def test_of_another_description_the_coarser_level_is_known(project: Project) -> None:
    history(project.pk)
    levels = [
        ask(project.pk, asked).level
        for asked in (
            Asked(task_type="fix", agent="a", description="Write the docs"),
            Asked(task_type="fix", agent="b"),
            Asked(task_type="plan", tool="git"),
            Asked(task_type="plan"),
        )
    ]
    assert levels == ["agent", "task_type", "tool", "global"]


def test_what_is_stored_is_what_the_engine_learned(project: Project) -> None:
    tokens = [1_000 + 37 * n % 400 for n in range(60)]
    history(project.pk, tokens)
    book = Book()
    keys = keys_of(tool="git", task_type="fix", agent="a", fingerprint=fingerprint("Fix the tests of 2026-03-02"))
    for n, each in enumerate(tokens):
        book.learn(keys, each, AT + (n + 1) * MINUTE)
    outlook, found = book.expect(keys), ask(project.pk)
    assert outlook is not None
    assert found.tokens is not None
    assert (found.tokens.q50, found.tokens.q90) == (round(outlook.quantile(0.5)), round(outlook.quantile(0.9)))


def test_no_run_comes_to_less_than_the_context_that_it_begins_with(project: Project) -> None:
    history(project.pk)
    found = ask(project.pk, Asked(task_type="fix", tool="git", agent="a", context_tokens=50_000))
    assert found.tokens is not None
    assert 50_000 < found.tokens.q50 <= found.tokens.q90


def test_a_run_is_learned_from_once_however_often_it_is_added_up_again(project: Project) -> None:
    history(project.pk)
    before = list(KeyStat.objects.filter(project_id=project.pk).order_by("level", "key", "measure").values())
    send(project.pk, [Call(id="late", started_at=AT, model="m", output=10**6, execution_id="h0")])
    learn_all(project.pk)
    learn_all(project.pk, now=NOW + HOUR)
    assert list(KeyStat.objects.filter(project_id=project.pk).order_by("level", "key", "measure").values()) == before
    RunLearned.objects.filter(project_id=project.pk, execution_id="h0").delete()  # the mark is what prevents it
    send(project.pk, [Call(id="later", started_at=AT, model="m", output=1, execution_id="h0")])
    learn_all(project.pk)
    assert known_runs(project.pk) == 21


def test_two_who_learn_at_once_learn_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystats, "MOST_RUNS", 7)
    send(project.pk, executions=[ran(f"r{n}", 1_000 + n) for n in range(40)])
    added_up(project.pk)
    keystats.note_runs(connection(), project_id=project.pk, keys=[f"r{n}" for n in range(40)])

    def learn() -> None:
        with psycopg.connect(database_url(), autocommit=True) as own:
            for _round in range(8):
                keystats.learn(own, project_id=project.pk, keys=[], now=NOW)

    at_once(learn, learn)
    assert known_runs(project.pk) == 40


def test_a_kill_while_it_learns_loses_nothing_and_counts_nothing_twice(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(project.pk, executions=[ran(f"r{n}", 1_000) for n in range(3)])

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(keystats, "write_books", die)
        with pytest.raises(AssertionError):
            learn_all(project.pk)  # it is logged, and put off
    assert not KeyStat.objects.filter(project_id=project.pk).exists()
    learn_all(project.pk)
    assert known_runs(project.pk) == 3


def test_a_run_that_may_go_on_is_not_learned_from_before_it_is_quiet(project: Project) -> None:
    ends = {"": keystats.QUIET, "running": keystats.SILENCE, "failed": keystats.SETTLED}
    send(project.pk, executions=[ran(f"run {status}", 1_000, at=NOW - MINUTE, status=status) for status in ends])
    learned = []
    for wait in (timedelta(), keystats.SETTLED, keystats.QUIET, keystats.SILENCE):
        learn_all(project.pk, now=NOW + wait)
        learned.append(RunLearned.objects.filter(project_id=project.pk, due_at=None).count())
    assert learned == [0, 1, 2, 3]


def test_a_run_without_a_call_teaches_nothing_and_one_without_a_price_nothing_of_costs(project: Project) -> None:
    send(
        project.pk,
        executions=[
            ran("unpriced", 1_000),
            Execution(execution_id="nothing", started_at=AT, status="completed", task_type="fix"),
        ],
    )
    learn_all(project.pk)
    known = dict(KeyStat.objects.filter(project_id=project.pk, level=0).values_list("measure", "runs"))
    assert known == {"gross": 1, "weighted": 1, "duration_ms": 1}


def test_what_became_of_a_run_stands_beside_what_was_expected_of_it(project: Project) -> None:
    history(project.pk)
    grant(project, 1_500)
    ask(project.pk, Asked(task_type="fix", tool="git", agent="a", execution_id="r"))
    row = only(project.pk, "r")
    assert (row.is_asked, row.ended_at, row.tokens, row.exceeded) == (True, None, None, None)
    send(project.pk, executions=[ran("r", 2_000, at=NOW - HOUR)])
    learn_all(project.pk)
    row = only(project.pk, "r")
    assert (row.tokens, row.budget_used, row.exceeded, row.duration_ms) == (2_000, 2_000, True, 60_000)
    assert row.ended_at == NOW - HOUR + MINUTE
    assert row.outcome_share is not None
    assert row.outcome_share > 0.9


def test_of_a_run_that_nobody_asked_about_the_answer_is_kept_that_others_would_have_given(project: Project) -> None:
    history(project.pk)
    send(project.pk, executions=[ran("r", 9_000, at=NOW - HOUR)])
    learn_all(project.pk)
    row = only(project.pk, "r")
    assert (row.is_asked, row.n, row.level, row.tokens, row.asked_at) == (False, 20, "description", 9_000, NOW - HOUR)
    assert row.tokens_q90 is not None
    assert row.tokens_q90 < 2_000
    assert row.tokens_naive == pytest.approx(995, abs=1)


def test_the_chance_to_exceed_a_budget_warns_where_enough_is_known_of_such_tasks(project: Project) -> None:
    history(project.pk)
    grant(project, 900)
    found, unlike = ask(project.pk), ask(project.pk, Asked(task_type="fix", tool="git", agent="new"))
    assert found.p_exceed is not None
    assert found.p_exceed > 0.8
    assert found.warns
    assert [(one.limit, one.counts, one.naive_exceeds) for one in found.chances] == [(900, "gross", True)]
    assert unlike.warns
    Budget.objects.filter(project=project).update(scope="project", subject="")
    cold = ask(project.pk, Asked(task_type="never seen", tool="git", agent="new"))
    assert cold.p_exceed is not None
    assert cold.p_exceed > 0.4
    assert not cold.warns


def test_where_nothing_is_left_of_a_session_s_budget_every_run_exceeds_it(project: Project) -> None:
    history(project.pk)
    grant(project, 5_000, scope="session", subject="", period="session")
    send(project.pk, executions=[ran("first", 6_000, session_id="s")])
    learn_all(project.pk)
    (chance,) = ask(project.pk, Asked(task_type="fix", agent="a", session_id="s")).chances
    assert (chance.spent, chance.probability) == (6_000, 1.0)


def test_a_run_that_goes_on_is_estimated_again_until_its_median_passes_the_budget(project: Project) -> None:
    history(project.pk)
    grant(project, 1_300)
    sent = Execution(
        execution_id="r", started_at=NOW - MINUTE, status="started", task_type="fix", tool="git", agent="a"
    )
    overruns = []
    for n, output in enumerate((500, 700, 50, 900)):
        call = Call(id=f"c{n}", started_at=NOW + n * MINUTE, model="m", output=output, execution_id="r")
        send(project.pk, [call], executions=[sent], now=NOW + n * MINUTE)
        learn_all(project.pk, now=NOW + n * MINUTE)
        row = only(project.pk, "r")
        overruns.append((row.overrun_calls, row.overrun_used))
        assert (row.is_asked, row.n, row.ended_at) == (False, 20, None)
    assert overruns[0] == (None, None)
    assert overruns[-1] == overruns[2]
    assert overruns[-1][0] in (2, 3)  # before the fourth, with which it really exceeds it
    row = only(project.pk, "r")
    assert row.overrun_used is not None
    assert row.overrun_expected is not None
    assert row.overrun_used <= 1_300 < row.overrun_expected


def test_a_run_that_has_ended_is_not_expected_to_overrun(project: Project) -> None:
    history(project.pk)
    grant(project, 500)
    send(project.pk, executions=[ran("r", 9_000, at=NOW - MINUTE)])
    learn_all(project.pk)
    assert only(project.pk, "r").overrun_at is None


def test_a_forecast_is_four_statements(project: Project) -> None:
    history(project.pk)
    asked: list[object] = []

    class Counting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **named: Any) -> Any:
            asked.append(query)
            return super().execute(query, *args, **named)

    with psycopg.connect(database_url(), autocommit=True) as own, pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg, "Cursor", Counting)
        forecasting.forecast(own, project_id=project.pk, asked=FIX, now=NOW)
    assert len(asked) == 4


def test_projects_do_not_learn_from_each_other(project: Project) -> None:
    history(project.pk)
    assert ask(project.pk + 10**6).runs == 0
    assert ResidualPool.objects.filter(project_id=project.pk).count() == 3


def test_what_nobody_will_know_is_forgotten_and_outcomes_stay(project: Project) -> None:
    history(project.pk)
    ask(project.pk)
    forgetting.forget(connection(), now=NOW + forgetting.UNKNOWN - MINUTE)
    assert Forecast.objects.filter(project_id=project.pk).count() == 21
    forgetting.forget(connection(), now=NOW + forgetting.UNKNOWN + MINUTE)
    assert Forecast.objects.filter(project_id=project.pk, ended_at__isnull=False).count() == 20
    assert Forecast.objects.filter(project_id=project.pk).count() == 20
    assert ask(project.pk).level == "description"
    forgetting.forget(connection(), now=NOW + forgetting.UNUSED)
    assert (ask(project.pk).level, ask(project.pk).n) == ("agent", 20)


def test_absurd_counts_stop_nobody_from_learning(project: Project) -> None:
    most = 2**53
    calls = [
        Call(id=f"c{n}", started_at=AT, model="m", input_uncached=most, output=most, execution_id="r")
        for n in range(1_100)
    ]
    send(project.pk, calls, executions=[Execution(execution_id="r", started_at=AT, status="completed")])
    history(project.pk)
    assert known_runs(project.pk) == 21
    assert only(project.pk, "r").tokens == 2**63 - 1
