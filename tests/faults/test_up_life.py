"""`tloi up` from its first start to Ctrl-C."""

from __future__ import annotations

import re
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.faults.load import database_of
from tests.faults.site import Site, descendants, running, within
from tests.servers import folder_for_servers
from tloi_site.embedded import orphans, servers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    """One site for the tests that leave it as it was."""
    with running() as site:
        yield site


def status(address: str, **headers: str) -> int:
    """The HTTP status of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_it_prints_a_link_that_logs_in_once(here: Site) -> None:
    link = here.found(r"(http\S+/login/\?token=\S+)")
    assert link.startswith(here.address)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link, timeout=10) as answer:
        page = answer.read().decode()
    if "<form" in page:  # a link asks before it logs in, since mail scanners follow links
        return
    with opener.open(here.address, timeout=10) as answer:
        assert "/login" not in answer.url


def test_it_prints_a_key_that_reads(here: Site) -> None:
    key = here.found(r"(tloi_\w{8}_\S+)")
    assert status(f"{here.address}/api/v1/usage/?by=model", Authorization=f"Bearer {key}") == 200
    assert status(f"{here.address}/api/v1/usage/?by=model", Authorization=f"Bearer {key}x") == 401


def test_a_second_up_says_where_the_first_one_is(here: Site) -> None:
    done = here.run("up")
    assert done.returncode == 1
    assert done.stderr == f"tloi: TLOI already runs here (pid {here.process.pid}) at {here.address}.\n"


def test_up_with_a_port_in_use_names_the_setting() -> None:
    with folder_for_servers() as folder, socket.create_server(("127.0.0.1", 0)) as other:
        site = Site(folder, TLOI_PORT=str(other.getsockname()[1]))
        assert site.process.wait(60) == 1
        assert site.text() == (
            f"tloi: Port {other.getsockname()[1]} on 127.0.0.1 is in use by another program; "
            "set TLOI_PORT to a free one.\n"
        )
        assert not (site.data_dir / "postgres").exists()


def test_up_in_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    site = Site(tmp_path)
    assert site.process.wait(60) == 1
    assert site.text().startswith(f"tloi: The data folder {tmp_path}/data cannot be written")
    assert site.text().count("\n") == 1


def test_a_command_beside_up_finds_its_servers(here: Site) -> None:
    before = here.child("postgres")
    done = here.run("key", "create", "beside", "--project", "beside", "--create-project", "--scope", "read")
    assert done.returncode == 0, done.stderr
    key = done.stdout.splitlines()[-1]
    assert status(f"{here.address}/api/v1/usage/?by=model", Authorization=f"Bearer {key}") == 200
    assert here.child("postgres") == before


def test_login_link_beside_up_leads_to_it(here: Site) -> None:
    del here.environment["TLOI_PORT"]
    try:
        assert here.run("login-link").stdout.startswith(f"{here.address}/login/?token=")
    finally:
        here.environment["TLOI_PORT"] = str(here.port)


def test_doctor_finds_a_running_site_well(here: Site) -> None:
    assert within(40, lambda: here.run("doctor").returncode == 0) is not None, here.run("doctor").stdout


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("name", "least"), [("web", 3), ("gateway", 1), ("worker", 2)])
def test_processes_share_what_was_loaded_before_they_were_forked(here: Site, name: str, least: int) -> None:
    first = here.child(name)
    assert within(10, lambda: len(descendants(first)) >= least) is not None
    for pid in descendants(first):
        shared = re.search(r"Shared_Dirty:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
        assert shared is not None
        assert int(shared[1]) > 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_second_process_takes_over_while_a_task_lasts(here: Site) -> None:
    parent = here.child("worker")
    assert within(90, lambda: len(descendants(parent)) == 2) is not None
    with psycopg.connect(database_of(here)) as connection:  # for which every fold waits ten seconds
        connection.execute("LOCK TABLE telemetry_project IN ACCESS EXCLUSIVE MODE")
        assert within(15, lambda: len(descendants(parent)) == 3) is not None
    assert within(120, lambda: len(descendants(parent)) == 2) is not None


def test_a_worker_keeps_its_connection_from_task_to_task(here: Site) -> None:
    asked = "SELECT pid, query_start FROM pg_stat_activity WHERE datname = 'tloi' AND query_start IS NOT NULL"

    def connections() -> dict[int, datetime]:
        with psycopg.connect(database_of(here)) as connection:
            return dict(connection.execute(asked).fetchall())

    before = connections()
    assert (
        within(15, lambda: any(moment > before.get(pid, moment) for pid, moment in connections().items())) is not None
    )


def test_logs_and_secrets_are_closed_to_other_users(here: Site) -> None:
    files = [path for path in here.data_dir.iterdir() if path.is_file()]
    secret = ("key", "password", "conf", "log", "json")
    assert {path.name: path.stat().st_mode & 0o077 for path in files if path.name.endswith(secret)} == {
        path.name: 0 for path in files if path.name.endswith(secret)
    }


def test_ctrl_c_stops_everything_within_five_seconds_and_the_next_start_prints_the_same_key() -> None:
    with running() as site:
        key, family = site.found(r"(tloi_\w{8}_\S+)"), descendants(site.process.pid)
        assert site.stop() < 5
        assert site.process.returncode == 0
        assert not any(orphans.is_running(pid) for pid in family)
        site.start_again()
        site.wait_until_ready()
        assert site.found(r"(tloi_\w{8}_\S+)") == key


def test_sigterm_stops_it_like_ctrl_c() -> None:
    with running() as site:
        family = descendants(site.process.pid)
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(5) == 0
        assert not any(orphans.is_running(pid) for pid in family)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("sign", ["owner.lock", "postgres.half", "run/postgres", "run/cache", "static", "run/web"])
def test_ctrl_c_while_it_starts_leaves_nothing_running(sign: str) -> None:
    with folder_for_servers() as folder:
        site = Site(folder)
        assert within(60, (site.data_dir / sign).exists) is not None, site.text()
        family = descendants(site.process.pid)
        assert site.stop() < 5
        assert "Traceback" not in site.text()
        assert not any(orphans.is_running(pid) for pid in family)


def test_commands_that_start_together_share_one_set_of_servers() -> None:
    with folder_for_servers() as folder:
        site = Site(folder, TLOI_HOST="no.such.host.invalid")  # `up` itself is refused; only its settings serve here
        assert site.process.wait(60) == 1
        site.environment["TLOI_HOST"] = "127.0.0.1"
        done: list[tuple[int, str]] = []

        def create(name: str) -> None:
            result = site.run("key", "create", name, "--project", "shared", "--create-project")
            done.append((result.returncode, result.stderr))

        commands = [threading.Thread(target=create, args=(f"key-{number}",)) for number in range(4)]
        for command in commands:
            command.start()
        for command in commands:
            command.join()
        assert [code for code, _ in done] == [0] * 4, done
        assert site.run("key", "list").stdout.count("key-") == 4
        assert list((site.data_dir / "run").iterdir()) == []


def test_up_uses_the_servers_of_the_operator_and_so_does_a_command_beside_it() -> None:
    with running(**servers.addresses()) as site:
        assert {path.name for path in (site.data_dir / "run").iterdir()} == {"web", "gateway", "worker", "beat"}
        for name in servers.ADDRESSES:
            del site.environment[name]
        key = site.found(r"(tloi_\w{8}_\S+)")
        assert key.split("_")[1] in site.run("key", "list").stdout
        assert not (site.data_dir / "postgres").exists()
