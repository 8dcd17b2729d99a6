"""Runs `mlx_lm.server` and looks after it: `python -m tloi_site.local_model MODEL PORT`.

Whoever starts this process starts it again when it ends, so it ends when the server does, and when the server lives but
says three times that it is not well, or says nothing: a generation that broke takes the next ones along (mlx-lm #1255).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tloi_site.embedded.child import dies_with
from tloi_site.embedded.local_model import HOST, is_well

LOOK_S = 10.0
STARTING_LOOK_S = 0.5
MOST_BAD = 3
MOST_OUTPUT = 4096  # tokens, where a request has no limit of its own; the server's own default is 512


def main(model: str, port: int, *, look_s: float = LOOK_S) -> int:
    """Serve until the server ends, or is not well; its exit code, or 1."""
    server = subprocess.Popen(
        command(model, port),
        stdin=subprocess.DEVNULL,
        preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509 (no lock is taken in it)
    )
    try:
        return _looked_after(server, port, look_s)
    finally:
        server.kill()
        server.wait()


def command(model: str, port: int) -> tuple[str, ...]:
    """One answer at a time: together they mix up (mlx-lm #965)."""
    return (
        *(sys.executable, "-m", "mlx_lm", "server", "--model", model, "--host", HOST, "--port", str(port)),
        *("--decode-concurrency", "1", "--prompt-concurrency", "1", "--max-tokens", str(MOST_OUTPUT)),
        *("--log-level", "WARNING"),
    )


def _looked_after(server: subprocess.Popen[bytes], port: int, look_s: float) -> int:
    was_well, bad = False, 0
    while bad < MOST_BAD:
        try:
            return server.wait(look_s if was_well else STARTING_LOOK_S)
        except subprocess.TimeoutExpired:
            is_so = is_well(port)
        bad = 0 if is_so or not was_well else bad + 1  # it may load, or download, for as long as it takes
        if is_so and not was_well:
            was_well = True
            _say("it answers")
    _say(f"it was not well {MOST_BAD} times in a row, and is ended")
    return 1


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} mlx_lm.server: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
