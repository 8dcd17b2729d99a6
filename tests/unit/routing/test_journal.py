"""The journal: what was begun is in no memory alone, and what a dead process left is found once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from routing.contracts import Usage
from routing.gateway import journal
from routing.gateway.journal import Journal, orphans
from tests.attempts import attempt, caller


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def test_what_is_over_is_read_once_it_was_begun_and_ended(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    one, other = attempt(), attempt()
    ours.begin(one, caller())
    ours.begin(other, caller())
    ours.end(msgspec.structs.replace(one, usage=Usage(output=7)), caller())
    entries, place = ours.segments[0].over(10)
    assert [(entry.attempt.id, entry.attempt.usage.output) for entry in entries] == [(one.id, 7)]
    assert place == ours.segments[0].size
    assert ours.open_attempts == 1


def test_a_file_is_emptied_when_the_ledger_has_all_of_it_and_never_before(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    one, other = attempt(), attempt()
    ours.begin(one, caller())
    ours.end(one, caller())
    ours.tidy()
    assert files(tmp_path)[0].stat().st_size > 0
    ours.begin(other, caller())
    ours.segments[0].stored = ours.segments[0].size
    ours.tidy()
    assert files(tmp_path)[0].stat().st_size > 0  # `other` goes on
    ours.end(other, caller())
    ours.segments[0].stored = ours.segments[0].size
    ours.tidy()
    assert files(tmp_path)[0].stat().st_size == 0
    ours.close()
    assert files(tmp_path) == []


def test_an_attempt_ends_in_the_file_in_which_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LARGEST", 100)
    ours = Journal(tmp_path)
    long, later = attempt(), attempt()
    ours.begin(long, caller())
    ours.begin(later, caller())
    assert len(files(tmp_path)) == 2
    ours.end(long, caller())
    first, second = ours.segments
    assert [entry.attempt.id for entry in first.over(10)[0]] == [long.id]
    assert second.over(10)[0] == []
    first.stored = first.size
    ours.tidy()
    assert len(files(tmp_path)) == 1


def test_a_living_process_keeps_its_files(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    ours.begin(attempt(), caller())
    assert list(orphans(tmp_path)) == []


DIES = """
import os, signal, sys
from pathlib import Path
from routing.contracts import Usage
from routing.gateway.journal import Journal
from tests.attempts import attempt, caller
import msgspec
ours = Journal(Path(sys.argv[1]))
ended, begun = attempt(id="ended"), attempt(id="begun", usage=Usage(output=4096, source="reserved"))
ours.begin(ended, caller())
ours.begin(begun, caller())
ours.end(msgspec.structs.replace(ended, usage=Usage(output=3)), caller())
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_found_ended_or_as_it_was_begun(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -signal.SIGKILL
    (orphan,) = orphans(tmp_path)
    assert [(each.attempt.id, each.attempt.usage.output) for each in orphan.entries] == [("ended", 3), ("begun", 4096)]
    assert list(orphans(tmp_path)) == []  # it is locked, by us
    orphan.keep()
    (again,) = orphans(tmp_path)
    again.leave()
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_cut_is_one_that_was_not_written(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    for name in ("first", "second"):
        ours.begin(attempt(id=name), caller())
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    os.close(ours.segments[0].fd)
    for size in (len(whole) - 1, whole.index(b"\n") + 2, whole.index(b"\n") + 1):
        path.write_bytes(whole[:size])
        (orphan,) = orphans(tmp_path)
        assert [each.attempt.id for each in orphan.entries] == ["first"]
        orphan.keep()


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Journal(tmp_path)
    first, second = attempt(), attempt()
    ours.begin(first, caller())
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, line: write(fd, line[:50]))
    with pytest.raises(OSError, match="only a part"):
        ours.begin(second, caller())
    monkeypatch.undo()
    assert ours.open_attempts == 1
    ours.end(first, caller())
    assert [each.attempt.id for each in ours.segments[0].over(10)[0]] == [first.id]
