"""What tests of the agents' SDK share: agents in processes of their own, what a spool holds, and a door to a server."""

from __future__ import annotations

import json
import os
import select
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import telemetry.client

CLOSED = "http://127.0.0.1:1"  # nobody listens on port 1
SDK = Path(telemetry.client.__file__)


def spooled(folder: Path) -> list[dict[str, Any]]:
    """The records that wait in a spool, the oldest first."""
    files = sorted(folder.glob("*.jsonl"), key=lambda path: path.name.partition("-")[2])
    return [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[tuple[IO[str], IO[str]]]:
    """What to write to an agent and what to read from it; at the end it is killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdin, process.stdout
    finally:
        process.kill()
        process.communicate()


def agent(folder: Path, program: str, **environment: str) -> subprocess.Popen[str]:
    """An agent in a process of its own, which has the SDK's file beside it and nothing else of ours. Its spool is
    `folder`/spool; what it prints can be read."""
    (folder / "alone").mkdir(exist_ok=True)
    (folder / "alone" / "tloi_client.py").write_bytes(SDK.read_bytes())
    begin = f"import sys; sys.path.insert(0, {str(folder / 'alone')!r})\nfrom tloi_client import TokenTelemetry\n"
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TLOI_", "DJANGO_", "PYTHON"))}
    return subprocess.Popen(
        [sys.executable, "-I", "-c", begin + program],
        env={**ours, "TLOI_SPOOL_DIR": str(folder / "spool"), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    """What an agent printed before it ended well."""
    printed, complaint = process.communicate(timeout=30)
    assert process.returncode == 0, complaint
    return printed


class Door:
    """An address at which `web` is reached while the door is open; before and after, connections are refused."""

    def __init__(self, web: str) -> None:
        to = int(web.rpartition(":")[2])

        class Relay(socketserver.BaseRequestHandler):
            """One connection, carried to `web` and back until one side ends it."""

            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", to)) as beyond:
                    across = {self.request: beyond, beyond: self.request}
                    while True:
                        for side in select.select(list(across), [], [])[0]:
                            piece = side.recv(2**16)
                            if not piece:
                                return
                            across[side].sendall(piece)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay, bind_and_activate=False)
        self._server.server_bind()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def open(self) -> None:
        """Let everybody through from now on."""
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Nobody is there any more."""
        self._server.shutdown()
        self._server.server_close()
