"""Processes that ask for the same results at once, for tests of what is kept.

Each is `python -m tests.askers`: a line of JSON on its standard input is a task, one on its standard output what came
of it. How often a result was made is counted in the broker's Valkey, which no test of the cache stops.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

ROOT = Path(__file__).resolve().parents[1]


class Asker:
    """One of the processes."""

    def __init__(self) -> None:
        surroundings = {**os.environ, "DJANGO_SETTINGS_MODULE": "tloi_site.settings"}
        command = (sys.executable, "-m", "tests.askers")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, env=surroundings, **pipes)  # type: ignore[call-overload]

    def begin(self, name: str, **task: Any) -> None:
        """Have it ask for `name`: by `threads` at once, once or for `seconds`, a result that takes `takes_s` and holds
        for `ttl_s`. `how`: `kept`, or as a control `naive` (looked up and stored, and no more), `unrenewed`, or `hasty`
        (made anew long before it passes)."""
        self.process.stdin.write(json.dumps({"name": name, **task}) + "\n")
        self.process.stdin.flush()

    def ended(self) -> dict[str, Any]:
        """What came of it: the `results`, each once, and the longest `waited_s`."""
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()


@contextmanager
def askers(count: int) -> Iterator[list[Asker]]:
    """So many processes, which are ready."""
    crew = [Asker() for _ in range(count)]
    try:
        for asker in crew:
            assert asker.ended() == {}
        yield crew
    finally:
        for asker in crew:
            asker.close()


def made(name: str) -> int:
    """How often a result was begun to be made."""
    return int(_counter().get(f"made:{name}") or 0)


def _counter() -> Any:
    return redis.Redis.from_url(os.environ["REDIS_URL"])


def _serve() -> None:
    print("{}", flush=True)  # noqa: T201 (that is what it is for)
    for line in sys.stdin:
        print(json.dumps(_asked(**json.loads(line))), flush=True)  # noqa: T201


def _asked(
    name: str,
    *,
    threads: int = 1,
    seconds: float = 0.0,
    takes_s: float = 0.0,
    ttl_s: float = 60.0,
    lease_s: float = 5.0,
    how: str = "kept",
) -> dict[str, Any]:
    ask, lock = _how(how, ttl_s, lease_s, takes_s), threading.Lock()
    results: set[str] = set()
    longest_s = 0.0

    def go_on() -> None:
        nonlocal longest_s
        until = time.monotonic() + seconds
        while True:
            began = time.monotonic()
            result = ask(name)
            with lock:
                results.add(result)
                longest_s = max(longest_s, time.monotonic() - began)
            if time.monotonic() >= until:
                return
            time.sleep(0.02)

    crew = [threading.Thread(target=go_on) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return {"results": sorted(results), "waited_s": longest_s}


def _how(how: str, ttl_s: float, lease_s: float, takes_s: float) -> Callable[[str], str]:
    from routing.cache import leases, lookups  # noqa: PLC0415 (in the child only)
    from routing.cache.results import cache_with_ttl  # noqa: PLC0415

    for module in (lookups, leases):
        setattr(module, "LEASE_S", lease_s)  # noqa: B010 (as a name it is private to one of them)
    usual = vars(lookups).setdefault("_USUAL", vars(lookups)["_HASTE"])
    setattr(lookups, "_HASTE", 20.0 if how == "hasty" else usual)  # noqa: B010
    vars(leases.leases).pop("hold", None)  # of a task before
    counter = _counter()

    def make(name: str) -> str:
        counter.incr(f"made:{name}")
        time.sleep(takes_s)
        return f"made for {name}"

    if how == "naive":
        return lambda name: _naive(make, name, ttl_s)
    if how == "unrenewed":
        leases.leases.hold = lambda claim: None  # type: ignore[method-assign]
    return cache_with_ttl(hours=ttl_s / 3600)(make)


def _naive(make: Callable[[str], str], name: str, ttl_s: float) -> str:
    cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
    found = cache.get(f"naive:{name}")
    if found is None:
        found = make(name)
        cache.set(f"naive:{name}", found, px=round(ttl_s * 1000))
    return str(found)


if __name__ == "__main__":
    _serve()
