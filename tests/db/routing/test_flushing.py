"""From the journal to the ledger: each attempt once, whatever dies or is away meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from routing.contracts import Usage
from routing.gateway.accounting import call_of
from routing.gateway.flushing import Flusher, adopt, store
from routing.gateway.heard import Heard
from routing.gateway.journal import Entry, Journal
from telemetry import facade
from telemetry.contracts import Receipt
from telemetry.models import Budget, BudgetLease, BudgetWindow, Call, Project
from telemetry.usage import quality_names
from tests.attempts import attempt, caller


def stored(project: Project) -> list[tuple[str, int, int]]:
    """Request key, output and quality bits of a project's calls."""
    found = Call.objects.filter(project_id=project.pk).order_by("request_key")
    return list(found.values_list("request_key", "output", "quality"))


def adopted(folder: Path) -> int:
    """How many attempts of dead processes were stored, in this thread and without a loop, which Django forbids."""

    async def here(work: Callable[[], Any]) -> Any:
        return work()

    with pytest.raises(StopIteration) as over:
        adopt(folder, here).send(None)
    return int(over.value.value)


def test_an_attempt_is_counted_once_however_often_it_is_stored(project: Project) -> None:
    entries = [Entry(attempt(id=f"tloi_x-{number}"), caller(project.pk)) for number in range(3)]
    store(entries)
    store(entries[1:])
    assert [(key, output) for key, output, _ in stored(project)] == [(f"tloi_x-{number}", 20) for number in range(3)]


def test_what_was_only_begun_is_charged_as_reserved_and_marked(project: Project, tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    ended, begun = attempt(id="a"), attempt(id="b", usage=Usage(output=900, source="reserved"))
    for one in (ended, begun):
        ours.begin(one, caller(project.pk))
    ours.end(ended, caller(project.pk))
    os.close(ours.segments[0].fd)  # as the kernel does when a process dies
    assert adopted(tmp_path) == 2
    (_, first, plain), (_, second, marked) = stored(project)
    assert (first, second, plain) == (20, 900, 0)
    assert marked > 0
    assert adopted(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_was_heard_of_an_attempt_is_what_it_is_charged_marked_as_counted(project: Project, tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    ours.begin(attempt(id="a", usage=Usage(output=900, source="reserved"), cost_nanousd=900), caller(project.pk))
    ours.hear("a", Heard(Usage(input_uncached=7, output=12, source="counted"), 34, 1.5, "chatcmpl-1"))
    os.close(ours.segments[0].fd)
    assert adopted(tmp_path) == 1
    call = Call.objects.get(project_id=project.pk)
    assert (call.input_uncached, call.output, call.cost_reported_nanousd, call.duration_ms) == (
        7,
        12,
        34,
        1_500,
    )
    assert quality_names(call.quality) == ("usage_counted",)


def test_what_budgets_hold_for_an_attempt_is_settled_with_it_also_by_who_finds_it(
    project: Project, tmp_path: Path
) -> None:
    Budget.objects.create(project=project, scope="project", period="day", counts="gross", mode="enforce", amount=10_000)
    ours, now = Journal(tmp_path), datetime.now(UTC)
    ended = attempt(id="tloi_a", is_reserved=True)
    begun = attempt(id="tloi_b", is_reserved=True, usage=Usage(output=900, source="reserved"))
    other = attempt(id="tloi_c")
    for one in (ended, begun, other):
        ours.begin(one, caller(project.pk))
        call = call_of(one, caller(project.pk))
        held = facade.hold_budgets(
            call,
            project_id=project.pk,
            spans=facade.find_budget_spans(
                call, project_id=project.pk, key_id=0, zone="UTC", parent_session="", now=now
            ),
            prices=(0, 0),
            is_final=False,
            now=now,
            until=now + timedelta(minutes=5),
        )
        assert held is not None
        assert held.is_granted
    ours.end(ended, caller(project.pk))
    ours.end(other, caller(project.pk))
    os.close(ours.segments[0].fd)
    assert adopted(tmp_path) == 3
    states = dict(BudgetLease.objects.filter(project_id=project.pk).values_list("id", "state"))
    assert states == {"tloi_a": "settled", "tloi_b": "settled", "tloi_c": "open"}
    window = BudgetWindow.objects.get(project_id=project.pk)
    assert (window.used, window.reserved) == (120 + 900, 120)


def test_what_is_over_is_in_the_ledger_within_a_second_and_no_file_is_left(project: Project, tmp_path: Path) -> None:
    async def run() -> None:
        ours = Journal(tmp_path)
        flusher = Flusher(ours, tmp_path)
        flusher.start()
        one = attempt(id="a")
        ours.begin(one, caller(project.pk))
        flusher.over(one, caller(project.pk))
        async with asyncio.timeout(20):
            while ours.segments[0].size:
                await asyncio.sleep(0.02)
        two = attempt(id="b")
        ours.begin(two, caller(project.pk))
        flusher.over(two, caller(project.pk))
        await flusher.stop(patience_s=20)  # nothing waits for its delay then

    asyncio.run(run())
    assert [key for key, _, _ in stored(project)] == ["a", "b"]
    assert list(tmp_path.iterdir()) == []


def test_while_the_database_is_away_calls_wait_and_are_stored_when_it_is_back(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    async def run() -> None:
        ours = Journal(tmp_path)
        flusher = Flusher(ours, tmp_path, learn=lambda entries: told.append(len(entries)))
        record = facade.record
        tried = 0

        def away(**kwargs: Any) -> Receipt:
            nonlocal tried
            tried += 1
            if tried < 3:
                raise psycopg.OperationalError("the server closed the connection")
            return record(**kwargs)

        monkeypatch.setattr(facade, "record", away)
        flusher.start()
        one = attempt(id="a")
        ours.begin(one, caller(project.pk))
        flusher.over(one, caller(project.pk))
        async with asyncio.timeout(20):
            while ours.segments[0].size:
                await asyncio.sleep(0.02)
        assert tried == 3
        await flusher.stop(patience_s=5)

    asyncio.run(run())
    assert [key for key, _, _ in stored(project)] == ["a"]
    assert told == [1]


def test_one_call_that_the_ledger_cannot_take_takes_no_other_down(project: Project) -> None:
    bad = Entry(msgspec.structs.replace(attempt(id="bad"), usage=Usage(output=1)), caller(project.pk, agent="a\0b"))
    store([Entry(attempt(id="good"), caller(project.pk)), bad])
    assert [key for key, _, _ in stored(project)] == ["good"]
