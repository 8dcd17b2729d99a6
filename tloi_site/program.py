"""The console script `tloi`: sending from a machine without a server needs no Django, all else is `tloi_site.cli`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from telemetry.importer import remote

_SERVER = ("django", "psycopg")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if remote.is_asked_for(words, os.environ):
        return remote.main(words[1:])
    try:
        from tloi_site import cli  # noqa: PLC0415 (it needs Django, which this machine may not have)
    except ModuleNotFoundError as error:
        if error.name not in _SERVER:
            raise
        if words[:1] == ["import"]:
            return remote.main(words[1:])
        sys.stderr.write(
            "tloi: The server is not installed here (pip install 'tloi[server]'). What works without it:"
            " tloi import --all --to URL --key KEY.\n"
        )
        return 1
    return cli.main(words)
