"""The web server, `python -m tloi_site.web` with granian's own words: it loads the site before it forks its processes.

Granian forks them on Linux, and each would load the site for itself. Loaded and frozen before, it is shared by all of
them, and one that died is replaced in milliseconds instead of seconds. Nothing is connected before the fork.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from granian.cli import entrypoint

# DRF loads these where they are installed: to colour source code and to ask other servers in tests, neither of which a
# request needs. Without them a web process is 5 MB smaller.
_NEEDLESS = ("pygments", "requests")


def load() -> None:
    """Load all that a request needs; nothing is garbage."""
    with _absent(_NEEDLESS):
        from django.urls import reverse  # noqa: PLC0415 (only where it is shared)

        from tloi_site import wsgi  # noqa: F401, PLC0415

        reverse("login")  # which looks up every address
    _read_prices()
    gc.collect()
    gc.freeze()


@contextmanager
def _absent(names: tuple[str, ...]) -> Iterator[None]:
    """Inside, these modules look as if nobody had installed them; who needs one later still gets it."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None, by which an import fails
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _read_prices() -> None:
    """Have the price of a call looked up, which reads all that are known."""
    from telemetry import facade  # noqa: PLC0415 (needs the site)
    from telemetry.contracts import Call  # noqa: PLC0415

    facade.cost_nanousd(Call(started_at=datetime.now(UTC), model="gpt-5", provider="openai", output=1))


def main() -> None:
    """Serve, by the words of the command line, until a signal ends it."""
    if sys.platform == "linux":  # elsewhere a fork is not safe, and processes are made anew
        multiprocessing.set_start_method("fork")
        load()
    entrypoint()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
