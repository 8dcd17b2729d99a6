"""Importing the files of Codex CLI, Gemini CLI, OpenClaw and pi: each call once, in whatever file it stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from telemetry.contracts import UsageRow
from telemetry.database import connection
from telemetry.importer.files import files_of
from telemetry.importer.importing import import_files
from telemetry.importer.registry import LOCAL_SOURCES
from telemetry.importer.report import Report
from telemetry.models import Execution, Project
from telemetry.series.queries import usage_by, usage_total
from telemetry.series.window import by_days
from tests import chats, rollouts
from tests.ledger_reading import added_up
from tests.rollouts import CHILD, THREAD

DATA = Path(__file__).parents[4] / "shared" / "data"
SOURCES = {source.name: source for source in LOCAL_SOURCES}
YEARS = by_days(date(2025, 11, 1), date(2026, 12, 31), zone="UTC")
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def imported(project: Project, agent: str, *paths: Path) -> Report:
    """Import `paths`, each on its own, in this order."""
    source = SOURCES[agent]
    return [
        import_files(
            connection(),
            project_id=project.pk,
            source=source,
            files=files_of(source, [path]),
            host="laptop",
            clock=lambda: NOW,
        )
        for path in paths
    ][-1]


def totals(project: Project) -> UsageRow:
    """What the project holds."""
    return usage_total(added_up(project.pk), project_id=project.pk, window=YEARS)


def written(path: Path, lines: Sequence[bytes]) -> Path:
    """A file of whole lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def parent_and_child(folder: Path) -> tuple[Path, Path]:
    """A thread of two calls, and its sub-agent, which repeats them and adds one."""
    first, own = rollouts.uuid7(1), rollouts.uuid7(31)
    said = [
        rollouts.started(first, at=1),
        rollouts.context("gpt-5", at=1, turn_id=first),
        rollouts.counted((1_000, 0, 100, 0), (1_000, 0, 100, 0), at=2),
        rollouts.counted((1_000, 0, 100, 0), (1_000, 0, 100, 0), at=2),
        rollouts.counted((2_500, 900, 180, 0), (1_500, 900, 80, 0), at=3),
    ]
    added = [
        rollouts.started(own, at=31, root_turn_id=first),
        rollouts.context("gpt-5", at=31, turn_id=own, root_turn_id=first),
        rollouts.counted((2_800, 1_200, 190, 0), (300, 300, 10, 0), at=32),
    ]
    return (
        written(folder / "sessions" / f"rollout-2026-11-01T12-00-00-{THREAD}.jsonl", [rollouts.meta(), *said]),
        written(
            folder / "sessions" / f"rollout-2026-11-01T12-30-00-{CHILD}.jsonl",
            [rollouts.spawned(), rollouts.meta(at=30), *said, *added],
        ),
    )


@pytest.mark.parametrize("is_parent_first", [True, False])
def test_a_thread_and_the_sub_agent_that_repeats_it_are_counted_once(
    project: Project, tmp_path: Path, is_parent_first: bool
) -> None:
    paths = parent_and_child(tmp_path)
    imported(project, "codex", *(paths if is_parent_first else reversed(paths)))
    total = totals(project)
    assert (total.calls, total.input_uncached, total.cache_read, total.output) == (3, 1_600, 1_200, 190)
    assert total.unpriced_calls == 0
    by_subagent = usage_by(added_up(project.pk), project_id=project.pk, window=YEARS, by="subagent")
    assert {row.key: row.calls for row in by_subagent} == {"": 2, CHILD: 1}
    by_session = usage_by(added_up(project.pk), project_id=project.pk, window=YEARS, by="session")
    assert [(row.key, row.calls) for row in by_session] == [(THREAD, 3)]
    by_execution = usage_by(added_up(project.pk), project_id=project.pk, window=YEARS, by="execution")
    assert [(row.key, row.calls) for row in by_execution] == [(f"codex:{rollouts.uuid7(1)}", 3)]


