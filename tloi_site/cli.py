"""The program `tloi`, which is also `manage.py`: Django's commands, with servers found or started as they need them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence

import django
import psycopg
from django.core.management import ManagementUtility, call_command, find_commands
from django.db import OperationalError

from tloi_site import env
from tloi_site.embedded import CannotStart, servers, sharing, site
from tloi_site.program import fail, say

# Of Django's own commands, those that talk to the database; ours all do.
NEED_SERVERS = frozenset(
    {"changepassword", "clearsessions", "createsuperuser", "dbshell", "dumpdata", "flush", "inspectdb", "loaddata"}
    | {"migrate", "runserver", "shell", "showmigrations", "sqlmigrate", "sqlsequencereset"}
)
MIGRATE_THEMSELVES = frozenset({"migrate", "restore", "showmigrations", "sqlmigrate"})
SHARE_WITH_NOBODY = frozenset({"restore"})
INTERRUPTED = 130
NOBODY_READS = 141  # as a shell has it of a program that SIGPIPE ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. A failure that we know is one sentence, never a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words:
        words[0] = words[0] if words[0].startswith("-") else words[0].replace("-", "_")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what Python still holds when it ends
        return NOBODY_READS
    except (CannotStart, env.BadSetting) as error:
        return fail(str(error))
    except OperationalError as error:
        if env.flag("TLOI_DEBUG"):
            raise
        return fail(f"The database does not do its work: {_reason(error)}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _run(words: list[str]) -> int:
    name = words[0] if words else "help"
    if {"-h", "--help", "--version"} & set(words) or name not in NEED_SERVERS | _our_commands():
        return _django(words)
    if name == "up" or not servers.unset():  # what `tloi_site.up` left to Django runs on the servers that it started
        return _django(words)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that servers stop in order
    with servers.for_one_command(env.data_dir(), name, say) as owner:
        if owner:
            if name not in MIGRATE_THEMSELVES:
                django.setup()
                call_command("migrate", interactive=False, verbosity=0)
            if name not in SHARE_WITH_NOBODY:
                owner.publish(servers.addresses())
        elif name in SHARE_WITH_NOBODY:
            raise CannotStart(_in_use(name))
        return _django(words)


def _in_use(name: str) -> str:
    other = sharing.running(env.data_dir())
    who = f"`tloi {other.command}` (pid {other.pid})" if other else "Another TLOI command"
    return f"{who} uses the database; stop it, then run `tloi {name}` again."


def _django(words: list[str]) -> int:
    return _exit_code(ManagementUtility(["tloi", *words]).execute)


def _our_commands() -> frozenset[str]:
    """Found without settings, which need the servers' addresses first."""
    apps = ("tloi_site", "telemetry", "routing", "skills")
    return frozenset(name for app in apps for name in find_commands(str(site.ROOT / app / "management")))


def _exit_code(run: Callable[[], object]) -> int:
    """Django ends commands by SystemExit; its code, or 0."""
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _reason(error: OperationalError) -> str:
    """Why the database cannot be reached; a pool of connections only says that it gave up."""
    try:
        psycopg.connect(env.text("DATABASE_URL"), connect_timeout=5).close()
    except psycopg.Error as reason:
        return str(reason).strip()
    return str(error).strip()
