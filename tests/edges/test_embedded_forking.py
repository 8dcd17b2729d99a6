"""Web and worker are forked from one process that loaded the site, and are the supervisor's children all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.test_embedded_supervisor import noted, noted_anew, soon, watch_until
from tloi_site.embedded import CannotStart, forking, orphans, site
from tloi_site.embedded.child import Service
from tloi_site.embedded.supervisor import Supervisor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each is started by its own command")
LOADED = """
import os
from tloi_site import siblings
siblings.load()
sockets = [name for name in os.listdir("/proc/self/fd") if "socket" in os.path.realpath(f"/proc/self/fd/{name}")]
print(len(os.listdir("/proc/self/task")), len(sockets))
"""


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A supervisor whose launcher loads nothing."""
    monkeypatch.setattr(forking, "LAUNCHER", "tests.forked")
    (tmp_path / "run").mkdir()
    supervisor = Supervisor(tmp_path / "run", print)
    yield supervisor
    supervisor.stop()


def service(tmp_path: Path, *words: str, name: str = "one", module: str = "tests.forked") -> Service:
    """One that can be forked, and is ready when it has said who it is."""
    log = tmp_path / f"{name}.log"
    return Service(
        name=name,
        command=(sys.executable, "-m", "tests.forked", *words),
        log=log,
        folder=site.ROOT,
        is_ready=lambda: log.exists() and log.read_text() != "",
        tier="site",
        module=module,
    )


def start(supervisor: Supervisor, *services: Service) -> None:
    supervisor.start_together(services, folder=site.ROOT, patience_s=30)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_forks_are_children_with_sessions_logs_and_words_of_their_own(tmp_path: Path, supervisor: Supervisor) -> None:
    start(supervisor, service(tmp_path, "a", "b"), service(tmp_path, "c", name="two"))
    first, second = noted(tmp_path, "one"), noted(tmp_path, "two")
    assert (tmp_path / "one.log").read_text() == f"{first} a b\n"
    assert (tmp_path / "two.log").read_text() == f"{second} c\n"
    assert (tmp_path / "one.log").stat().st_mode & 0o077 == 0
    for pid, words in ((first, "a b"), (second, "c")):
        assert parent_of(pid) == os.getpid()
        assert os.getsid(pid) == pid
        assert orphans.command_line(pid).strip("\0 ").endswith(f"-m tests.forked {words}")
    supervisor.stop()
    assert not any(orphans.is_running(pid) for pid in (first, second))
    assert list((tmp_path / "run").iterdir()) == []


def test_a_fork_that_was_killed_is_started_again_by_its_own_command(tmp_path: Path, supervisor: Supervisor) -> None:
    start(supervisor, service(tmp_path, "a"))
    first = noted(tmp_path, "one")
    os.kill(first, signal.SIGKILL)
    watch_until(supervisor, lambda: noted_anew(tmp_path, first, "one"))
    assert parent_of(noted(tmp_path, "one")) == os.getpid()
    assert soon(lambda: (tmp_path / "one.log").read_text() == f"{first} a\n{noted(tmp_path, 'one')} a\n")


def test_a_fork_that_fails_is_told_with_the_end_of_its_log(tmp_path: Path, supervisor: Supervisor) -> None:
    failing = service(tmp_path, "fail")
    never = Service(**{**{name: getattr(failing, name) for name in Service.__slots__}, "is_ready": lambda: False})
    with pytest.raises(CannotStart, match=r"one ended while it started.*(?s:.)*RuntimeError: asked to fail"):
        start(supervisor, never)


def test_a_site_that_cannot_be_loaded_is_told(tmp_path: Path, supervisor: Supervisor) -> None:
    with pytest.raises(CannotStart, match=r"The site cannot be loaded: (?s:.)*no module named x"):
        start(supervisor, service(tmp_path, "unloadable"))


def test_what_names_no_module_and_where_nothing_can_be_forked_is_started_by_its_command(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(supervisor, service(tmp_path, "a", module=""), service(tmp_path, "b", name="two"))
    assert orphans.command_line(noted(tmp_path, "one")).startswith(sys.executable)
    assert not orphans.command_line(noted(tmp_path, "two")).startswith(sys.executable)
    monkeypatch.setattr(forking, "libc", None)
    start(supervisor, service(tmp_path, "c", name="three"))
    assert orphans.command_line(noted(tmp_path, "three")).startswith(sys.executable)


def test_forks_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    script = (
        "import sys; from pathlib import Path; from tests.edges.test_embedded_forking import *; "
        "root = Path(sys.argv[1]); forking.LAUNCHER = 'tests.forked'; supervisor = Supervisor(root / 'run', print); "
        "start(supervisor, service(root, 'a')); print('up', flush=True); supervisor.watch()"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "up\n"
        fork = noted(tmp_path, "one")
        assert orphans.is_running(fork)
        parent.kill()
    assert soon(lambda: not orphans.is_running(fork))


def test_what_is_loaded_before_the_fork_starts_no_thread_and_connects_to_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=site.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0"]
