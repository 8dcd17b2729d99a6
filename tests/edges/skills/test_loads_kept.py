"""A load by HTTP is a row of the ledger, also where the server is stopped right after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from telemetry.models import Project, SkillInvocation
from tests.conftest import ROOT, database_url, wait_until_ready
from tests.stalls import until
from tloi_site.embedded.ports import free_port

# The web server, but its thread stores nothing for a minute.
PATIENT = (
    "import django; django.setup(); from skills import loads; loads.STORED_AFTER_S = 60.0;"
    " from granian.cli import entrypoint; entrypoint()"
)


def load(address: str, key: str, **said: str) -> None:
    """Load a skill."""
    headers = {"Authorization": f"Bearer {key}", **{f"x-tloi-{name}": value for name, value in said.items()}}
    request = urllib.request.Request(f"{address}/api/v1/skills/aria-health/", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def test_a_load_says_whose_it_was_and_what_it_took(web: str, project: Project, key: str) -> None:
    load(web, key, agent="scout", session="s-1", execution="e-1", **{"task-type": "triage"})
    until(lambda: SkillInvocation.objects.filter(project_id=project.pk).exists())
    row = SkillInvocation.objects.get(project_id=project.pk)
    assert (row.skill, row.route, len(row.digest)) == ("aria-health", "api", 64)
    assert (row.agent, row.session_id, row.execution_id, row.task_type) == ("scout", "s-1", "e-1", "triage")
    assert row.tokens > 200
    assert 0 < row.load_us < 5_000_000


@pytest.mark.parametrize(
    ("ending", "kept"), [(signal.SIGTERM, 5), pytest.param(signal.SIGKILL, 0, marks=pytest.mark.slow)]
)
def test_a_server_that_is_stopped_stores_what_was_loaded_and_one_that_is_killed_does_not(
    static_files: None, project: Project, key: str, ending: int, kept: int
) -> None:
    port = free_port()
    command = (
        *(sys.executable, "-c", PATIENT, "tloi_site.wsgi:application", "--interface", "wsgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "2"),
    )
    server = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "DATABASE_URL": database_url()}, start_new_session=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, server)
        for _ in range(5):
            load(address, key)
        os.killpg(server.pid, ending) if ending == signal.SIGKILL else server.terminate()
        server.wait(20)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
    assert SkillInvocation.objects.filter(project_id=project.pk).count() == kept
