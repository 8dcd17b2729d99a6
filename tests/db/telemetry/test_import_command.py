"""`tloi import` and `tloi daily`: what a person at a terminal is told."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from telemetry.models import Project
from tests.transcripts import assistant

DATA = Path(__file__).parents[4] / "shared" / "data"


def said(command: str, *words: str | Path, **options: Any) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(command, *map(str, words), stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def transcripts(tmp_path: Path) -> Path:
    """A folder with two calls, an hour and a half apart around midnight in UTC."""
    folder = tmp_path / "projects" / "-home-ana-shop"
    folder.mkdir(parents=True)
    lines = [
        assistant("req_1", timestamp="2026-11-01T23:00:00Z"),
        assistant("req_2", timestamp="2026-11-02T00:30:00Z", message={"model": "house-model"}),
    ]
    (folder / "s.jsonl").write_bytes(b"\n".join([*lines, b"garbage", b""]))
    return folder


@pytest.mark.shared_data
def test_the_summary_and_the_table_say_what_was_imported(project: Project) -> None:
    first = said("import", "claude-code", DATA / "claude_code", project=project.slug).splitlines()
    assert first[0] == f"Claude Code: 24 files in {DATA}/claude_code"
    assert first[1] == "925 calls (925 new, 0 known), 24 files, 0 unreadable lines, 0 quarantined"
    total = first[-1] if first[-1].strip() else first[-2]
    figures = ["925", "14,240", "110,040", "3,120,773", "86,331,621", "89,576,674", "$71.36"]
    assert total.split() == ["Total", *figures]
    second = said("import", "claude-code", DATA / "claude_code", project=project.slug).splitlines()
    assert second[1] == "925 calls (0 new, 925 known), 24 files, 0 unreadable lines, 0 quarantined"
    assert second[2] == "Nothing in the files of Claude Code has changed since they were imported."
    assert second[3:] == first[2:]


def test_a_disk_that_is_nearly_full_ends_an_import_which_goes_on_when_there_is_room(
    project: Project, transcripts: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.POSTGRES_FOLDERS, settings.LEAST_FREE_BYTES = [tmp_path], 2**60
    with pytest.raises(CommandError, match="nearly full"):
        said("import", "claude-code", transcripts, project=project.slug)
    settings.LEAST_FREE_BYTES = 1
    assert "2 calls (2 new, 0 known)" in said("import", "claude-code", transcripts, project=project.slug)


def test_unreadable_lines_and_models_without_a_price_are_named(project: Project, transcripts: Path) -> None:
    text = said("import", "claude-code", transcripts, project=project.slug)
    assert f"{transcripts / 's.jsonl'}: 1 unreadable: not JSON" in text
    assert "2 calls (2 new, 0 known), 1 file, 1 unreadable line, 0 quarantined" in text
    assert "No price is known for house-model (1 call)." in text
    assert "1 unpriced" in text


def test_days_are_cut_in_the_projects_time_zone_which_is_named(project: Project, transcripts: Path) -> None:
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    text = said("import", "claude-code", transcripts, project=project.slug)
    assert "days in Asia/Kolkata" in text
    assert "2026-11-02" in text
    assert "2026-11-01" not in text
    assert "2026-11-01" in said("daily", project=project.slug, since="2026-11-01", until="2026-11-03", timezone="UTC")


def test_a_file_whose_name_looks_like_markup_is_named_as_it_is(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "[bold]notes.jsonl"
    path.write_bytes(b"garbage\n")
    assert f"{path}: 1 unreadable: not JSON" in said("import", "claude-code", path, project=project.slug)


def test_a_file_whose_name_is_no_text_is_named_all_the_same(project: Project, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl"))
    path.write_bytes(b"garbage\n")
    assert "caf\\udce9.jsonl: 1 unreadable" in said("import", "claude-code", path, project=project.slug)


def test_a_path_that_is_not_there_is_one_clear_sentence(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^There is no file or folder .*missing\.$") as caught:
        said("import", "claude-code", tmp_path, tmp_path / "missing", project=project.slug)
    assert caught.value.returncode == 1


def test_where_nothing_is_found_the_folders_and_what_changes_them_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLAUDE_CONFIG_DIR", "XDG_DATA_HOME", "ORCHESTRATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    text = said("import", all=True)
    line = next(line for line in text.splitlines() if line.startswith("Claude Code: no files"))
    for folder in (".claude/projects", ".config/claude/projects"):
        assert f"; {tmp_path}/{folder}: not there" in line
    assert "CLAUDE_CONFIG_DIR changes where to look" in line
    assert f"opencode: no files; {tmp_path}/.local/share/opencode: not there" in text


def test_without_a_path_the_usual_folders_go_into_the_default_project(
    transcripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(transcripts.parent.parent))
    assert "2 calls (2 new" in said("import", "claude-code")
    assert "2 calls (0 new, 2 known)" in said("import", is_all=True)
    assert Project.objects.get(slug="default").time_zone == "UTC"


def test_a_project_is_made_only_when_asked_for(project: Project, transcripts: Path) -> None:
    with pytest.raises(CommandError, match="There is no project 'nowhere'"):
        said("import", "claude-code", transcripts, project="nowhere")
    with pytest.raises(CommandError, match="There is no project 'nowhere' yet"):
        said("daily", project="nowhere")
    assert "2 new" in said("import", "claude-code", transcripts, project="nowhere", create_project=True)
    assert Project.objects.exclude(pk=project.pk).get(slug="nowhere").name == "nowhere"


@pytest.mark.parametrize("words", [(), ("claude-code", "--all")])
def test_either_a_source_or_all_of_them_is_asked_for(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"Say whose files to read \(.*claude-code.*\), or --all\."):
        said("import", *words)


def test_json_and_table_of_a_day_bear_the_same_figures(project: Project, transcripts: Path) -> None:
    said("import", "claude-code", transcripts, project=project.slug)
    options = {"project": project.slug, "since": "2026-11-01", "until": "2026-11-02"}
    answer = json.loads(said("daily", is_json=True, **options))
    assert (answer["from"], answer["to"], answer["tz"]) == ("2026-11-01", "2026-11-02", "UTC")
    assert [(day["date"], day["calls"], day["models"]) for day in answer["days"]] == [
        ("2026-11-01", 1, ["claude-sonnet-4-5-20250929"]),
        ("2026-11-02", 1, ["house-model"]),
    ]
    assert answer["total"]["unpriced_calls"] == 1
    last = said("daily", **options).rstrip().splitlines()[-1].split()
    assert last[1:4] == [f"{answer['total'][name]:,}" for name in ("calls", "input_uncached", "output")]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"timezone": "Mars/Olympus"}, "not an IANA time zone"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "ends .* before it begins"),
        ({"since": "yesterday"}, "not a date"),
        ({"until": "2019-12-31"}, "Dates run from 2020-01-01"),
    ],
)
def test_a_range_that_cannot_be_is_refused_with_its_reason(
    project: Project, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        said("daily", project=project.slug, **options)
