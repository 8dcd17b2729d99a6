"""Celery's clock, `python -m tloi_site.beat FILE`: at what times which task is woken. FILE keeps when each was last.

It sends names, so it loads neither the tasks nor Django, which would be two thirds of its memory. What it sends twice,
because two of them run, does no harm: tasks are safe to repeat.
"""

from __future__ import annotations

import sys
from typing import Any

from celery import Celery

from tloi_site import env

SCHEDULE: dict[str, dict[str, Any]] = {  # seconds; a wake-up that nobody took before the next one is dropped
    "heartbeat": {"task": "telemetry.heartbeat", "schedule": 15.0, "options": {"expires": 15}},
    "fold": {"task": "telemetry.fold", "schedule": 2.0, "options": {"expires": 2}},
    "night": {"task": "telemetry.observe", "schedule": 15.0, "options": {"expires": 15}},
    "alerts": {"task": "telemetry.alert", "schedule": 10.0, "options": {"expires": 10}},
    "tidying": {"task": "telemetry.tidy_partitions", "schedule": 3600.0, "options": {"expires": 3600}},
    "partitions": {"task": "telemetry.ensure_partitions", "schedule": 3600.0, "options": {"expires": 3600}},
    "prices": {"task": "telemetry.ensure_price_versions", "schedule": 3600.0, "options": {"expires": 3600}},
    "gate": {"task": "routing.calibrate", "schedule": 3600.0, "options": {"expires": 3600}},
}
if env.backup_dir():
    SCHEDULE["backup"] = {"task": "tloi_site.back_up", "schedule": 900.0, "options": {"expires": 900}}

app = Celery("tloi", broker=env.broker_url(), fixups=(), set_as_current=False)
app.conf.update(beat_schedule=SCHEDULE, timezone="UTC", task_serializer="json", task_ignore_result=True)


def main() -> None:
    """Until a signal ends it."""
    app.Beat(schedule=sys.argv[1], loglevel="WARNING", quiet=True).run()


if __name__ == "__main__":
    main()
