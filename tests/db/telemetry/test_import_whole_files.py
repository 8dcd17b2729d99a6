"""Databases and documents, which are read whole whenever they changed: nothing twice, nothing lost, bad ones named."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from telemetry.contracts import UsageRow
from telemetry.database import connection
from telemetry.importer import databases
from telemetry.importer.files import files_of
from telemetry.importer.importing import import_files
from telemetry.importer.registry import SOURCES
from telemetry.importer.report import Report, sentences
from telemetry.models import Execution, Project
from telemetry.series.queries import usage_by, usage_total
from telemetry.series.window import by_days
from telemetry.statements import statement
from tests.ledger_reading import added_up
from tests.opencode_data import answer, answer_v2, database

DATA = Path(__file__).parents[4] / "shared" / "data"
OPENCODE, ORCHESTRATE = SOURCES["opencode"], SOURCES["orchestrate"]
NOVEMBERS = by_days(date(2025, 11, 1), date(2026, 11, 30), zone="UTC")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def imported(project: Project, *paths: Path, source: str = "opencode") -> Report:
    """Import what lies at `paths`."""
    agent = SOURCES[source]
    return import_files(
        connection(),
        project_id=project.pk,
        source=agent,
        files=files_of(agent, paths),
        host="laptop",
        clock=lambda: NOW,
    )


def totals(project: Project) -> UsageRow:
    """What the project holds."""
    return usage_total(added_up(project.pk), project_id=project.pk, window=NOVEMBERS)


def written(path: Path, document: Any) -> Path:
    """A file with one JSON value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """opencode's folder with three messages, a fork of the first two, and a sub-agent's."""
    messages = [(f"msg_{n}", "ses_1", answer(at=n * 10_000)) for n in range(3)]
    fork = [(f"msg_8{n}", "ses_2", answer(at=n * 10_000)) for n in range(2)]
    child = [("msg_90", "ses_child", answer(at=95_000))]
    database(tmp_path / "opencode" / "opencode.db", [*messages, *fork, *child], parents=[("ses_child", "ses_1")])
    return tmp_path / "opencode"


def test_a_database_is_counted_once_with_its_forks_and_subagents(project: Project, data: Path) -> None:
    report = imported(project, data)
    assert (report.new, report.known, report.files) == (4, 0, 1)
    total = totals(project)
    assert (total.calls, total.input_uncached, total.cache_read, total.output) == (4, 40, 4_000, 560)
    by_session = usage_by(added_up(project.pk), project_id=project.pk, window=NOVEMBERS, by="session")
    assert [(row.key, row.calls) for row in by_session] == [("ses_1", 4)]
    by_subagent = usage_by(added_up(project.pk), project_id=project.pk, window=NOVEMBERS, by="subagent")
    assert {row.key: row.calls for row in by_subagent} == {"": 3, "ses_child": 1}


def test_a_database_is_read_again_only_when_it_changed_and_then_adds_only_what_is_new(
    project: Project, data: Path
) -> None:
    imported(project, data)
    again = imported(project, data)
    assert (again.new, again.known, again.changed) == (0, 4, set())
    database(data / "opencode.db", [("msg_95", "ses_1", answer(at=99_000))])
    report = imported(project, data)
    assert (report.new, report.known, report.changed) == (1, 4, {data / "opencode.db"})
    assert totals(project).calls == 5


def test_a_message_that_was_still_being_written_ends_up_whole(project: Project, tmp_path: Path) -> None:
    path = database(tmp_path / "opencode.db", [("msg_1", "ses_1", answer(done=None, output=1))])
    imported(project, path)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE message SET data = ?", [json.dumps(answer(output=900))])
    assert imported(project, path).new == 0
    assert (totals(project).calls, totals(project).output) == (1, 940)


def test_a_fork_that_is_made_after_the_import_adds_nothing(project: Project, data: Path) -> None:
    imported(project, data)
    database(data / "opencode.db", [(f"msg_0{n}", "ses_3", answer(at=n * 10_000)) for n in range(3)])
    assert imported(project, data).new == 0
    assert totals(project).calls == 4


def test_messages_that_a_second_version_and_files_hold_too_are_the_same_calls(project: Project, data: Path) -> None:
    database(
        data / "opencode.db", second=[("msg_v2", "ses_1", answer_v2()), ("msg_own", "ses_1", answer_v2(at=70_000))]
    )
    written(data / "storage" / "message" / "ses_1" / "msg_1.json", answer(at=10_000, id="msg_1", sessionID="ses_1"))
    written(data / "storage" / "message" / "ses_0" / "msg_x.json", answer(at=500, id="msg_x", sessionID="ses_0"))
    report = imported(project, data)
    assert (report.new, report.files) == (6, 3)
    assert totals(project).calls == 6


