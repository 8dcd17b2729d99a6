"""Of the processes that a worker forked one at a time does what takes long, and a killed one keeps nobody out."""

from __future__ import annotations

import subprocess
import sys

from tloi_site.embedded.site import ROOT

FORKS = """
import os, signal, time
from telemetry.jobs.alone import alone
ready, done = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    with alone() as is_alone:
        os.write(ready[1], b"1" if is_alone else b"0")
        time.sleep(60)
print("child", os.read(ready[0], 1) == b"1")
with alone() as is_alone:
    print("beside", is_alone)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
with alone() as is_alone:
    print("after", is_alone)
with alone() as is_alone:
    print("again", is_alone)
"""


def test_one_process_is_inside_until_it_leaves_or_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["child", "True", "beside", "False", "after", "True", "again", "True"]


def test_processes_that_do_not_come_from_one_parent_keep_nobody_out() -> None:
    held = "from telemetry.jobs.alone import alone\nwith alone() as here:\n    print(here, flush=True); input()"
    nested = [
        subprocess.Popen([sys.executable, "-c", held], cwd=ROOT, stdin=-1, stdout=-1, text=True) for _ in range(2)
    ]
    said = [process.stdout.readline().strip() if process.stdout else "" for process in nested]
    for process in nested:
        process.communicate("\n", timeout=30)
    assert said == ["True", "True"]
