"""The program `tloi`, which is also `manage.py`: Django's commands, with servers found or started as they need them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import django
import psycopg
from django.core.management import ManagementUtility, call_command, find_commands, load_command_class
from django.db import OperationalError

from tloi_site import env
from tloi_site.embedded import CannotStart, orphans, preflight, servers, sharing, site
from tloi_site.embedded.private_files import open_data_dir
from tloi_site.embedded.supervisor import Stopped, stopping_on_signals

# Of Django's own commands, those that talk to the database; ours all do.
NEED_SERVERS = frozenset(
    {"changepassword", "clearsessions", "createsuperuser", "dbshell", "dumpdata", "flush", "inspectdb", "loaddata"}
    | {"migrate", "runserver", "shell", "showmigrations", "sqlmigrate", "sqlsequencereset"}
)
MIGRATE_THEMSELVES = frozenset({"migrate", "restore", "showmigrations", "sqlmigrate"})
SHARE_WITH_NOBODY = frozenset({"restore"})
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. A failure that we know is one sentence, never a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words:
        words[0] = words[0] if words[0].startswith("-") else words[0].replace("-", "_")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")
    try:
        return _run(words)
    except (CannotStart, env.BadSetting) as error:
        return _fail(str(error))
    except OperationalError as error:
        if env.flag("TLOI_DEBUG"):
            raise
        return _fail(f"The database does not do its work: {_reason(error)}")
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(words: list[str]) -> int:
    name = words[0] if words else "help"
    if {"-h", "--help", "--version"} & set(words) or name not in NEED_SERVERS | _our_commands():
        return _django(words)
    if name == "up":
        return _up(words)
    if not servers.unset():
        return _django(words)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that servers stop in order
    with servers.for_one_command(env.data_dir(), name, _say) as owner:
        if owner:
            if name not in MIGRATE_THEMSELVES:
                django.setup()
                call_command("migrate", interactive=False, verbosity=0)
            if name not in SHARE_WITH_NOBODY:
                owner.publish(servers.addresses())
        elif name in SHARE_WITH_NOBODY:
            raise CannotStart(_in_use(name))
        return _django(words)


def _up(words: list[str]) -> int:
    """`tloi up`: check, own the data folder, start the servers, and hand over to the command."""
    data_dir = env.data_dir()
    preflight.platform_fits(private_servers=bool(servers.unset()))
    open_data_dir(data_dir)
    try:
        with stopping_on_signals(), sharing.own(data_dir, "up", _say) as owner:
            owner.publish({}, web=site.address())
            orphans.end_noted(data_dir / "run")
            preflight.disk_has_room(data_dir)
            preflight.port_is_free(*site.listening())
            with servers.private(data_dir, _say) as supervisor:
                django.setup()
                command: Any = load_command_class("tloi_site", "up")
                command.supervisor, command.owner = supervisor, owner
                return _exit_code(lambda: command.run_from_argv(["tloi", *words]))
    except Stopped:
        _say("Stopped.")
        return 0


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


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def _fail(sentence: str) -> int:
    _say(f"tloi: {sentence}")
    return 1
