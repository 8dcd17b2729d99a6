"""`tloi key`, `tloi login-link` and `tloi doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection

from telemetry import facade
from telemetry.models import Job
from tloi_site.embedded import sharing

pytestmark = pytest.mark.django_db
HOURS_AGO = datetime.now(UTC) - timedelta(hours=2)
JOB = {
    "kind": "daily-report",
    "period": "2025-11-06",
    "first_day": "2025-11-06",
    "last_day": "2025-11-06",
    "not_before_at": HOURS_AGO,
    "created_at": HOURS_AGO,
}


def tloi(*words: str) -> list[str]:
    """The lines that a command prints."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().splitlines()


def works(key: str) -> bool:
    """Whether the API would let the key in."""
    return facade.key_works(key, now=datetime.now(UTC))


def test_key_create_prints_the_key_alone_on_the_last_line() -> None:
    *_, last = tloi("key", "create", "ci", "--project", "acme", "--create-project", "--scope", "ingest")
    assert last.startswith("tloi_")
    assert works(last)


def test_a_key_may_send_and_read_unless_told_otherwise() -> None:
    facade.ensure_project(slug="acme")
    tloi("key", "create", "both", "--project", "acme")
    tloi("key", "create", "one", "--project", "acme", "--scope", "read")
    scopes = {key.name: key.scopes for key in facade.list_keys(project_slug="acme", now=datetime.now(UTC))}
    assert {name: set(given) for name, given in scopes.items()} == {"both": {"ingest", "read"}, "one": {"read"}}


def test_a_key_for_a_project_that_is_not_there_is_refused() -> None:
    with pytest.raises(CommandError, match=r"no project 'nowhere'.*--create-project"):
        tloi("key", "create", "ci", "--project", "nowhere")


def test_a_scope_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="wizard"):
        tloi("key", "create", "ci", "--project", "acme", "--create-project", "--scope", "wizard")


def test_a_key_may_expire() -> None:
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    (key,) = tloi("key", "create", "old", "--project", "acme", "--create-project", "--expires", past)
    assert not works(key)


def test_an_expiry_without_a_zone_is_refused() -> None:
    with pytest.raises(CommandError, match="--expires"):
        tloi("key", "create", "ci", "--project", "acme", "--create-project", "--expires", "2030-01-01T00:00:00")


def test_key_list_shows_keys_without_their_secrets() -> None:
    (key,) = tloi("key", "create", "ci", "--project", "acme", "--create-project")
    (line,) = tloi("key", "list", "--project", "acme")
    _, prefix, secret = key.split("_", 2)
    assert line.split()[:3] == [prefix, "active", "acme"]
    assert secret not in line


def test_key_revoke_revokes_at_once() -> None:
    (key,) = tloi("key", "create", "ci", "--project", "acme", "--create-project")
    assert tloi("key", "revoke", key.split("_")[1])
    assert not works(key)
    with pytest.raises(CommandError, match="No key in use"):
        tloi("key", "revoke", key.split("_")[1])


def test_login_link_is_an_address_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLOI_PORT", "8123")
    (link,) = tloi("login_link")
    assert link.startswith("http://127.0.0.1:8123/login/?")
    assert len(parse_qs(urlsplit(link).query)["token"][0]) >= 40


def test_login_link_leads_to_the_site_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "running", lambda _: sharing.Running(1, "up", "https://tloi.example"))
    (link,) = tloi("login_link")
    assert link.startswith("https://tloi.example/login/?token=")


@pytest.fixture
def well(durable: None) -> Iterator[None]:
    """Partitions ahead, a worker that was just seen, and a database that loses nothing."""
    facade.ensure_partitions(now=datetime.now(UTC))
    cache.set(facade.HEARTBEAT_KEY, datetime.now(UTC).isoformat())
    yield
    cache.delete(facade.HEARTBEAT_KEY)


def diagnosis() -> dict[str, str]:
    """The state that doctor finds, by subject."""
    out = StringIO()
    code: object = 0
    try:
        call_command("doctor", stdout=out)
    except SystemExit as end:
        code = end.code
    assert code == int("FAIL" in out.getvalue())
    worst: dict[str, str] = {}
    for line in out.getvalue().splitlines():
        state, subject = line.split()[:2]
        worst[subject] = max(state, worst.get(subject, ""), key=["", "ok", "warn", "FAIL"].index)
    return worst


