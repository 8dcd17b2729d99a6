"""What `tloi backup` wrote on one machine is on the next what it was: every day, every token, every key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import folder_for_servers
from tloi_site.embedded import servers, site

pytestmark = pytest.mark.slow


def tloi(folder: Path, *words: str) -> str:
    """A command with private servers in a folder, alone on its machine."""
    ours = {name for name in os.environ if name.startswith("TLOI_")} | set(servers.ADDRESSES)
    done = subprocess.run(
        [sys.executable, site.ROOT / "manage.py", *words],
        env={name: value for name, value in os.environ.items() if name not in ours} | {"TLOI_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_backup_moves_everything_to_another_machine(tmp_path: Path) -> None:
    file = str(tmp_path / "tloi.backup")
    with folder_for_servers() as old, folder_for_servers() as new:
        tloi(old, "demo", "--days", "3")
        tloi(old, "key", "create", "laptop", "--project", "demo")
        tloi(old, "backup", file)
        before = tloi(old, "daily", "--project", "demo", "--json"), tloi(old, "key", "list")
        tloi(new, "restore", file)
        assert (tloi(new, "daily", "--project", "demo", "--json"), tloi(new, "key", "list")) == before
    assert json.loads(before[0])
    assert "laptop" in before[1]