def test_pages_of_a_database_hold_every_message_once(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "PAGE", 7)
    messages = [(f"msg_{n:03}", f"ses_{n % 3}", answer(at=n * 1_000)) for n in range(50)]
    copies = [(f"msg_{n + 500:03}", "ses_9", answer(at=n * 1_000)) for n in range(50)]
    assert imported(project, database(tmp_path / "opencode.db", [*messages, *copies])).new == 50
    assert totals(project).calls == 50


def test_a_database_that_is_written_at_the_same_time_is_read_with_what_its_log_holds(
    project: Project, data: Path
) -> None:
    path = data / "opencode.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        imported(project, data)
        conn.execute("INSERT INTO message VALUES ('msg_99', 'ses_1', 0, 0, ?)", [json.dumps(answer(at=88_000))])
        assert path.with_name("opencode.db-wal").stat().st_size
        assert imported(project, data).new == 1
        assert totals(project).calls == 5


def test_reading_leaves_the_database_as_it_was(project: Project, data: Path) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    imported(project, data)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def read_as_somebody_else(path: Path) -> list[str]:
    """The ids that a process finds which can write neither the database nor its folder, root or not."""
    for name in ("opencode_messages", "opencode_parents", "opencode_session_messages"):
        statement(databases.__package__, name)  # our own files need not be readable for him
    for file in path.parent.iterdir():
        file.chmod(0o444)
    path.parent.chmod(0o555)
    user = os.geteuid()
    os.seteuid(user or 65_534)
    try:
        with databases.opened(path) as conn:
            return [row["id"] for page in databases.opencode_rows(conn) for row in page]
    finally:
        os.seteuid(user)
        path.parent.chmod(0o700)


def test_reading_a_database_with_a_log_does_not_make_it_look_changed(project: Project, logged: Path) -> None:
    assert imported(project, logged).changed == {logged}
    assert imported(project, logged).changed == set()


@pytest.fixture
def logged() -> Iterator[Path]:
    """A database with a write-ahead log, in a folder that others may look into."""
    with tempfile.TemporaryDirectory() as folder:
        path = database(Path(folder) / "opencode.db", [("msg_1", "ses_1", answer())])
        with closing(sqlite3.connect(path)) as conn:
            conn.execute("PRAGMA journal_mode = WAL")
        yield path


def test_a_database_in_a_folder_that_cannot_be_written_is_read(logged: Path) -> None:
    assert read_as_somebody_else(logged) == ["msg_1"]


def test_so_is_one_that_is_open_with_what_its_log_holds(logged: Path) -> None:
    with closing(sqlite3.connect(logged, isolation_level=None)) as conn:
        conn.execute("INSERT INTO message VALUES ('msg_2', 'ses_1', 0, 0, ?)", [json.dumps(answer(at=9))])
        assert read_as_somebody_else(logged) == ["msg_1", "msg_2"]


def test_a_log_that_only_its_owner_may_apply_is_not_passed_over_in_silence(logged: Path) -> None:
    with closing(sqlite3.connect(logged, isolation_level=None)) as conn:
        conn.execute("INSERT INTO message VALUES ('msg_2', 'ses_1', 0, 0, ?)", [json.dumps(answer(at=9))])
        killed = logged.parent / "killed" / "opencode.db"
        killed.parent.mkdir()
        for end in ("", "-wal"):
            killed.with_name(killed.name + end).write_bytes(logged.with_name(logged.name + end).read_bytes())
    logged.parent.chmod(0o755)
    with pytest.raises(databases.DatabaseError, match=r"readonly|unable to open"):
        read_as_somebody_else(killed)


@pytest.fixture
def locked(data: Path) -> Iterator[Path]:
    """A database that somebody holds for himself."""
    with closing(sqlite3.connect(data / "opencode.db", isolation_level=None)) as conn:
        conn.execute("BEGIN EXCLUSIVE")
        yield data


def test_a_locked_database_is_named_and_read_the_next_time(
    project: Project, locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "_WAIT_S", 0.1)
    other = written(locked / "storage" / "message" / "s" / "msg_x.json", answer(id="msg_x", sessionID="s", at=7))
    report = imported(project, locked, other)
    assert report.skipped == {locked / "opencode.db": "database is locked"}
    assert report.new == 1


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (b"SQLite format 3\0" + b"\xff" * 5_000, "file is not a database"),
        (b"SQLite format 3\0", "file is not a database"),
    ],
)
def test_a_damaged_database_is_named_and_the_others_are_read(
    project: Project, data: Path, damage: bytes, reason: str
) -> None:
    bad = data / "opencode-bad.db"
    bad.write_bytes(damage)
    report = imported(project, data)
    assert report.new == 4
    assert report.skipped == {bad: reason}


