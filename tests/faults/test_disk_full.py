"""A full disk, that of PostgreSQL's data, of its log, or of everything: nothing acknowledged is lost, what cannot be
stored is answered with 503 and Retry-After, and calls are taken again within 30 s of room.

The bars are those of reliability.md, figure 20. The disk is a small tmpfs of the test's own.
"""

from __future__ import annotations

import contextlib
import gzip
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import psycopg
import pytest

from tests.api_calls import Answer, ask
from tests.faults.large_bodies import large_bodies
from tests.faults.load import Client, HastyClient, Load, database_of, key_of, present
from tests.faults.site import Site, running, within
from tests.faults.small_disk import MIB, SmallDisk, move, small_disk

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

Layout = Literal["data", "log", "everything"]
SIZES: dict[Layout, int] = {"data": 160 * MIB, "log": 128 * MIB, "everything": 700 * MIB}
CLIENTS = 4
BACK_S = 30.0
# For so long it stays full; the log until connections are tried again only rarely.
FULL_S: dict[Layout, float] = {"data": 8.0, "log": 75.0, "everything": 8.0}
ACKNOWLEDGED_BEFORE_IT_IS_ON_DISK = (
    "ALTER SYSTEM SET synchronous_commit = off",
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
    "SELECT pg_reload_conf()",
)


@contextmanager
def site_on(layout: Layout) -> Iterator[tuple[Site, SmallDisk]]:
    """A site of which a part lies on a small disk, and no limit keeps it from filling that."""
    settings = {"TLOI_RATE_LIMIT": "0", "TLOI_LEAST_FREE_MB": "0"}
    with small_disk(SIZES[layout]) as disk:
        if layout == "everything":
            settings["TLOI_DATA_DIR"] = str(disk.folder / "data")
        with running(**settings) as site:
            site.data_dir = Path(site.environment["TLOI_DATA_DIR"])
            if layout != "everything":
                site.stop()
                postgres = site.data_dir / "postgres"
                log = site.data_dir / "log"
                if layout == "data":  # the log stays
                    (postgres / "pg_wal").rename(log)
                    (postgres / "pg_wal").symlink_to(log)
                    log.parent.chmod(0o711)
                move(postgres if layout == "data" else postgres / "pg_wal", disk)
                site.start_again()
                site.wait_until_ready()
            yield site, disk