@pytest.mark.usefixtures("well")
def test_doctor_finds_nothing_where_all_is_well() -> None:
    assert set(diagnosis().values()) == {"ok"}
    subjects = ["settings", "clock", "PostgreSQL", "broker", "cache", "disk", "partitions", "retention"]
    subjects += ["worker", "nights", "backup"]
    assert list(diagnosis()) == subjects


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(
    ("statement", "subject"),
    [("SET synchronous_commit = off", "PostgreSQL"), ("SET timezone = 'Asia/Kolkata'", "PostgreSQL")],
)
def test_doctor_fails_a_database_that_may_lose_or_shift_data(statement: str, subject: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert diagnosis()[subject] == "FAIL"


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(
    ("job", "says"),
    [
        ({"state": "dead", "finished_at": HOURS_AGO}, "reports that failed three times: 1"),
        ({"state": "waiting"}, "waited for more than an hour: 1, the first daily-report of acme for 2025-11-06"),
        ({"state": "running"}, "waited for more than an hour: 1, the first daily-report of acme for 2025-11-06"),
    ],
)
def test_doctor_warns_of_reports_that_are_dead_or_late(job: dict[str, Any], says: str) -> None:
    acme = facade.ensure_project(slug="acme")
    Job.objects.create(project_id=acme.id, **JOB, **job)
    assert diagnosis()["nights"] == "warn"
    assert any(says in line for line in tloi("doctor"))


@pytest.mark.usefixtures("well")
def test_doctor_says_nothing_of_jobs_that_are_done_or_died_long_ago() -> None:
    acme = facade.ensure_project(slug="acme")
    long_ago = HOURS_AGO - timedelta(days=40)
    Job.objects.create(project_id=acme.id, **JOB, state="done")
    Job.objects.create(project_id=acme.id, **JOB | {"period": "2025-09-01"}, state="dead", finished_at=long_ago)
    assert diagnosis()["nights"] == "ok"


@pytest.mark.usefixtures("well")
def test_doctor_fails_a_broker_that_evicts() -> None:
    with redis.Redis.from_url(settings.BROKER_URL) as broker:
        broker.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert diagnosis()["broker"] == "FAIL"
        finally:
            broker.config_set("maxmemory-policy", "noeviction")


@pytest.mark.usefixtures("well")
def test_doctor_fails_a_broker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BROKER_URL", "redis://127.0.0.1:1/0")
    assert diagnosis()["broker"] == "FAIL"


@pytest.mark.usefixtures("well")
def test_doctor_fails_a_worker_that_was_not_seen_for_a_minute() -> None:
    cache.set(facade.HEARTBEAT_KEY, (datetime.now(UTC) - timedelta(seconds=61)).isoformat())
    assert diagnosis()["worker"] == "FAIL"


@pytest.mark.usefixtures("well")
def test_doctor_only_warns_of_no_worker_where_none_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.delete(facade.HEARTBEAT_KEY)
    monkeypatch.setattr(sharing, "running", lambda _: sharing.Running(1, "doctor"))
    assert diagnosis()["worker"] == "warn"


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(("hours", "state"), [(1, "ok"), (47, "ok"), (49, "FAIL"), (None, "warn")])
def test_doctor_says_how_old_the_newest_backup_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hours: int | None, state: str
) -> None:
    monkeypatch.setattr(settings, "BACKUP_DIR", tmp_path)
    for age in [] if hours is None else [hours, hours + 500]:
        (tmp_path / f"tloi-{datetime.now(UTC) - timedelta(hours=age):%Y%m%dT%H%M%SZ}.backup").touch()
    assert diagnosis()["backup"] == state


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(("free", "state"), [(100, "FAIL"), (300, "warn"), (900, "ok")])
def test_doctor_says_how_full_the_disk_is(monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr(facade, "disks", lambda: {settings.DATA_DIR / "postgres": (free * 2**20, 1000 * 2**20)})
    assert diagnosis()["disk"] == state


@pytest.mark.usefixtures("well")
def test_doctor_fails_clocks_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(seconds=90)

    monkeypatch.setattr("tloi_site.management.commands.doctor.datetime", Late)
    assert diagnosis()["clock"] == "FAIL"
