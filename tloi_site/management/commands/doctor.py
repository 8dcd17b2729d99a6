"""`tloi doctor`: is everything that TLOI stands on as it must be? One line a check."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import redis
from django.conf import settings
from django.core.cache import cache
from django.core.management import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from telemetry import facade
from tloi_site import env
from tloi_site.backup import folder
from tloi_site.embedded import sharing

OLDEST_POSTGRES = 150_000
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=60)
LEAST_HORIZON = timedelta(days=7)
LATEST_HEARTBEAT = timedelta(seconds=60)
OLDEST_BACKUP = timedelta(hours=48)  # one a day, and a day to notice


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw, and what to do when it is not well."""

    state: Literal["ok", "warn", "FAIL"]
    says: str
    hint: str = ""


class Command(BaseCommand):
    help = "Check clock, servers, settings, partitions and workers; exit code 1 when one of them fails."
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        """Run every check, also after one has failed."""
        failed = False
        for subject, check in CHECKS.items():
            for finding in _findings(check):
                failed = failed or finding.state == "FAIL"
                hint = f" -> {finding.hint}" if finding.hint else ""
                self.stdout.write(f"{finding.state:<5} {subject:<10} {finding.says}{hint}")
        if failed:
            raise SystemExit(1)


def _findings(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except (DatabaseError, redis.RedisError) as error:
        yield Finding("FAIL", f"does not answer: {str(error).strip().splitlines()[0]}", "is the server running?")


def _settings() -> Iterator[Finding]:
    yield Finding("ok", f"valid; data folder {settings.DATA_DIR}")
    if settings.DEBUG:
        yield Finding("warn", "TLOI_DEBUG=1 shows details of errors to whoever sees the page", "unset it")
    if not env.text("TLOI_SECRET_KEY") and not (settings.DATA_DIR / "secret-key").exists():
        yield Finding("warn", "no secret key is kept, so a restart logs everybody out", "set TLOI_SECRET_KEY")


def _clock() -> Iterator[Finding]:
    before = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    seconds = abs((theirs - before).total_seconds())
    if seconds > LARGEST_CLOCK_DIFFERENCE.total_seconds():
        yield Finding("FAIL", f"this machine and the database differ by {seconds:.0f} s", "set both by NTP")
    else:
        yield Finding("ok", f"{before:%Y-%m-%d %H:%M:%S} UTC, as the database has it")


def _postgres() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings")
        have = dict(cursor.fetchall())
    yield Finding("ok", f"version {have['server_version']} at {settings.DATABASES['default']['HOST']}")
    if int(have["server_version_num"]) < OLDEST_POSTGRES:
        yield Finding("FAIL", "it is older than 15", "upgrade it")
    for name in DURABLE:
        if have[name] in ("off", "local"):
            yield Finding("FAIL", f"{name} is {have[name]}, so acknowledged calls can be lost", f"set {name} to on")
    if have["TimeZone"] != "UTC":
        yield Finding("FAIL", f"its sessions are in {have['TimeZone']}", "set timezone to UTC")
    if have["server_encoding"] != "UTF8":
        yield Finding("FAIL", f"the database is encoded in {have['server_encoding']}", "make it with ENCODING 'UTF8'")
    executor = MigrationExecutor(connection)
    if waiting := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Finding("FAIL", f"{len(waiting)} migrations wait", "run `tloi migrate`")


def _replica() -> Iterator[Finding]:
    trouble = facade.replica_trouble()
    if trouble:
        yield Finding("warn", f"not used: {trouble}", "pages come from the primary meanwhile")
    elif trouble is not None:
        yield Finding("ok", "near; pages are read from it")


def _broker() -> Iterator[Finding]:
    client = redis.Redis.from_url(settings.BROKER_URL, socket_connect_timeout=2, socket_timeout=2)
    client.ping()
    try:
        policy = str(client.config_get("maxmemory-policy", decode=True).get("maxmemory-policy"))
    except redis.ResponseError:
        yield Finding("warn", "answers, but does not say what it does when it is full", "it must never evict")
        return
    if policy != "noeviction":
        yield Finding("FAIL", f"drops keys when it is full ({policy})", "set maxmemory-policy to noeviction")
    else:
        yield Finding("ok", "answers, and never evicts")


def _cache() -> Iterator[Finding]:
    cache.set("doctor", "well", timeout=60)
    if cache.get("doctor") == "well":
        yield Finding("ok", "answers")
    else:
        yield Finding("FAIL", "forgets what it was just given", "give it memory (maxmemory)")


def _disk() -> Iterator[Finding]:
    disks = facade.disks()
    if not disks:
        free, size = (getattr(shutil.disk_usage(settings.DATA_DIR), name) for name in ("free", "total"))
        yield Finding("ok", f"{_gigabytes(free, size)} for {settings.DATA_DIR}; PostgreSQL's own is not ours to see")
    for place, (free, size) in disks.items():
        says = f"{_gigabytes(free, size)} for {place}"
        if free < settings.LEAST_FREE_BYTES:
            yield Finding("FAIL", f"{says}, so records are refused (503)", "make room, or lower TLOI_LEAST_FREE_MB")
        elif free < max(2 * settings.LEAST_FREE_BYTES, size // 20):
            yield Finding("warn", says, "make room, before records are refused")
        else:
            yield Finding("ok", says)


def _gigabytes(free: int, size: int) -> str:
    return f"{free / 10**9:,.1f} of {size / 10**9:,.1f} GB free"


def _partitions() -> Iterator[Finding]:
    now = datetime.now(UTC)
    horizon = facade.partition_horizon(now=now)
    if horizon - now.date() >= LEAST_HORIZON:
        yield Finding("ok", f"made up to {horizon}")
    elif _only_this_command_runs():
        yield Finding("warn", f"made up to {horizon}", "`tloi up` makes them")
    else:
        yield Finding("FAIL", f"made only up to {horizon}", "is a worker running? it makes them every hour")


def _retention() -> Iterator[Finding]:
    state = facade.expiry_state(now=datetime.now(UTC))
    yield Finding("ok", "all calls are kept" if state.days is None else f"calls are kept for {state.days} days")
    if state.overdue:
        says = f"partitions that are older: {len(state.overdue)}, the oldest {state.overdue[0]}"
        yield Finding("warn", says, "a worker drops them hourly; `tloi retention --apply` does it now")
    if state.left:
        says = f"the dropping of {', '.join(state.left)} was begun and not finished"
        yield Finding("warn", says, "it waits for the longest transaction; `tloi retention --apply` goes on with it")


def _worker() -> Iterator[Finding]:
    seen, now = facade.worker_last_seen(), datetime.now(UTC)
    if seen and now - seen < LATEST_HEARTBEAT:
        yield Finding("ok", f"ran a task {(now - seen).total_seconds():.0f} s ago")
        return
    says = f"last ran a task at {seen:%Y-%m-%d %H:%M} UTC" if seen else "has run no task yet, or none for a day"
    if _only_this_command_runs():
        yield Finding("warn", says, "`tloi up` starts one")
    else:
        yield Finding("FAIL", says, "after a start it takes 20 s; else see worker.log in the data folder")


def _nights() -> Iterator[Finding]:
    trouble = facade.job_trouble(now=datetime.now(UTC))
    if trouble.dead:
        says = f"reports that failed three times: {trouble.dead}"
        yield Finding("warn", says, "Jobs in the admin say why, and try again")
    if trouble.late:
        says = f"reports that have waited for more than an hour: {trouble.late}, the first {trouble.oldest}"
        yield Finding("warn", says, "is a worker running? see worker.log in the data folder")
    if not trouble.dead and not trouble.late:
        yield Finding("ok", "no report is dead, and none waits for long")


def _backup() -> Iterator[Finding]:
    if not settings.BACKUP_DIR:
        yield Finding("ok", "none is taken by itself; TLOI_BACKUP_DIR names a folder for one a day")
        return
    newest, now = folder.newest(settings.BACKUP_DIR), datetime.now(UTC)
    if newest and now - newest < OLDEST_BACKUP:
        yield Finding("ok", f"the newest is {(now - newest) / timedelta(hours=1):.0f} h old")
        return
    says = f"the newest is of {newest:%Y-%m-%d %H:%M} UTC" if newest else f"there is none in {settings.BACKUP_DIR} yet"
    state: Literal["warn", "FAIL"] = "FAIL" if newest and not _only_this_command_runs() else "warn"
    yield Finding(state, says, "a worker takes one within a quarter of an hour; else worker.log says why not")


def _only_this_command_runs() -> bool:
    """Whether the servers were started for a single command, so that nobody expects a worker."""
    running = sharing.running(env.data_dir())
    return running is not None and running.command != "up"


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "settings": _settings,
    "clock": _clock,
    "PostgreSQL": _postgres,
    "replica": _replica,
    "broker": _broker,
    "cache": _cache,
    "disk": _disk,
    "partitions": _partitions,
    "retention": _retention,
    "worker": _worker,
    "nights": _nights,
    "backup": _backup,
}
