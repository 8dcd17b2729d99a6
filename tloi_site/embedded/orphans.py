"""Processes that outlived the supervisor that started them: noted, recognised and ended.

A process id alone may belong to somebody else by now, so the note also says when the process was born.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

PATIENCE_S = 5.0


def note(file: Path, pid: int, how: signal.Signals) -> None:
    """Remember a child that was just started, and which signal it ends by."""
    file.write_text(f"{pid} {how:d} {_birth(pid)}\n")


def end_noted(folder: Path) -> None:
    """End every process noted in `folder` that is still the one that was noted, and what it started."""
    left = []
    for file in folder.iterdir():
        pid, how, birth = (*file.read_text().strip().split(" ", 2), "", "", "")[:3]
        if birth and birth == _birth(int(pid)):
            left.append(int(pid))
            _ask(int(pid), signal.Signals(int(how)))
        file.unlink()
    for orphan in left:
        wait_for(orphan)


def end(pid: int, how: signal.Signals) -> None:
    """Ask a process that is no child of ours to end, and wait until it has."""
    _ask(pid, how)
    wait_for(pid)


def wait_for(pid: int) -> None:
    """Wait until a process that was asked to end has ended; kill it and its group after `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    while is_running(pid):
        if time.monotonic() > deadline:
            kill_group(pid)
            deadline += PATIENCE_S
        time.sleep(0.05)
    kill_group(pid)


def _ask(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def kill_group(leader: int) -> None:
    """Kill every process of the group that `leader` led, also when the leader itself is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether a process, not merely the entry of a dead one, has this id."""
    return bool(_birth(pid))


def command_line(pid: int) -> str:
    """How the process was called; empty when there is none."""
    file = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    return _ps("command", pid)


def _birth(pid: int) -> str:
    """When the process was born, in the kernel's own words; empty when there is none, or only a zombie."""
    if not Path("/proc/self").exists():
        return "" if _ps("stat", pid).startswith("Z") else _ps("lstart", pid)
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if after_name[0] == "Z" else after_name[19]  # proc(5): field 22, starttime


def _ps(column: str, pid: int) -> str:
    command = ["/bin/ps", "-ww", "-o", f"{column}=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