def send_everywhere(site: Site, key: str) -> dict[str, Answer]:
    """What is answered to a large body at every address that takes any."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return {
        path: ask(site.address, "POST", path, key=key, body=gzip.compress(body, 1), headers=headers)
        for path, body in large_bodies().items()
    }


def other_key(site: Site) -> str:
    """A key of a project that the checker does not look at."""
    done = site.run("key", "create", "large", "--project", "large", "--create-project")
    return done.stdout.splitlines()[-1]


def checkpoint(site: Site) -> None:
    """Let PostgreSQL write what it holds in memory, which a full disk may well end it by."""
    with contextlib.suppress(psycopg.OperationalError), closing(psycopg.connect(database_of(site))) as connection:
        connection.autocommit = True
        connection.execute("CHECKPOINT")


def under_a_full_disk(site: Site, disk: SmallDisk, *clients: Client, full_s: float = 8.0) -> tuple[Load, float]:
    """What clients noted while the disk was full for a while, and how long after that calls were taken again."""
    key = other_key(site)
    assert {answer.status for answer in send_everywhere(site, key).values()} == {200}
    with Load(*clients) as load:
        time.sleep(1.5)
        full_at = time.monotonic()
        while load.failed_at < full_at:
            assert time.monotonic() < full_at + 60, site.text()
            disk.fill()
            time.sleep(0.05)
        for path, answer in send_everywhere(site, key).items():
            assert (answer.status, answer.headers.get("retry-after")) == (503, "5"), (path, answer)
        checkpoint(site)
        full_until = time.monotonic() + full_s
        while time.monotonic() < full_until:
            disk.fill()
            time.sleep(0.2)
        disk.empty()
        emptied_at = time.monotonic()
        back_s = within(2 * BACK_S, lambda: load.acknowledged_from > emptied_at)
        assert back_s is not None, site.text()
        time.sleep(3)
    assert {answer.status for answer in send_everywhere(site, key).values()} == {200}
    return load, back_s


def report_on(load: Load, back_s: float, site: Site) -> str:
    """What is printed, and said where a test fails."""
    verdict = load.verdict(present(database_of(site)))
    report = f"{load.acknowledged} events acknowledged, {dict(load.statuses)}, {verdict}, back after {back_s:.1f} s"
    sys.stdout.write(f"\n{report}\n")
    return report


@pytest.mark.parametrize("layout", SIZES)
def test_nothing_acknowledged_is_lost_and_calls_are_taken_again_soon(layout: Layout) -> None:
    with site_on(layout) as (site, disk):
        clients = [Client(site.address, key_of(site)) for _ in range(CLIENTS)]
        load, back_s = under_a_full_disk(site, disk, *clients, full_s=FULL_S[layout])
        assert within(60, site.is_ready) is not None, site.text()
        report = report_on(load, back_s, site)
        assert load.verdict(present(database_of(site))), report
        assert set(load.statuses) == {200, 503}, report
        assert back_s <= BACK_S, report
        assert load.acknowledged > 1000, report
        if layout == "log":
            assert f"postgres ended, for the disk of {site.data_dir}/postgres/pg_wal is full" in site.text()
        assert len(site.text().partition("Ctrl-C")[2].splitlines()) < 10, site.text()  # however often things died
        assert within(90, lambda: site.run("doctor").returncode == 0) is not None, site.run("doctor").stdout


def test_a_client_that_does_not_wait_for_the_answer_loses_events() -> None:
    with site_on("data") as (site, disk):
        load, back_s = under_a_full_disk(site, disk, *(HastyClient(site.address, key_of(site)) for _ in range(2)))
        report = report_on(load, back_s, site)
        assert load.verdict(present(database_of(site))).lost, report


def test_a_database_that_acknowledges_before_it_is_on_disk_loses_events() -> None:
    with site_on("log") as (site, disk):
        with closing(psycopg.connect(database_of(site), autocommit=True)) as connection:
            for line in ACKNOWLEDGED_BEFORE_IT_IS_ON_DISK:
                connection.execute(line)
        load, back_s = under_a_full_disk(site, disk, *(Client(site.address, key_of(site)) for _ in range(CLIENTS)))
        report = report_on(load, back_s, site)
        assert load.verdict(present(database_of(site))).lost, report


def test_with_its_limit_on_postgresql_never_sees_a_full_disk() -> None:
    with small_disk(SIZES["everything"]) as disk:
        data_dir = disk.folder / "data"
        with running(TLOI_RATE_LIMIT="0", TLOI_LEAST_FREE_MB="200", TLOI_DATA_DIR=str(data_dir)) as site:
            site.data_dir = data_dir
            clients = [Client(site.address, key_of(site)) for _ in range(CLIENTS)]
            with Load(*clients) as load:
                time.sleep(1.5)
                disk.fill(leave=190 * MIB)
                full_at = time.monotonic()
                assert within(5, lambda: load.failed_at > full_at) is not None
                time.sleep(3)
                served = ask(site.address, "GET", "/api/v1/usage/", key=key_of(site)).status
                acknowledged_from = load.acknowledged_from
                disk.empty()
                assert within(5, lambda: load.acknowledged_from > acknowledged_from) is not None
            report = report_on(load, 0, site)
            assert served == 200
            assert load.verdict(present(database_of(site))), report
            assert set(load.statuses) == {200, 503}, report
            assert acknowledged_from < full_at + 1, report
            assert "No space left" not in (data_dir / "postgres.log").read_text()
