"""Celery: the wake-up, never the record. What must happen once is decided by PostgreSQL; tasks are safe to repeat.

The settings and the reason for each: reliability.md, section 3.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_ready
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tloi_site.settings")

TRANSPORT = {
    "visibility_timeout": 1800,  # longer than the longest task and its wait in the queue
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,  # kombu's default finds the tasks of a killed worker after 100 s, not 10
}
# A worker asks for its next task, and waits so many seconds until it asks again; kombu's default is one.
PATIENT = {"polling_interval": 10}
IMPATIENT = {"socket_connect_timeout": 1, "socket_timeout": 1, "max_retries": 0, "retry_on_timeout": False}

app = Celery("tloi", broker=settings.BROKER_URL)
app.conf.update(
    timezone="UTC",
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=600,
    task_soft_time_limit=540,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=200,
    worker_max_memory_per_child=400_000,  # KiB
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_soft_shutdown_timeout=30,
    CELERY_DB_REUSE_MAX=sys.maxsize,  # Celery's word for: leave connections to us (tloi_site.worker)
    broker_connection_retry_on_startup=True,
    # A web request must not wait for a broker that hangs: with Celery's defaults it waits for more than 40 s.
    task_publish_retry=False,
    broker_connection_timeout=1,
    broker_transport_options=TRANSPORT | IMPATIENT,
)
app.autodiscover_tasks(["telemetry", "skills", "routing", "tloi_site"])


@celeryd_init.connect
def be_patient(conf: Any, **_: object) -> None:
    """A worker waits for its broker, and for the next task; only those that publish are in a hurry."""
    conf.update(task_publish_retry=True, broker_connection_timeout=4, broker_transport_options=TRANSPORT | PATIENT)


@worker_ready.connect
def catch_up(sender: Any, **_: object) -> None:
    """A worker that starts does not wait for beat's next hour: after a pause of weeks there may be no partition ahead,
    and nights that were missed. A process of the pool does it, for the worker itself must hold no connection that its
    children would share."""
    sender.app.send_task("telemetry.ensure_partitions", expires=3600)
    sender.app.send_task("telemetry.observe", expires=60)
