"""Importing local files: each response once, however often, in whatever pieces and from wherever it is read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from telemetry.contracts import UsageRow
from telemetry.database import connection
from telemetry.importer.files import MissingPath, files_of
from telemetry.importer.importing import import_files
from telemetry.importer.registry import LOCAL_SOURCES
from telemetry.importer.report import Report
from telemetry.models import Execution, ImportedFile, Project, Quarantined, Session
from telemetry.series.queries import usage_by, usage_total
from telemetry.series.window import by_days
from tests.ledger_reading import added_up
from tests.transcripts import SESSION, assistant, tool_result, user

DATA = Path(__file__).parents[4] / "shared" / "data"
CLAUDE_CODE = LOCAL_SOURCES[0]
YEAR = by_days(date(2026, 1, 1), date(2026, 12, 31), zone="UTC")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Killed(BaseException):
    """Stands for a process that ends between two statements."""


def imported(project: Project, *paths: Path, die_after: int | None = None) -> Report:
    """Import `paths`; `die_after` that many steps of progress, end as if killed."""
    steps = count()

    def progress(_: int) -> None:
        if next(steps) == die_after:
            raise Killed

    return import_files(
        connection(),
        project_id=project.pk,
        source=CLAUDE_CODE,
        files=files_of(CLAUDE_CODE, paths),
        host="laptop",
        clock=lambda: NOW,
        progress=progress,
    )


def totals(project: Project) -> UsageRow:
    """What the project holds."""
    return usage_total(added_up(project.pk), project_id=project.pk, window=YEAR)


def written(path: Path, lines: Sequence[bytes]) -> Path:
    """A file of whole lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.mark.shared_data
