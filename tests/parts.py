"""`make test`: three parts of the tests at once, each with servers of its own, and beside them `make check`.

A machine has two cores, and types are looked at by one process for a minute. The first part is printed as it runs, the
others at the end. The words after this module's name are the command that runs beside them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack

PARTS = (  # tests/house is part of `make check`; what has event loops comes before Chromium, which has one to the end
    ("tests/edges/routing", "tests/db/routing", "tests/acceptance", "tests/browser", "tests/unit", "tests/fuzz"),
    (
        "tests/db",
        "tests/edges",
        "--ignore=tests/edges/telemetry",
        "--ignore=tests/edges/routing",
        "--ignore=tests/db/routing",
    ),
    ("tests/edges/telemetry",),
)


def main() -> int:
    """Run all of them; 0 where each passes."""
    began = time.monotonic()
    beside: list[Sequence[str]] = [*map(_command, PARTS[1:]), *([sys.argv[1:]] if sys.argv[1:] else [])]
    with ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile("w+")) for _ in beside]
        others = [
            subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
            for command, file in zip(beside, said, strict=True)
        ]
        try:
            codes = [subprocess.run(_command(PARTS[0]), check=False).returncode, *(one.wait() for one in others)]
        finally:
            for one, file in zip(others, said, strict=True):
                one.terminate()
                one.wait()
                file.seek(0)
                sys.stdout.write(file.read())
            sys.stdout.write(f"All parts took {time.monotonic() - began:.0f} s.\n")
    return max(map(abs, codes))


def _command(folders: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--durations=12", *folders)


if __name__ == "__main__":
    sys.exit(main())
