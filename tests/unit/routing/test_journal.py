"""The journal: what was begun is in no memory alone, and what a dead process left is found once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pytest

from routing.contracts import Usage
from routing.gateway import journal
from routing.gateway.heard import NOTHING, Heard, heard_of, line_of
from routing.gateway.journal import Journal, Orphan, orphans
from tests.attempts import attempt, caller


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def heard(output: int, **changed: Any) -> Heard:
    usage = Usage(input_uncached=100, output=output, source="counted")
    return msgspec.structs.replace(Heard(usage, cost_nanousd=output, duration_s=0.5), **changed)


def left_by(ours: Journal, folder: Path) -> Orphan:
    """What others find when the process of a journal was killed: the kernel closes its files."""
    for segment in ours.segments:
        os.close(segment.fd)
    (orphan,) = orphans(folder)
    return orphan


def charged(orphan: Orphan) -> list[tuple[str, int, str]]:
    return [(each.attempt.id, each.attempt.usage.output, each.attempt.usage.source) for each in orphan.entries]


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
from routing.gateway.heard import Heard
from tests.attempts import attempt, caller
import msgspec
ours = Journal(Path(sys.argv[1]))
ended, *others = [attempt(id=name, usage=Usage(output=4096, source="reserved")) for name in ("ended", "begun", "heard")]
for one in (ended, *others):
    ours.begin(one, caller())
for output in range(1, 8):
    ours.hear("heard", Heard(Usage(output=output, source="counted"), None, 0.1))
    ours.hear("ended", Heard(Usage(output=output, source="counted"), None, 0.1))
ours.end(msgspec.structs.replace(ended, usage=Usage(output=3)), caller())
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_found_ended_or_as_it_was_heard_or_else_begun(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -signal.SIGKILL
    (orphan,) = orphans(tmp_path)
    assert charged(orphan) == [("ended", 3, "provider"), ("begun", 4096, "reserved"), ("heard", 7, "counted")]
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
    second = whole.rindex(NOTHING)
    for size in (len(whole) - 1, second + len(NOTHING), second + 1, second):
        path.write_bytes(whole[:size])
        (orphan,) = orphans(tmp_path)
        assert [each.attempt.id for each in orphan.entries] == ["first"]
        orphan.keep()


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Journal(tmp_path)
    first, second = attempt(), attempt()
    ours.begin(first, caller())
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, line, place: write(fd, line[:50], place))
    with pytest.raises(OSError, match="only a part"):
        ours.begin(second, caller())
    monkeypatch.undo()
    assert ours.open_attempts == 1
    ours.end(first, caller())
    assert [each.attempt.id for each in ours.segments[0].over(10)[0]] == [first.id]


def test_what_was_heard_of_an_attempt_is_what_it_is_charged_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    one = attempt(usage=Usage(output=900, source="reserved"), cost_nanousd=900)
    ours.begin(one, caller())
    ours.hear(one.id, heard(3))
    ours.hear(one.id, heard(12, provider_call_id="chatcmpl-1"))
    (entry,) = left_by(ours, tmp_path).entries
    changed = {"cost_nanousd": 12, "duration_s": 0.5, "provider_call_id": "chatcmpl-1"}
    usage = Usage(input_uncached=100, output=12, source="counted")
    assert entry.attempt == msgspec.structs.replace(one, usage=usage, **changed)


def test_a_file_does_not_grow_with_what_is_heard_however_long_that_goes_on(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    one, other = attempt(id="one"), attempt(id="other")
    ours.begin(one, caller())
    ours.begin(other, caller())
    before = files(tmp_path)[0].stat().st_size
    for output in range(5_000):
        ours.hear("one", heard(output))
    assert files(tmp_path)[0].stat().st_size == before == ours.segments[0].size
    ours.end(other, caller())
    assert [each.attempt.id for each in ours.segments[0].over(10)[0]] == ["other"]
    assert charged(left_by(ours, tmp_path)) == [("one", 4_999, "counted"), ("other", 20, "provider")]


def test_what_is_over_is_not_heard_any_more(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    one = attempt()
    ours.begin(one, caller())
    ours.end(one, caller())
    ours.segments[0].stored = ours.segments[0].size
    ours.tidy()
    ours.hear(one.id, heard(3))
    assert files(tmp_path)[0].stat().st_size == 0


@pytest.mark.parametrize("cut", [4, 9, 60, 100])
def test_what_was_heard_and_not_written_to_its_end_is_not_charged(cut: int, tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    ours.begin(attempt(id="one", usage=Usage(output=900, source="reserved")), caller())
    ours.hear("one", heard(123))
    later = line_of(heard(4_567, duration_s=1.25))
    os.pwrite(ours.segments[0].fd, later[:cut], ours.segments[0].open["one"])
    assert charged(left_by(ours, tmp_path)) == [("one", 900, "reserved")]


def test_what_was_heard_of_an_attempt_whose_line_is_broken_is_charged_to_no_other(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    for name in ("first", "second", "third"):
        ours.begin(attempt(id=name, usage=Usage(output=900, source="reserved")), caller())
    ours.hear("second", heard(5))
    place = ours.segments[0].open["second"] + len(NOTHING)
    os.pwrite(ours.segments[0].fd, b"!", place + 1)
    assert charged(left_by(ours, tmp_path)) == [("first", 900, "reserved"), ("third", 900, "reserved")]


def test_a_file_that_was_written_before_anything_was_heard_in_it_is_read_as_it_was(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    one, other = (attempt(id=name, usage=Usage(output=900, source="reserved")) for name in ("one", "other"))
    ours.begin(one, caller())
    ours.begin(other, caller())
    ours.end(msgspec.structs.replace(one, usage=Usage(output=3)), caller())
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes().replace(NOTHING, b""))
    assert charged(left_by(ours, tmp_path)) == [("one", 3, "provider"), ("other", 900, "reserved")]


def test_what_another_version_noted_in_other_words_is_not_charged(tmp_path: Path) -> None:
    ours = Journal(tmp_path)
    ours.begin(attempt(id="one", usage=Usage(output=900, source="reserved")), caller())
    said = b'["heard"]'.ljust(len(NOTHING) - 10)
    os.pwrite(ours.segments[0].fd, b"H%08x%b\n" % (crc32(said), said), ours.segments[0].open["one"])
    assert charged(left_by(ours, tmp_path)) == [("one", 900, "reserved")]


def test_whatever_a_provider_says_the_line_of_what_was_heard_has_its_length_or_is_none() -> None:
    most = 2**53
    used = Usage(
        input_uncached=most,
        cache_read=most,
        cache_write_5m=most,
        cache_write_1h=most,
        cache_write_unknown=most,
        output=most,
        reasoning=most,
        cost_usd=Decimal("123456789.123456789012"),
    )
    full = Heard(used, 10**18, 86_400.123456789, "x" * 64)
    assert heard_of(line_of(full)[:-1]) == full
    assert len(line_of(full)) == len(line_of(heard(1))) == len(NOTHING)
    named = heard_of(line_of(heard(1, provider_call_id="x" * 65))[:-1])
    assert named == heard(1)
    assert line_of(heard(10**400)) == b""