def test_real_transcripts_come_to_the_token_and_to_the_cent_of_ccusage(project: Project) -> None:
    expected = json.loads((DATA / "expected_totals.json").read_text())["claude_code"]
    report = imported(project, DATA / "claude_code")
    assert (report.new, report.known, report.files) == (expected["responses"], 0, expected["files"])
    assert not report.unreadable
    total = totals(project)
    assert total.calls == expected["responses"]
    buckets = ("input_uncached", "output", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown")
    assert {name: getattr(total, name) for name in buckets} == {name: expected[name] for name in buckets}
    assert (total.cost_nanousd, total.unpriced_calls) == (71_364_589_350, 0)


@pytest.mark.shared_data
def test_importing_again_from_there_or_from_a_copy_changes_nothing(project: Project, tmp_path: Path) -> None:
    imported(project, DATA / "claude_code")
    before = totals(project)
    again = imported(project, DATA / "claude_code")
    assert (again.new, again.known, len(again.changed)) == (0, before.calls, 0)
    for path in (DATA / "claude_code").glob("*.jsonl"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copied = imported(project, tmp_path)
    assert (copied.new, copied.known) == (0, before.calls)
    assert totals(project) == before


@pytest.mark.shared_data
def test_an_import_that_ends_between_any_two_steps_is_made_good_by_the_next(project: Project) -> None:
    expected = json.loads((DATA / "expected_totals.json").read_text())["claude_code"]
    for step in (0, 1, 2, 7, 23, 40):
        with pytest.raises(Killed):
            imported(project, DATA / "claude_code", die_after=step)
    report = imported(project, DATA / "claude_code")
    total = totals(project)
    assert report.new + report.known == total.calls == expected["responses"]
    assert (total.output, total.cache_read) == (expected["output"], expected["cache_read"])


def test_only_what_a_file_grew_by_is_read(project: Project, tmp_path: Path) -> None:
    path = written(tmp_path / "s.jsonl", [user(), assistant("req_1")])
    imported(project, path)
    with path.open("ab") as file:
        file.write(assistant("req_2", at="10:01:00") + b"\n")
    report = imported(project, path)
    assert (report.new, report.known, len(report.changed)) == (1, 1, 1)
    assert ImportedFile.objects.get(project_id=project.pk).offset == path.stat().st_size
    by_execution = usage_by(added_up(project.pk), project_id=project.pk, window=YEAR, by="execution")
    assert [(row.key, row.calls) for row in by_execution] == [("claude-code:prompt-1", 2)]


def test_a_response_that_goes_on_after_the_import_ends_up_with_its_largest_line(
    project: Project, tmp_path: Path
) -> None:
    path = written(tmp_path / "s.jsonl", [assistant(output=1)])
    imported(project, path)
    with path.open("ab") as file:
        file.write(assistant(output=900, at="10:00:30") + b"\n")
    report = imported(project, path)
    assert (report.new, report.known) == (0, 1)
    assert (totals(project).calls, totals(project).output) == (1, 900)


def test_a_half_written_last_line_is_read_when_it_is_whole(project: Project, tmp_path: Path) -> None:
    whole = assistant("req_2") + b"\n"
    path = written(tmp_path / "s.jsonl", [assistant("req_1")])
    with path.open("ab") as file:
        file.write(whole[:100])
        file.flush()
        assert imported(project, path).unreadable == {}
        assert totals(project).calls == 1
        file.write(whole[100:])
    assert imported(project, path).new == 1
    assert totals(project).calls == 2


@pytest.mark.parametrize("kept", [0, 1])
def test_a_file_that_was_written_anew_is_read_from_its_beginning(project: Project, tmp_path: Path, kept: int) -> None:
    first = [assistant(f"req_{n}") for n in range(5)]
    path = written(tmp_path / "s.jsonl", first)
    imported(project, path)
    written(path, [*first[:kept], *(assistant(f"req_new_{n}") for n in range(9))])
    assert imported(project, path).new == 9
    assert totals(project).calls == 14


def test_a_file_that_was_cut_short_is_read_again_and_adds_nothing(project: Project, tmp_path: Path) -> None:
    lines = [assistant(f"req_{n}") for n in range(5)]
    path = written(tmp_path / "s.jsonl", lines)
    imported(project, path)
    written(path, lines[:2])
    report = imported(project, path)
    assert (report.new, report.known, totals(project).calls) == (0, 5, 5)


def test_lines_that_cannot_be_read_are_counted_by_file_and_reason(project: Project, tmp_path: Path) -> None:
    good = written(tmp_path / "a.jsonl", [assistant("req_1")])
    bad = written(tmp_path / "b.jsonl", [b"garbage", assistant("req_2"), b"\xff", assistant("req_3", output=-1)])
    report = imported(project, tmp_path)
    assert report.new == 2
    assert good.resolve() not in report.unreadable
    assert dict(report.unreadable[bad.resolve()]) == {
        "not JSON": 2,
        "Expected `int` >= 0 - at `$.message.usage.output_tokens`": 1,
    }


def test_a_call_whose_time_cannot_be_believed_is_set_apart(project: Project, tmp_path: Path) -> None:
    strange = [
        assistant("req_old", timestamp="1970-01-01T00:00:00Z"),
        assistant("req_9", timestamp="9999-12-31T23:59:59Z"),
    ]
    report = imported(project, written(tmp_path / "s.jsonl", [*strange, assistant()]))
    assert (report.new, report.quarantined) == (1, 2)
    assert Quarantined.objects.filter(project_id=project.pk).count() == 2


def test_a_cost_that_cannot_be_is_refused_with_its_reason(project: Project, tmp_path: Path) -> None:
    path = written(tmp_path / "s.jsonl", [assistant("req_1", costUSD=-1), assistant("req_2")])
    report = imported(project, path)
    assert (report.new, sum(report.unreadable[path.resolve()].values())) == (1, 1)


def test_subagents_are_kept_apart_and_add_up_to_their_session(project: Project, tmp_path: Path) -> None:
    written(tmp_path / f"{SESSION}.jsonl", [user(), assistant("req_1", output=100), tool_result()])
    written(
        tmp_path / SESSION / "subagents" / "agent-a1b2.jsonl",
        [assistant(f"req_sub_{n}", output=10, isSidechain=True, agentId="a1b2") for n in range(3)],
    )
    imported(project, tmp_path)
    by_session = usage_by(added_up(project.pk), project_id=project.pk, window=YEAR, by="session")
    by_subagent = usage_by(
        added_up(project.pk), project_id=project.pk, window=YEAR, by="subagent", filters={"session": [SESSION]}
    )
    assert {row.key: row.output for row in by_subagent} == {"": 100, "a1b2": 30}
    assert [(row.key, row.output) for row in by_session] == [(SESSION, 130)]
    assert Session.objects.get(project_id=project.pk).session_id == SESSION


def test_a_response_that_a_subagent_replays_stays_its_sessions_own(project: Project, tmp_path: Path) -> None:
    written(tmp_path / "f0.jsonl", [assistant("req_1")])
    written(tmp_path / "agent-a1b2.jsonl", [assistant("req_1", isSidechain=True), assistant("req_2", isSidechain=True)])
    report = imported(project, tmp_path)
    assert (report.new, report.known) == (2, 0)
    rows = usage_by(added_up(project.pk), project_id=project.pk, window=YEAR, by="subagent")
    assert {row.key: row.calls for row in rows} == {"": 1, "a1b2": 1}


def test_prompts_become_executions_without_status_or_content(project: Project, tmp_path: Path) -> None:
    imported(
        project, written(tmp_path / "s.jsonl", [user("my secret plan"), assistant(), user("next", uuid="prompt-2")])
    )
    first, second = Execution.objects.filter(project_id=project.pk).order_by("execution_id")
    assert (first.execution_id, first.status, first.has_calls) == ("claude-code:prompt-1", "", True)
    assert (second.execution_id, second.has_calls) == ("claude-code:prompt-2", False)
    assert "secret" not in repr(list(Execution.objects.values()))


def test_each_project_reads_for_itself(project: Project, tmp_path: Path) -> None:
    path = written(tmp_path / "s.jsonl", [assistant()])
    other = Project.objects.create(slug="other", name="Other")
    assert (imported(project, path).new, imported(other, path).new) == (1, 1)
    assert totals(project).calls == totals(other).calls == 1


def test_a_file_that_cannot_be_opened_is_named_and_the_others_are_read(project: Project, tmp_path: Path) -> None:
    gone = written(tmp_path / "a.jsonl", [assistant("req_1")])
    written(tmp_path / "b.jsonl", [assistant("req_2")])
    files = files_of(CLAUDE_CODE, [tmp_path])
    gone.unlink()
    report = import_files(
        connection(), project_id=project.pk, source=CLAUDE_CODE, files=files, host="laptop", clock=lambda: NOW
    )
    assert report.new == 1
    assert report.skipped == {gone.resolve(): "No such file or directory"}


def test_a_file_whose_name_is_no_text_is_imported_once(project: Project, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl"))
    written(path, [assistant()])
    assert (imported(project, tmp_path).new, len(imported(project, tmp_path).changed)) == (1, 0)


def test_of_two_imports_of_one_file_the_later_steps_back(project: Project, tmp_path: Path) -> None:
    path = written(tmp_path / "s.jsonl", [assistant("req_1")])

    def overtake(_: int) -> None:
        ImportedFile.objects.get_or_create(
            project_id=project.pk,
            source=CLAUDE_CODE.name,
            host="laptop",
            path=str(path.resolve()),
            defaults={"size": 9, "offset": 9, "fingerprint": b"", "imported_at": NOW - timedelta(hours=1)},
        )

    files = files_of(CLAUDE_CODE, [path])
    report = import_files(
        connection(),
        project_id=project.pk,
        source=CLAUDE_CODE,
        files=files,
        host="laptop",
        clock=lambda: NOW,
        progress=overtake,
    )
    assert report.skipped == {path.resolve(): "another import is reading it"}
    assert totals(project).calls == 0


def test_folders_are_searched_to_the_bottom_and_a_file_is_read_once(tmp_path: Path) -> None:
    deep = written(tmp_path / "a" / "b" / "c.jsonl", [])
    written(tmp_path / "a" / "notes.txt", [])
    (tmp_path / "link.jsonl").symlink_to(deep)
    assert files_of(CLAUDE_CODE, [tmp_path, deep, tmp_path / "a"]) == [deep.resolve()]
    with pytest.raises(MissingPath, match=r"There is no file or folder .*missing"):
        files_of(CLAUDE_CODE, [tmp_path / "missing"])
