"""Where files are looked for, and what is said of places that cannot be seen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.importer.files import Find, MissingPath, find
from telemetry.importer.options import Seen, has_changed
from telemetry.importer.registry import LOCAL_SOURCES, SOURCES

CLAUDE_CODE = SOURCES["claude-code"]


def found(home: Path, *named: Path, **environment: str) -> Find:
    """What Claude Code has under `home`, or at `named`."""
    return find(CLAUDE_CODE, named=named, environment=environment, home=home)


def transcript(folder: Path) -> Path:
    """An empty transcript."""
    folder.mkdir(parents=True)
    path = folder / "s.jsonl"
    path.touch()
    return path


def test_one_line_says_how_many_files_there_are_and_which_folder_is_not_there(tmp_path: Path) -> None:
    path = transcript(tmp_path / ".claude" / "projects" / "-shop")
    here = found(tmp_path)
    assert here.files == (path,)
    missing = f"; {tmp_path}/.config/claude/projects: not there"
    assert here.sentence() == f"Claude Code: 1 file in {tmp_path}/.claude/projects{missing}"


def test_every_agent_says_where_it_was_looked_for_although_nothing_is_there(tmp_path: Path) -> None:
    for source in LOCAL_SOURCES:
        said = find(source, named=[], environment={}, home=tmp_path).sentence()
        assert said.startswith(f"{source.title}: no files; ")
        assert f"{tmp_path}/" in said
        assert f"{source.variable} changes where to look" in said
        assert "\n" not in said


def test_a_variable_that_points_nowhere_is_named_with_its_value(tmp_path: Path) -> None:
    said = found(tmp_path, CLAUDE_CONFIG_DIR="/nowhere").sentence()
    assert said == "Claude Code: no files; /nowhere/projects: not there; CLAUDE_CONFIG_DIR is '/nowhere'"


@pytest.fixture
def closed() -> Iterator[Path]:
    """A home folder in which one project cannot be looked into by this process, root or not."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        transcript(home / ".claude" / "projects" / "-open")
        transcript(home / ".claude" / "projects" / "-closed").parent.chmod(0o000)
        home.chmod(0o755)
        user = os.geteuid()
        os.seteuid(user or 65_534)
        try:
            yield home
        finally:
            os.seteuid(user)
            (home / ".claude" / "projects" / "-closed").chmod(0o700)


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_seen(closed: Path) -> None:
    here = found(closed)
    assert len(here.files) == 1
    assert f"; {closed}/.claude/projects/-closed: cannot be read (Permission denied)" in here.sentence()


def test_a_usual_folder_that_cannot_be_read_is_named(closed: Path) -> None:
    said = found(closed, CLAUDE_CONFIG_DIR=str(closed / ".claude" / "projects" / "-closed")).sentence()
    assert "-closed/projects: cannot be read (Permission denied)" in said


def test_what_was_named_must_be_there_and_may_have_any_name(tmp_path: Path) -> None:
    path = transcript(tmp_path / "x").rename(tmp_path / "x" / "notes.txt")
    assert found(tmp_path, path).files == (path,)
    assert found(tmp_path, tmp_path / "x").files == ()
    with pytest.raises(MissingPath, match=r"^There is no file or folder .*missing\.$"):
        found(tmp_path, path, tmp_path / "missing")


def test_a_file_that_grows_or_comes_is_seen_to_have_changed(tmp_path: Path) -> None:
    path = transcript(tmp_path / ".claude" / "projects")
    seen: Seen = {}
    assert has_changed([found(tmp_path)], seen)
    assert not has_changed([found(tmp_path)], seen)
    path.write_bytes(b"x")
    assert has_changed([found(tmp_path)], seen)
    path.with_name("s.jsonl-wal").write_bytes(b"x")
    assert has_changed([found(tmp_path)], seen)
    path.unlink()
    assert has_changed([found(tmp_path)], seen)
