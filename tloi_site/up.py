"""`tloi up`: everything on this machine, until Ctrl-C.

This process stays for days to start again what dies, so it holds nothing but that: whatever needs Django or a database
is done by a process of its own, which ends before the site starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tloi_site import env
from tloi_site.embedded import local_model, orphans, preflight, servers, sharing, site
from tloi_site.embedded.child import dies_with
from tloi_site.embedded.private_files import open_data_dir
from tloi_site.embedded.stopping import Stopped, stopping_on_signals
from tloi_site.embedded.supervisor import Supervisor

WEB_PATIENCE_S = 60.0

READY = """
  TLOI is ready.

  Pages     {address}
  Log in    {address}/login/?token={token}
            once, within 15 minutes; `tloi login-link` makes another
  API key   {key}
            sends to and reads from the project `{project}`, and calls models
  Gateway   {gateway}/v1
            OPENAI_BASE_URL of an agent; ANTHROPIC_BASE_URL is the same without /v1
  Import    make import
            in another terminal: reads what this machine's own agents recorded

  Ctrl-C stops everything. Data and logs: {data_dir}
"""


class NotPrepared(Exception):
    """What a start needs could not be set up; the reason has been said already."""


def run(say: Callable[[str], None]) -> int:
    """Check, own the data folder, start the servers and the site, say where it is, and watch; the exit code. Raises
    CannotStart."""
    data_dir = env.data_dir()
    preflight.platform_fits(private_servers=bool(servers.unset()))
    open_data_dir(data_dir)
    try:
        with stopping_on_signals(), sharing.own(data_dir, "up", say) as owner:
            owner.publish({}, web=site.address())
            orphans.end_noted(data_dir / "run")
            preflight.disk_has_room(data_dir)
            local_model.can_start()
            preflight.port_is_free(*site.listening())
            preflight.port_is_free(*site.gateway_listening(), setting="TLOI_GATEWAY_PORT")
            with servers.private(data_dir, say) as supervisor:
                if local_model.is_wanted():  # first, for it may load for long
                    supervisor.start(local_model.service(data_dir), wait=False)
                prepared = _prepare()
                _start_site(supervisor, data_dir)
                owner.publish(servers.addresses(), web=site.address())
                places = {"address": site.address(), "gateway": env.gateway_address(), "data_dir": data_dir}
                sys.stdout.write(READY.format(**places, **prepared))
                sys.stdout.flush()
                supervisor.watch()
    except Stopped:
        say("Stopped.")
        return 0
    except NotPrepared:
        return 1


def _start_site(supervisor: Supervisor, data_dir: Path) -> None:
    together = (site.web(data_dir), site.gateway(data_dir), site.worker(data_dir))
    supervisor.start_together(together, folder=site.ROOT, patience_s=WEB_PATIENCE_S)
    supervisor.start(site.beat(data_dir), wait=False)


def _prepare() -> dict[str, str]:
    """Set up what a start needs, by the command `up --prepare`; what it says: token, key, project. Raises
    NotPrepared."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tloi_site.program", "up", "--prepare"],
        cwd=site.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which passes it on
        preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509 (no lock is taken in it)
    )
    try:
        said, _ = process.communicate()
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise NotPrepared
    prepared: dict[str, str] = json.loads(said)
    return prepared
