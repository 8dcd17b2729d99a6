"""The clock, `python -m tloi_site.beat`: at what times which task is woken.

It keeps nothing: when it starts, all is due. What it asks for twice, because it was started again or two of them run,
does no harm: tasks are safe to repeat.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from tloi_site import env, waking

SCHEDULE: dict[str, float] = {  # seconds; a wake-up that nobody took before the next one is dropped
    "telemetry.heartbeat": 15,
    "telemetry.fold": 5,
    "telemetry.observe": 15,
    "telemetry.alert": 10,
    "telemetry.expire_reservations": 60,
    "telemetry.tidy_partitions": 3600,
    "telemetry.ensure_partitions": 3600,
    "telemetry.ensure_price_versions": 3600,
    "skills.concierge": 60,
    "routing.errands": 10,
    "routing.calibrate": 3600,
    "routing.sweep": 3600,
}
if env.backup_dir():
    SCHEDULE["tloi_site.back_up"] = 900
AGAIN_S = 2.0  # after the broker was not there


class Clock:
    """When each task of a schedule is due, in seconds of `time.monotonic`; at first all are."""

    def __init__(self, schedule: Mapping[str, float], sender: waking.Sender, *, started: float) -> None:
        self._schedule = schedule
        self._sender = sender
        self._due = dict.fromkeys(schedule, started)
        self._trouble = ""

    def tick(self, monotonic: float) -> float:
        """Wake what is due; when to come back. What cannot be woken stays due."""
        for task, due in self._due.items():
            if due > monotonic:
                continue
            every = self._schedule[task]
            try:
                self._sender.wake(task, expires_s=every, now=datetime.now(UTC))
            except OSError as error:
                self._note(str(error))
                return monotonic + AGAIN_S
            self._note("")
            self._due[task] = due + every * ((monotonic - due) // every + 1)
        return min(self._due.values())

    def _note(self, trouble: str) -> None:
        """Write to the log when a trouble begins, and when it is over."""
        if bool(trouble) != bool(self._trouble):
            sys.stderr.write(
                f"nobody is woken, for the broker is away: {trouble}\n" if trouble else "all is well again\n"
            )
            sys.stderr.flush()
        self._trouble = trouble


def main() -> NoReturn:
    """Until a signal ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container has no default
    clock = Clock(SCHEDULE, waking.sender(env.broker_url()), started=time.monotonic())
    while True:
        time.sleep(max(clock.tick(time.monotonic()) - time.monotonic(), 0))


if __name__ == "__main__":
    main()
