"""`make test`: the tests that need whole sites beside the others, at once, each half with servers of its own.

They mostly wait, and a machine has two cores. The first half is printed as it runs, the other when it has ended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

FIRST = ("tests/acceptance", "tests/browser", "tests/db", "tests/unit", "tests/fuzz")
SECOND = ("tests/edges",)  # tests/house is part of `make check`


def main() -> int:
    """Run both halves; 0 where both pass."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        second = subprocess.Popen(_command(SECOND), stdout=said, stderr=subprocess.STDOUT)
        try:
            first = subprocess.run(_command(FIRST), check=False)
            second.wait()
        finally:
            second.terminate()
            second.wait()
            said.seek(0)
            sys.stdout.write(f"{said.read()}Both halves took {time.monotonic() - began:.0f} s.\n")
    return first.returncode or second.returncode


def _command(folders: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--durations=12", *folders)


if __name__ == "__main__":
    sys.exit(main())
