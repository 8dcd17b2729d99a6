"""A real `tloi import`, killed outright: what it had stored stays, and the next run makes up the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from django.db import connection as django_connection

from telemetry.models import ImportedFile, Project
from telemetry.series.queries import usage_total
from telemetry.series.window import by_days
from tests.ledger_reading import added_up
from tests.transcripts import assistant, user

FILES, CALLS, COPIES = 40, 150, 3
NOVEMBER = by_days(date(2026, 11, 1), date(2026, 11, 30), zone="UTC")


@pytest.fixture
def transcripts(tmp_path: Path) -> Path:
    """Files of 150 responses each on three lines, a third of them in the next file as well."""
    for file in range(FILES):
        lines = [user(uuid=f"prompt-{file}", sessionId=f"session-{file}")]
        for n in range(file * CALLS, (file + 1) * CALLS + CALLS // 3):
            request = f"req_{n % (FILES * CALLS)}"
            lines += [assistant(request, 10 * copy, sessionId=f"session-{file}") for copy in range(1, COPIES + 1)]
        (tmp_path / f"{file:02}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return tmp_path


def start(project: Project, folder: Path) -> subprocess.Popen[bytes]:
    """`tloi import` on the test's own database."""
    server = django_connection.settings_dict
    address = f"{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    environment: Mapping[str, str] = os.environ | {"DATABASE_URL": f"postgresql://{address}"}
    command = [sys.executable, "-m", "django", "import", "claude-code", str(folder), "--project", project.slug]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def read_files(project: Project) -> int:
    """How many files have a bookmark."""
    return ImportedFile.objects.filter(project_id=project.pk).count()


@pytest.mark.slow
def test_killing_an_import_at_any_moment_and_running_it_again_gives_the_same_totals(
    project: Project, transcripts: Path
) -> None:
    kills = 0
    for wanted in (1, 6, 15, 30):
        process = start(project, transcripts)
        while process.poll() is None and read_files(project) < wanted:
            time.sleep(0.002)
        kills += process.poll() is None
        process.kill()
        process.communicate()
    assert kills >= 3
    assert 0 < read_files(project) < FILES
    text = start(project, transcripts).communicate(timeout=60)[0].decode()
    total = usage_total(added_up(project.pk), project_id=project.pk, window=NOVEMBER)
    assert (total.calls, total.output) == (FILES * CALLS, FILES * CALLS * 10 * COPIES)
    assert f"\n{FILES * CALLS:,} calls (" in text


@pytest.mark.slow
def test_two_imports_at_once_count_everything_once(project: Project, transcripts: Path) -> None:
    both = [start(project, transcripts) for _ in range(2)]
    texts = [process.communicate(timeout=90)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], texts
    total = usage_total(added_up(project.pk), project_id=project.pk, window=NOVEMBER)
    assert (total.calls, total.output) == (FILES * CALLS, FILES * CALLS * 10 * COPIES)
