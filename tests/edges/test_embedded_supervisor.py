"""The supervisor: what dies comes back, what must end does, and nothing outlives its parent."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tloi_site.embedded import CannotStart, orphans
from tloi_site.embedded.child import Service
from tloi_site.embedded.stopping import Stopped, stopping_on_signals
from tloi_site.embedded.supervisor import STOP_S, Supervisor

SLEEP = ("/bin/sh", "-c", "exec sleep 600")
STUBBORN = ("/bin/sh", "-c", "trap '' TERM INT; while :; do sleep 1; done")
WITH_GRANDCHILD = ("/bin/sh", "-c", "sleep 600 & echo $!; wait")


@pytest.fixture
def said() -> list[str]:
    """What the supervisor told the person."""
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    """A supervisor whose children end with the test."""
    (tmp_path / "run").mkdir()
    supervisor = Supervisor(tmp_path / "run", said.append)
    yield supervisor
    supervisor.stop()


def service(tmp_path: Path, command: tuple[str, ...], *, name: str = "child", retry_s: float = 0.0) -> Service:
    """A service of the site that is ready at once."""
    return Service(
        name=name,
        command=command,
        log=tmp_path / f"{name}.log",
        folder=tmp_path,
        is_ready=lambda: True,
        tier="site",
        retry_s=retry_s,
    )


def noted(tmp_path: Path, name: str = "child") -> int:
    """The process id that the supervisor noted."""
    return int((tmp_path / "run" / name).read_text().split()[0])


def noted_anew(tmp_path: Path, first: int, name: str = "child") -> bool:
    """Whether another process than the first is noted; while a child is started again, nothing is."""
    try:
        return noted(tmp_path, name) != first
    except (FileNotFoundError, IndexError):
        return False


def soon(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def watch_until(supervisor: Supervisor, holds: Callable[[], bool]) -> None:
    """Watch, and send Ctrl-C when something has come true, or after a while."""

    def press() -> None:
        soon(holds)
        os.kill(os.getpid(), signal.SIGINT)

    with stopping_on_signals():
        threading.Thread(target=press).start()
        with pytest.raises(Stopped):
            supervisor.watch()


def test_a_killed_child_is_started_again(tmp_path: Path, supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(service(tmp_path, SLEEP))
    first = noted(tmp_path)
    os.kill(first, signal.SIGKILL)
    watch_until(supervisor, lambda: noted_anew(tmp_path, first))
    assert noted_anew(tmp_path, first)
    assert orphans.is_running(noted(tmp_path))
    assert said == ["child ended (signal 9); starting it again."]


def test_what_a_killed_child_left_behind_is_killed(tmp_path: Path, supervisor: Supervisor) -> None:
    supervisor.start(service(tmp_path, WITH_GRANDCHILD))
    assert soon(lambda: (tmp_path / "child.log").read_text().strip() != "")
    first, grandchild = noted(tmp_path), int((tmp_path / "child.log").read_text())
    os.kill(first, signal.SIGKILL)
    assert orphans.is_running(grandchild)
    watch_until(supervisor, lambda: noted_anew(tmp_path, first))
    assert soon(lambda: not orphans.is_running(grandchild))


def test_a_child_that_keeps_dying_is_started_more_and_more_slowly(tmp_path: Path, supervisor: Supervisor) -> None:
    supervisor.start(service(tmp_path, ("/bin/sh", "-c", "echo started")))
    began = time.monotonic()
    watch_until(supervisor, lambda: time.monotonic() - began > 2.5)
    assert 3 <= (tmp_path / "child.log").read_text().count("started") <= 6


def test_a_child_that_cannot_be_started_again_is_tried_until_it_can(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    supervisor.start(service(tmp_path, SLEEP))
    first = noted(tmp_path)
    (tmp_path / "child.log").unlink()
    (tmp_path / "child.log").mkdir()  # as good as a full disk: no log can be opened
    os.kill(first, signal.SIGKILL)

    def came_back() -> bool:
        if any("child cannot be started" in sentence for sentence in said) and (tmp_path / "child.log").is_dir():
            (tmp_path / "child.log").rmdir()
        return noted_anew(tmp_path, first)

    watch_until(supervisor, came_back)
    assert orphans.is_running(noted(tmp_path))


def test_a_full_disk_is_named_once_however_often_a_child_dies_of_it(
    tmp_path: Path, supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**20))
    dying = service(tmp_path, ("/bin/sh", "-c", "echo started; exit 1"))
    supervisor.start(replace(dying, disks=(tmp_path,)))
    watch_until(supervisor, lambda: (tmp_path / "child.log").read_text().count("started") >= 3)
    assert (tmp_path / "child.log").read_text().count("started") >= 3
    assert said == [f"child ended, for the disk of {tmp_path} is full; it starts again as soon as there is room."]


@pytest.mark.parametrize("again", [False, True], ids=["first start", "started again"])
def test_a_child_begun_just_when_ctrl_c_comes_is_stopped_and_waited_for(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    begun: list[int] = []

    class Pressed(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            begun.append(self.pid)
            os.kill(os.getpid(), signal.SIGINT)  # its handler runs before the next line of whoever started it

    if again:
        supervisor.start(service(tmp_path, ("/bin/sh", "-c", "exit 1")))
    monkeypatch.setattr(subprocess, "Popen", Pressed)

    def begin() -> None:
        supervisor.watch() if again else supervisor.start(service(tmp_path, SLEEP))

    with stopping_on_signals(), pytest.raises(Stopped):
        begin()
    supervisor.stop()
    assert len(begun) == 1
    with pytest.raises(ChildProcessError):  # it is nobody's any more
        os.waitpid(begun[0], os.WNOHANG)
    assert list((tmp_path / "run").iterdir()) == []


def test_stopping_takes_no_longer_than_promised_when_a_child_will_not_end(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    supervisor = Supervisor(tmp_path / "run", print)
    supervisor.start(service(tmp_path, STUBBORN))
    supervisor.start(service(tmp_path, SLEEP, name="other"))
    children = [noted(tmp_path), noted(tmp_path, "other")]
    time.sleep(0.2)  # the shell must have set its trap
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < STOP_S
    assert not any(orphans.is_running(child) for child in children)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_child_that_cannot_start_is_told_with_the_end_of_its_log(tmp_path: Path, supervisor: Supervisor) -> None:
    dying = service(tmp_path, ("/bin/sh", "-c", "echo the port is taken; exit 3"))
    never = Service(**{**{name: getattr(dying, name) for name in Service.__slots__}, "is_ready": lambda: False})
    with pytest.raises(CannotStart, match=r"child ended while it started.*\n    the port is taken"):
        supervisor.start(never)


def test_a_program_that_is_not_there_is_told(tmp_path: Path, supervisor: Supervisor) -> None:
    with pytest.raises(CannotStart, match=r"child cannot be started: .*No such file"):
        supervisor.start(service(tmp_path, ("/no/such/program",)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    script = (
        "import sys; from pathlib import Path; from tests.edges.test_embedded_supervisor import *; "
        "root = Path(sys.argv[1]); supervisor = Supervisor(root / 'run', print); "
        "supervisor.start(service(root, SLEEP)); print('up', flush=True); supervisor.watch()"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "up\n"
        child = noted(tmp_path)
        assert orphans.is_running(child)
        parent.kill()
    assert soon(lambda: not orphans.is_running(child))


def test_a_noted_orphan_is_ended_by_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with subprocess.Popen(SLEEP, start_new_session=True) as orphan:
        orphans.note(tmp_path / "run" / "web", orphan.pid, signal.SIGTERM)
        orphans.end_noted(tmp_path / "run")
        assert orphan.wait(5) == -signal.SIGTERM
    assert list((tmp_path / "run").iterdir()) == []


def test_an_orphan_that_ignores_the_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "PATIENCE_S", 0.5)
    (tmp_path / "run").mkdir()
    with subprocess.Popen(STUBBORN, start_new_session=True) as orphan:
        time.sleep(0.2)  # the shell must have set its trap
        orphans.note(tmp_path / "run" / "web", orphan.pid, signal.SIGTERM)
        orphans.end_noted(tmp_path / "run")
        assert orphan.wait(5) == -signal.SIGKILL


def test_a_process_that_got_a_noted_number_later_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with subprocess.Popen(SLEEP, start_new_session=True) as stranger:
        (tmp_path / "run" / "web").write_text(f"{stranger.pid} 15 another birth\n")
        orphans.end_noted(tmp_path / "run")
        assert orphans.is_running(stranger.pid)
        stranger.kill()


def test_a_log_that_grew_large_is_set_aside(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tloi_site.embedded.child.LARGEST_LOG", 10)
    (tmp_path / "child.log").write_text("x" * 11)
    supervisor.start(service(tmp_path, SLEEP))
    assert (tmp_path / "child.log.1").read_text() == "x" * 11
    assert (tmp_path / "child.log").read_text() == ""
