"""The console script `tloi`. Sending from a machine without a server needs no Django, and `tloi up` keeps none in
memory; all else is `tloi_site.cli`."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence

from tloi_site import env
from tloi_site.embedded import CannotStart

_SERVER = ("django", "psycopg")
_NO_SERVER = (
    "The server is not installed here (pip install 'tloi[server]'). What works without it:"
    " tloi import --all --to URL --key KEY, and tloi budget list --to URL --key KEY."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. A failure that we know is one sentence, never a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    has_server = all(importlib.util.find_spec(name) for name in _SERVER)
    try:
        if words == ["up"] and has_server:
            from tloi_site import up  # noqa: PLC0415 (with nothing beside it)

            return up.run(say)
        from telemetry.importer import remote  # noqa: PLC0415 (`up` does without)

        if remote.is_asked_for(words, os.environ) or (words[:1] in (["import"], ["budget"]) and not has_server):
            return remote.main(words)
        if not has_server:
            return fail(_NO_SERVER)
        from tloi_site import cli  # noqa: PLC0415 (it needs Django, which this machine may not have)
    except (CannotStart, env.BadSetting) as error:
        return fail(str(error))
    return cli.main(words)


def say(sentence: str) -> None:
    """Tell the person who runs the program."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def fail(sentence: str) -> int:
    """Tell what is wrong; the exit code."""
    say(f"tloi: {sentence}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