@pytest.mark.parametrize("is_parent_first", [True, False])
def test_a_fork_whose_turns_have_no_ids_and_its_parent_are_counted_once(
    project: Project, tmp_path: Path, is_parent_first: bool
) -> None:
    one, two, three = (1_000, 0, 100, 0), (2_500, 900, 180, 0), (2_800, 1_200, 190, 0)
    said = [rollouts.event("task_started", at=30.01), rollouts.counted(one, at=30.01), rollouts.counted(two, at=30.01)]
    paths = [
        written(tmp_path / "rollout-1.jsonl", [rollouts.meta(), *said]),
        written(tmp_path / "rollout-2.jsonl", [rollouts.forked(), *said, rollouts.counted(three, at=32)]),
    ]
    imported(project, "codex", *(paths if is_parent_first else reversed(paths)))
    total = totals(project)
    assert (total.calls, total.input_uncached, total.cache_read, total.output) == (3, 1_600, 1_200, 190)


def test_a_rollout_that_was_put_away_is_known(project: Project, tmp_path: Path) -> None:
    thread, _ = parent_and_child(tmp_path)
    written(tmp_path / "archived_sessions" / thread.name, thread.read_bytes().splitlines())
    assert imported(project, "codex", tmp_path).new == 3
    assert totals(project).calls == 3


def test_a_chat_that_goes_on_is_counted_once(project: Project, tmp_path: Path) -> None:
    path = written(
        tmp_path / "chats" / "session-1.jsonl", [chats.header(), chats.asked(), chats.gemini("m1", output=1)]
    )
    imported(project, "gemini", tmp_path)
    with path.open("ab") as file:
        file.write(chats.patch(chats.gemini("m1"), chats.gemini("m2")) + b"\n")
    imported(project, "gemini", tmp_path)
    total = totals(project)
    assert (total.calls, total.input_uncached, total.cache_read, total.output) == (2, 778, 1_024, 350)
    assert total.unpriced_calls == 0
    (execution,) = Execution.objects.filter(project_id=project.pk)
    assert (execution.has_calls, execution.session_id) == (True, chats.CHAT)


def test_a_session_and_the_one_that_goes_on_from_it_are_counted_once(project: Project, tmp_path: Path) -> None:
    said = [chats.prompt(), chats.assistant()]
    branch = chats.session(id="other", timestamp=chats.stamp("12:00:00"), parentSession="/s/a.jsonl")
    written(tmp_path / "a.jsonl.deleted.1", [chats.session(), *said])
    written(tmp_path / "b.jsonl", [branch, *said, chats.assistant(at="12:00:05", timestamp=None)])
    imported(project, "openclaw", tmp_path)
    total = totals(project)
    assert (total.calls, total.cost_nanousd, total.unpriced_calls) == (2, 8_600_000, 0)
    by_session = usage_by(added_up(project.pk), project_id=project.pk, window=YEARS, by="session")
    assert {row.key: row.calls for row in by_session} == {chats.SESSION: 1, "other": 1}


@pytest.mark.shared_data
def test_real_files_of_each_agent_are_stored_without_loss(project: Project) -> None:
    captured = DATA / "otlp_captured"
    imported(project, "codex", captured / "codex-0.169.0_rollout.jsonl")
    assert (totals(project).calls, totals(project).output) == (2, 420)
    imported(project, "gemini", captured / "gemini-cli-0.61.0_chat.jsonl")
    assert (totals(project).calls, totals(project).output) == (3, 595)


@pytest.mark.shared_data
def test_the_cost_of_a_real_session_is_stored_to_the_cent(project: Project) -> None:
    report = imported(project, "openclaw", DATA / "openclaw_pi")
    assert (report.new, report.unreadable) == (471, {})
    assert round(totals(project).cost_nanousd / 10**9, 4) == 42.5959
