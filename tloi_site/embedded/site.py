"""The processes of the site that `tloi up` runs beside the servers: web, gateway, worker and beat."""

from __future__ import annotations

import http.client
import sys
from dataclasses import replace
from pathlib import Path

from tloi_site import env
from tloi_site.embedded.child import Service
from tloi_site.embedded.servers import web_workers

ROOT = Path(__file__).resolve().parent.parent.parent  # where `tloi_site` is imported from


def listening() -> tuple[str, int]:
    """The host and port that the web server is to listen on."""
    return env.text("TLOI_HOST"), env.integer("TLOI_PORT", low=1, high=65535)


def gateway_listening() -> tuple[str, int]:
    """The host and port that the model gateway is to listen on."""
    return env.text("TLOI_HOST"), env.integer("TLOI_GATEWAY_PORT", low=1, high=65535)


def address() -> str:
    """Where a browser on this machine finds the web server, or the address that people use, when it is set."""
    return env.address()


def web(data_dir: Path) -> Service:
    """Granian, WSGI: processes, each with threads for the waits on the database (platform.md, F)."""
    host, port = listening()
    threads = env.integer("TLOI_WEB_THREADS", low=1, high=64)
    return Service(
        name="web",
        command=(
            *(sys.executable, "-m", "tloi_site.web", "tloi_site.wsgi:application", "--interface", "wsgi"),
            *("--host", host, "--port", str(port), "--http", "1", "--no-ws", "--loop", "asyncio"),
            *("--workers", str(web_workers()), "--blocking-threads", str(threads)),
            *("--respawn-failed-workers", "--workers-kill-timeout", "2", "--log-level", "warning"),
        ),
        log=data_dir / "web.log",
        folder=ROOT,
        is_ready=lambda: _answers(host, port, "/readyz"),
        tier="site",
        module="tloi_site.web",
    )


def gateway(data_dir: Path) -> Service:
    """The model gateway: one process with one event loop."""
    host, port = gateway_listening()
    service = _python("gateway", data_dir, "tloi_site.gateway")
    return replace(service, is_ready=lambda: _answers(host, port, "/healthz"), module="tloi_site.gateway")


def worker(data_dir: Path) -> Service:
    """Celery's worker: one process, two while a task takes long."""
    return replace(_python("worker", data_dir, "tloi_site.worker"), module="tloi_site.worker")


def beat(data_dir: Path) -> Service:
    """Celery's clock. Not inside the worker, which would not notice its death."""
    return _python("beat", data_dir, "tloi_site.beat")


def _python(name: str, data_dir: Path, *words: str) -> Service:
    return Service(
        name=name,
        command=(sys.executable, "-m", *words),
        log=data_dir / f"{name}.log",
        folder=ROOT,
        is_ready=lambda: True,
        tier="site",
    )


def _answers(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(env.ANY.get(host, host), port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
