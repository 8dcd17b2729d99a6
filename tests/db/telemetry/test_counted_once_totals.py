"""Totals sent with an execution count until its own calls arrive: never both, never neither, whoever comes first."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from telemetry.contracts import Call, Execution, Receipt
from telemetry.ledger.identity import execution_key
from telemetry.models import Execution as ExecutionRow
from telemetry.models import Identity
from tests.ledger_reading import NOW, at_once, has_calls, new_tenant, present, rows, send, sums

pytestmark = pytest.mark.usefixtures("database")
ROUNDS = 40
RUN = Execution(
    execution_id="run-1", started_at=NOW, model="house-llama", tokens_input=1_000, tokens_output=200, agent="builder"
)
TOTAL = "execution-total:run-1"


def own_call(number: int = 1, run: str = "run-1", **changes: object) -> Call:
    """A call that belongs to an execution."""
    call = Call(
        id=f"{run}-call-{number}", started_at=NOW + timedelta(seconds=number), model="house-llama", execution_id=run
    )
    return replace(call, **{"input_uncached": 700, "output": 150, **changes})


def test_totals_count_while_there_is_nothing_better() -> None:
    tenant = new_tenant()
    assert send(tenant, executions=[RUN]) == Receipt(accepted=1)
    assert (sums(tenant).calls, sums(tenant).input_uncached, sums(tenant).output) == (1, 1_000, 200)
    assert not has_calls(tenant, "run-1")


def test_totals_sent_five_times_count_once() -> None:
    tenant = new_tenant()
    receipts = [send(tenant, executions=[RUN, RUN]) for _ in range(5)]
    assert receipts == [Receipt(accepted=1, duplicates=1)] + [Receipt(duplicates=2)] * 4
    assert (sums(tenant).calls, sums(tenant).output) == (1, 200)


def test_larger_totals_of_the_same_execution_replace_the_smaller() -> None:
    tenant = new_tenant()
    for tokens in (200, 350, 100):
        send(tenant, executions=[replace(RUN, tokens_output=tokens)])
    assert (sums(tenant).calls, sums(tenant).output) == (1, 350)


@pytest.mark.parametrize("first", ["totals", "calls"])
def test_own_calls_count_instead_of_totals_whichever_comes_first(first: str) -> None:
    tenant, calls = new_tenant(), [own_call(1), own_call(2)]
    steps = [partial(send, tenant, executions=[RUN]), partial(send, tenant, calls)]
    for step in steps if first == "totals" else reversed(steps):
        step()
    assert set(present(tenant)) == {"run-1-call-1", "run-1-call-2"}
    assert (sums(tenant).calls, sums(tenant).output) == (2, 300)
    row = ExecutionRow.objects.get(project_id=tenant, execution_id="run-1")
    assert (row.has_calls, row.sent_input_tokens, row.sent_output_tokens, row.agent) == (True, 1_000, 200, "builder")


def test_totals_that_were_replaced_do_not_come_back() -> None:
    tenant = new_tenant()
    send(tenant, executions=[RUN])
    send(tenant, [own_call()])
    send(tenant, executions=[RUN])
    send(tenant, executions=[replace(RUN, tokens_output=9_999)])
    assert set(present(tenant)) == {"run-1-call-1"}
    assert Identity.objects.filter(project_id=tenant).count() == 1


def test_totals_and_own_calls_in_one_batch_count_the_calls() -> None:
    tenant = new_tenant()
    assert send(tenant, [own_call()], executions=[RUN]) == Receipt(accepted=2)
    assert set(present(tenant)) == {"run-1-call-1"}


def test_a_call_that_learns_later_which_execution_it_belongs_to_replaces_the_totals() -> None:
    tenant = new_tenant()
    send(tenant, [own_call(execution_id="")], executions=[RUN])
    assert sums(tenant).calls == 2
    send(tenant, [own_call()])
    assert set(present(tenant)) == {"run-1-call-1"}


def test_calls_of_another_execution_leave_the_totals_alone() -> None:
    tenant = new_tenant()
    send(tenant, executions=[RUN])
    send(tenant, [own_call(run="run-2")])
    assert set(present(tenant)) == {TOTAL, "run-2-call-1"}


def test_an_execution_without_an_id_is_known_by_what_makes_it_this_run() -> None:
    tenant, run = new_tenant(), replace(RUN, execution_id="", task_id="t-1", tool="orchestrate", action="build")
    send(tenant, executions=[run])
    assert send(tenant, executions=[run]).duplicates == 1
    assert sums(tenant).calls == 1
    send(tenant, [own_call(run=execution_key(run))])
    assert (sums(tenant).calls, sums(tenant).output) == (1, 150)


def test_totals_and_own_calls_that_race_never_count_both_and_never_neither() -> None:
    tenant = new_tenant()
    for number in range(ROUNDS):
        run = f"run-{number}"
        totals = replace(RUN, execution_id=run)
        at_once(
            partial(send, tenant, executions=[totals]),
            partial(send, tenant, [own_call(run=run)]),
            partial(send, tenant, executions=[replace(totals, tokens_output=500)]),
        )
    assert present(tenant) == {f"run-{number}-call-1": 1 for number in range(ROUNDS)}
    assert sums(tenant).output == ROUNDS * 150


def test_batches_of_many_executions_and_calls_that_race_end_without_a_deadlock() -> None:
    tenant, runs = new_tenant(), [f"run-{number}" for number in range(30)]
    totals = [replace(RUN, execution_id=run) for run in runs]
    calls = [own_call(run=run) for run in runs[::2]]
    for _ in range(5):
        at_once(
            partial(send, tenant, executions=totals),
            partial(send, tenant, calls[::-1]),
            partial(send, tenant, executions=totals[::-1]),
            partial(send, tenant, calls[5:], executions=totals[:5]),
            partial(send, tenant, calls[:5], executions=totals[5:]),
        )
    expected = {f"{run}-call-1" for run in runs[::2]} | {f"execution-total:{run}" for run in runs[1::2]}
    assert set(present(tenant)) == expected


def test_totals_that_would_cost_more_than_can_be_counted_are_refused_alone() -> None:
    tenant = new_tenant()
    much = replace(RUN, execution_id="much", model="claude-opus-4-5", tokens_output=2**53)
    receipt = send(tenant, executions=[RUN, much, replace(RUN, execution_id="run-2")])
    assert (receipt.accepted, receipt.duplicates) == (2, 0)
    [refused] = receipt.rejected
    assert (refused.index, refused.id) == (1, "much")
    assert "cost more than can be counted" in refused.reason
    assert set(present(tenant)) == {TOTAL, "execution-total:run-2"}


def test_an_execution_without_tokens_makes_no_call() -> None:
    tenant = new_tenant()
    assert send(tenant, executions=[replace(RUN, tokens_input=0, tokens_output=None)]).accepted == 1
    assert rows(tenant) == []
