"""What the demo's observer is to find, and what it is to leave alone. Pure, and the same for ever, as the team is.

Each weekday an orchestrator runs a few tasks of which it is known beforehand what is wrong with them, beside a fleet of
healthy runs side by side, a retry after the provider failed, and a check that is repeated because its answer changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import NAMESPACE_URL, uuid5

from telemetry.contracts import Call, Execution

AGENT, HOST, PROVIDER, MODEL = "orchestrator", "build-1", "openai", "gpt-5-mini"
SATURDAY = 5
FLEET = 24
_FLEET_AT = time(10, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A run of one call: begun at `at` (UTC), `lasts_s` long. `found` are the detectors that flag it by default."""

    name: str
    task: str
    at: time
    tokens: tuple[int, int]  # input, output
    lasts_s: float = 40.0
    task_type: str = "nightly"
    status: str = "done"
    errors: tuple[str, ...] = ()
    error_type: str = ""
    result: str = ""
    found: tuple[str, ...] = ()


RUNS = (
    Planted(
        name="bloat",
        task="summarise_incident_log",
        at=time(8, 10),
        tokens=(26_400, 610),
        found=("context_bloat", "expensive_task"),
    ),
    Planted(
        name="expensive", task="draft_release_notes", at=time(8, 40), tokens=(14_200, 3_100), found=("expensive_task",)
    ),
    Planted(name="first", task="sync_inventory", at=time(9, 0), tokens=(2_300, 640), result="312 items"),
    Planted(
        name="again",
        task="sync_inventory",
        at=time(9, 25),
        tokens=(2_300, 640),
        result="312 items",
        found=("duplicate_work",),
    ),
    Planted(
        name="false",
        task="update_price_list",
        at=time(9, 50),
        tokens=(3_400, 720),
        errors=("2 of 40 prices could not be written",),
        found=("false_completion",),
    ),
    Planted(
        name="quick",
        task="tag_ticket",
        at=time(10, 20),
        tokens=(6_300, 900),
        lasts_s=3.2,
        task_type="triage",
        found=("inefficient_task",),
    ),
    Planted(
        name="refused",
        task="post_digest",
        at=time(11, 0),
        tokens=(1_900, 0),
        status="failed",
        errors=("429: the provider's rate limit was reached",),
        error_type="rate_limit_error",
    ),
    Planted(name="retried", task="post_digest", at=time(11, 2), tokens=(1_900, 420)),
    Planted(name="looked", task="watch_deploy", at=time(11, 30), tokens=(1_200, 180), result="rolling out"),
    Planted(name="looked-again", task="watch_deploy", at=time(11, 45), tokens=(1_200, 180), result="done"),
)


def planted_runs(day: date, *, now: datetime) -> Iterator[tuple[Execution, Call]]:
    """What the orchestrator ran on a UTC day, each run with its call; nothing at weekends, and only what had ended."""
    if day.weekday() < SATURDAY:
        for run in (*RUNS, *_fleet()):
            if datetime.combine(day, run.at, UTC) + timedelta(seconds=run.lasts_s) <= now:
                yield _run(run, day)


def to_find(day: date, *, now: datetime) -> set[tuple[str, str]]:
    """(execution, detector) of all that is wrong with what `planted_runs` yields."""
    ids = {run.execution_id for run, _ in planted_runs(day, now=now)}
    return {(key, detector) for run in RUNS for detector in run.found if (key := _key(run, day)) in ids}


def _fleet() -> Iterator[Planted]:
    """Many runs at once, alike in all but their task: nothing is wrong with any."""
    for number in range(FLEET):
        began = (datetime.combine(date.min, _FLEET_AT) + timedelta(seconds=number // 4)).time()
        yield Planted(
            name=f"fleet-{number}",
            task=f"index_chapter_{number + 1:02d}",
            at=began,
            tokens=(1_700 + 35 * number, 380 + 5 * number),
            lasts_s=18.0 + number % 7,
            task_type="index",
        )


def _key(run: Planted, day: date) -> str:
    return str(uuid5(NAMESPACE_URL, f"tloi-demo:{day}:{run.name}"))


def _run(run: Planted, day: date) -> tuple[Execution, Call]:
    key, began = _key(run, day), datetime.combine(day, run.at, UTC)
    session = str(uuid5(NAMESPACE_URL, f"tloi-demo:{day}"))
    execution = Execution(
        execution_id=key,
        started_at=began,
        task_id=run.task,
        tool=AGENT,
        action="execute_task",
        model=MODEL,
        execution_time=run.lasts_s,
        status=run.status,
        errors=run.errors,
        task_type=run.task_type,
        agent=AGENT,
        session_id=session,
        session_type="scheduled",
        attributes={"result": run.result} if run.result else None,
    )
    call = Call(
        id=f"demo-{key}",
        started_at=began,
        provider=PROVIDER,
        model=MODEL,
        input_uncached=run.tokens[0],
        output=run.tokens[1],
        duration_ms=round(run.lasts_s * 1000) - 100,
        agent=AGENT,
        host=HOST,
        session_id=session,
        session_type="scheduled",
        execution_id=key,
        task_type=run.task_type,
        error_type=run.error_type,
    )
    return execution, call
