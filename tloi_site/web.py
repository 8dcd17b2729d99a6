"""The web server, `python -m tloi_site.web` with granian's own words: it loads the site before it forks its processes.

Granian forks them on Linux, and each would load the site for itself. Loaded and frozen before, it is shared by all of
them, and one that died is replaced in milliseconds instead of seconds. Nothing is connected before the fork.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys

from granian.cli import entrypoint


def load() -> None:
    """Load all that a request needs; nothing is garbage."""
    from django.urls import reverse  # noqa: PLC0415 (only where it is shared)

    from tloi_site import wsgi  # noqa: F401, PLC0415

    reverse("login")  # which looks up every address
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve, by the words of the command line, until a signal ends it."""
    if sys.platform == "linux":  # elsewhere a fork is not safe, and processes are made anew
        multiprocessing.set_start_method("fork")
        load()
    entrypoint()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
