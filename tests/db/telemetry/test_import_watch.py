"""`tloi import --watch` on this machine's own database: what comes is read, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from telemetry.database import connection
from telemetry.models import Call, Project
from tests.conftest import ROOT, database_url
from tests.transcripts import assistant


@pytest.mark.slow
def test_what_comes_is_read_although_the_database_hung_up_until_ctrl_c(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(assistant("req_1") + b"\n")
    words = ("import", "claude-code", str(tmp_path), "--project", project.slug, "--watch", "--every", "0.2")
    others = _backends()
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", *words],
        env={**os.environ, "DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _until(lambda: _calls(project) == 1)
        with path.open("ab") as file:
            file.write(assistant("req_2", at="10:01:00") + b"\n")
        (tmp_path / "new.jsonl").write_bytes(assistant("req_3", at="10:02:00") + b"\n")
        _until(lambda: _calls(project) == 3)
        hung_up = _backends() - others
        connection().execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [list(hung_up)])
        assert hung_up
        (tmp_path / "later.jsonl").write_bytes(assistant("req_4", at="10:03:00") + b"\n")
        _until(lambda: _calls(project) == 4)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[0]
    assert process.returncode == 0, said
    assert said.rstrip().endswith("Stopped.")
    assert "Traceback" not in said
    assert said.count("The database does not answer") == 1


def _backends() -> set[int]:
    rows = connection().execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()").fetchall()
    return {pid for (pid,) in rows}


def _calls(project: Project) -> int:
    return Call.objects.filter(project_id=project.pk).count()


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen within 60 s"
        time.sleep(0.1)
