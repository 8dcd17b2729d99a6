"""Missed nights, lost state, two clocks, an empty broker, a task delivered often, poison: each report is made once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
import redis
from celery import Celery

from tests.faults.nights import (
    BACK_S,
    SOON_S,
    Database,
    Days,
    assert_complete,
    database,
    days_back,
    is_reported,
    jobs,
    order_of,
    undisturbed,
    worked,
)
from tests.faults.site import Site, running, within
from tloi_site.embedded import sharing, site

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    """One site for all."""
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def like(here: Site) -> Days:
    """What every report must say."""
    return undisturbed(here)


def address(here: Site, name: str) -> str:
    """Where the site's broker or cache is."""
    owner = sharing.running(here.data_dir)
    assert owner is not None
    return owner.addresses[name]


def all_attempts(conn: Database, project: int) -> set[int]:
    return {attempts for _, attempts, _ in jobs(conn, project).values()}


def deliver(here: Site, times: int) -> None:
    """Wake the night, so many times at once."""
    with Celery("test", broker=address(here, "REDIS_URL"), set_as_current=False) as app:
        for _ in range(times):
            app.send_task("telemetry.observe")


@contextmanager
def another_beat(here: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Inside, a second beat runs beside the site's own."""
    command = [sys.executable, "-m", "tloi_site.beat"]
    environment = here.environment | {"REDIS_URL": address(here, "REDIS_URL")}
    with (here.data_dir / "another.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=site.ROOT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def forget_nights(conn: Database, project: int, days: list[date]) -> None:
    """As if nobody had been there in the nights after those days."""
    for table in ("telemetry_job", "telemetry_report"):
        conn.execute(f"DELETE FROM {table} WHERE project_id = %s AND last_day = ANY(%s)", [project, days])


def test_three_nights_that_were_missed_are_caught_up_in_order(here: Site, like: Days) -> None:
    with database(here) as conn:
        project = worked(conn)
        assert within(SOON_S, lambda: is_reported(conn, project)) is not None
        forget_nights(conn, project, days_back(3))
    here.stop()
    here.start_again()
    here.wait_until_ready()
    with database(here) as conn:
        assert within(BACK_S, lambda: is_reported(conn, project)) is not None, jobs(conn, project)
        assert_complete(conn, project, like)
        again = [last for last, first in order_of(conn, project) if last == first and last in days_back(3)]
        assert again == days_back(3)


def test_a_beat_that_was_killed_wakes_the_night(here: Site, like: Days) -> None:
    os.kill(here.child("beat"), 9)
    with database(here) as conn:
        project = worked(conn)
        assert within(BACK_S, lambda: is_reported(conn, project)) is not None
        assert_complete(conn, project, like)


def test_two_beats_make_one_report_each(here: Site, like: Days) -> None:
    with another_beat(here) as second, database(here) as conn:
        time.sleep(5)
        project = worked(conn)
        assert within(SOON_S, lambda: is_reported(conn, project)) is not None
        time.sleep(20)
        assert second.poll() is None
        assert_complete(conn, project, like)
        assert all_attempts(conn, project) == {1}


def test_a_task_that_is_delivered_often_makes_each_report_once(here: Site, like: Days) -> None:
    with database(here) as conn:
        project = worked(conn)
        deliver(here, 20)
        assert within(SOON_S, lambda: is_reported(conn, project)) is not None
        deliver(here, 20)
        time.sleep(5)
        assert_complete(conn, project, like)
        assert all_attempts(conn, project) == {1}


def test_broker_and_cache_that_forget_everything_cost_time_and_no_report(here: Site, like: Days) -> None:
    stores = [redis.Redis.from_url(address(here, name)) for name in ("REDIS_URL", "CACHE_URL")]
    with database(here) as conn:
        project = worked(conn)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for store in stores:
                store.flushall()
            time.sleep(0.1)
        assert within(BACK_S, lambda: is_reported(conn, project)) is not None, jobs(conn, project)
        assert_complete(conn, project, like)
    for store in stores:
        store.close()


@contextmanager
def poisoned(conn: Database, project: int, day: date) -> Iterator[None]:
    """Inside, the report of one day of one project cannot be written."""
    conn.execute(
        "CREATE OR REPLACE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'poisoned <script>'; END $$"
    )
    conn.execute(
        "CREATE TRIGGER poison BEFORE INSERT ON telemetry_report FOR EACH ROW"
        f" WHEN (NEW.project_id = {project} AND NEW.first_day = '{day}' AND NEW.kind = 'daily')"
        " EXECUTE FUNCTION poison()"
    )
    try:
        yield
    finally:
        conn.execute("DROP TRIGGER poison ON telemetry_report")


def state(conn: Database, project: int, day: date) -> tuple[str, int, str]:
    return jobs(conn, project).get(("daily-report", day.isoformat()), ("", 0, ""))


def attempted(conn: Database, project: int, day: date, attempts: int) -> bool:
    """Whether so many attempts have failed. The pause before the next one is as if it were over."""
    conn.execute(
        "UPDATE telemetry_job SET not_before_at = now() WHERE project_id = %s AND state = 'waiting'", [project]
    )
    name, made, _ = state(conn, project, day)
    return name != "running" and made >= attempts


def test_poison_stops_after_three_attempts_shows_and_holds_up_nothing_else(here: Site, like: Days) -> None:
    first, *later = days_back(3)
    with database(here) as conn:
        project = worked(conn)
        with poisoned(conn, project, first):
            assert within(SOON_S, lambda: state(conn, project, first)[1] >= 1) is not None
            other = worked(conn)
            assert within(SOON_S, lambda: is_reported(conn, other)) is not None
            assert_complete(conn, other, like)
            assert within(SOON_S * 2, lambda: attempted(conn, project, first, 3)) is not None
            assert state(conn, project, first)[:2] == ("dead", 3)
            assert "poisoned <script>" in state(conn, project, first)[2]
            assert within(SOON_S, lambda: all(state(conn, project, day)[0] == "done" for day in later)) is not None
            time.sleep(20)
            assert state(conn, project, first)[:2] == ("dead", 3)
            assert "reports that failed three times: 1" in here.run("doctor").stdout
        conn.execute(
            "UPDATE telemetry_job SET state = 'waiting', attempts = 0, not_before_at = now()"
            " WHERE project_id = %s AND state = 'dead'",
            [project],
        )
        assert within(SOON_S, lambda: is_reported(conn, project)) is not None
        assert_complete(conn, project, like)


def test_without_the_table_of_jobs_a_second_delivery_would_make_a_second_report(here: Site) -> None:
    """Fire and forget, which is what beat alone would be: a report for each delivery."""
    with database(here) as conn:
        project = worked(conn)
        assert within(SOON_S, lambda: is_reported(conn, project)) is not None
        made = "SELECT max(made_at) FROM telemetry_report WHERE project_id = %s"
        before = conn.execute(made, [project]).fetchone()
        deliver(here, 1)
        time.sleep(5)
        assert conn.execute(made, [project]).fetchone() == before
        conn.execute("DELETE FROM telemetry_job WHERE project_id = %s", [project])
        deliver(here, 1)
        assert within(SOON_S, lambda: conn.execute(made, [project]).fetchone() != before) is not None
