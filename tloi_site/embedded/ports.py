"""Free ports of this machine."""

from __future__ import annotations

import errno
import random
import socket

# Below the range that systems give to outgoing connections (Linux 32768, macOS 49152): while a server restarts, a
# client that keeps trying could otherwise be given the server's own port, connect to itself, and keep the server out.
LOW, HIGH = 17_000, 32_000


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    while True:
        port = random.randrange(LOW, HIGH)  # noqa: S311 (nothing secret)
        if why_not("127.0.0.1", port) is None:
            return port


def why_not(host: str, port: int) -> str | None:
    """Why a server could not listen there: `in use`, or the system's words; None: it could."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return "in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
    return None