def test_a_database_cut_off_in_its_middle_is_named_again_until_it_is_whole(project: Project, tmp_path: Path) -> None:
    path = database(tmp_path / "opencode.db", [(f"msg_{n:04}", "s", answer(at=n * 9)) for n in range(3_000)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for _ in range(2):
        assert "malformed" in imported(project, path).skipped[path]
    path.write_bytes(whole)
    imported(project, path)
    assert totals(project).calls == 3_000


def test_a_database_of_another_kind_holds_nothing_and_one_of_another_shape_is_named(
    project: Project, tmp_path: Path
) -> None:
    for name, table in (("opencode.db", "notes (id)"), ("opencode-b.db", "message (id text, said text)")):
        with closing(sqlite3.connect(tmp_path / name)) as conn, conn:
            conn.execute(f"CREATE TABLE {table}")
    report = imported(project, tmp_path)
    assert report.new == 0
    assert report.skipped == {tmp_path / "opencode-b.db": "no such column: session_id"}


def test_messages_that_cannot_be_read_are_counted_by_reason(project: Project, tmp_path: Path) -> None:
    bad = database(tmp_path / "opencode.db", [("msg_1", "s", "{"), ("msg_2", "s", answer()), ("msg_3", "s", "{")])
    report = imported(project, bad)
    assert report.new == 1
    assert dict(report.unreadable[bad]) == {"not JSON": 2}
    assert f"{bad}: 2 unreadable: not JSON" in list(sentences(OPENCODE, report))
    assert "1 call (1 new, 0 known), 1 file, 2 unreadable records, 0 quarantined" in list(sentences(OPENCODE, report))


@pytest.mark.shared_data
def test_the_golden_day_comes_to_its_figures_from_a_list_and_from_an_object(project: Project, tmp_path: Path) -> None:
    lines = (DATA / "golden_day" / "executions.jsonl").read_text().splitlines()
    entries = [{name: value for name, value in json.loads(line).items() if name != "execution_id"} for line in lines]
    expected = json.loads((DATA / "golden_day" / "expected.json").read_text())
    written(tmp_path / "data" / "token_telemetry.json", entries)
    log = {entry["task_id"]: {"timestamp": entry["started_at"], "status": entry["status"]} for entry in entries}
    written(tmp_path / "execution_log.json", log)
    report = imported(project, tmp_path, source="orchestrate")
    assert (report.new, report.files) == (len(entries), 2)
    assert Execution.objects.filter(project_id=project.pk).count() == len(entries)
    total = totals(project)
    assert (total.calls, total.input_total + total.output) == (expected["total_tasks"], expected["total_tokens"])


def test_runs_in_both_files_are_one_and_a_changed_file_is_read_again(project: Project, tmp_path: Path) -> None:
    run = {"task_id": "a", "timestamp": "2025-11-06T08:00:00", "tokens_input": 10, "tokens_output": 5, "tool": "t"}
    telemetry = written(tmp_path / "data" / "token_telemetry.json", [run])
    written(tmp_path / "execution_log.json", {"a": {"started_at": "2025-11-06T08:00:00Z", "status": "started"}})
    first = imported(project, tmp_path, source="orchestrate")
    assert (first.new, first.known) == (1, 0)  # the second file only completes the run
    assert Execution.objects.get(project_id=project.pk).status == "started"
    again = imported(project, tmp_path, source="orchestrate")
    assert (again.new, again.known, len(again.changed)) == (0, 1, 0)
    written(telemetry, [run | {"status": "done"}, run | {"task_id": "b"}])
    third = imported(project, tmp_path, source="orchestrate")
    assert (third.new, third.known, third.changed) == (2, 0, {telemetry})
    assert "2 executions (2 new or changed, 0 known)" in list(sentences(ORCHESTRATE, third))[-1]
    statuses = Execution.objects.filter(project_id=project.pk).order_by("task_id").values_list("status", flat=True)
    assert list(statuses) == ["done", ""]
    assert (totals(project).calls, totals(project).input_total) == (2, 20)


def test_a_document_that_is_no_json_is_named_and_the_others_are_read(project: Project, tmp_path: Path) -> None:
    bad = written(tmp_path / "a" / "token_telemetry.json", "{")
    written(tmp_path / "b" / "token_telemetry.json", [{"task_id": "a", "timestamp": "2025-11-06T08:00:00"}])
    report = imported(project, tmp_path, source="orchestrate")
    assert report.new == 1
    assert dict(report.unreadable[bad]) == {"not JSON": 1}


def test_a_fork_in_files_of_their_own_adds_nothing(project: Project, tmp_path: Path) -> None:
    for session, key in (("ses_1", "msg_1"), ("ses_2", "msg_2")):
        path = tmp_path / "storage" / "message" / session / f"{key}.json"
        written(path, answer(id=key, sessionID=session))
    report = imported(project, tmp_path)
    assert (report.new, report.files) == (1, 2)
    assert totals(project).calls == 1
