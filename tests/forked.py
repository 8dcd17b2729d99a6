"""A service that does nothing, and a launcher that forks it without loading the site: `python -m tests.forked`."""

from __future__ import annotations

import json
import os
import sys
import time

from tloi_site.embedded import forking


def main() -> None:
    """Say who was started and with which words, and stay."""
    sys.stdout.write(f"{os.getpid()} {' '.join(sys.argv[1:])}\n")
    sys.stdout.flush()
    if "fail" in sys.argv:
        raise RuntimeError("asked to fail")
    time.sleep(600)


def launch() -> None:
    """As `tloi_site.siblings`."""
    orders = json.load(sys.stdin)
    if any("unloadable" in order["words"] for order in orders):
        raise ImportError("no module named x")
    sys.stdout.write(json.dumps(forking.fork_all(orders, lambda _: None)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main() if sys.argv[1:] else launch()
