"""Celery only wakes: those that publish never wait long for the broker, and the worker waits as long as it takes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery.signals import celeryd_init, worker_ready
from django.conf import settings

from tloi_site.beat import SCHEDULE
from tloi_site.celery import IMPATIENT, PATIENT, TRANSPORT, app
from tloi_site.embedded import ports

PUBLISH = """
import time, django
django.setup()
from tloi_site.celery import app
began = time.monotonic()
try:
    app.send_task("telemetry.heartbeat")
except Exception as error:
    print(type(error).__name__, time.monotonic() - began)
"""


class Ready:
    """A worker, as far as the signal that it is ready goes."""

    app = app


@pytest.fixture
def silent_broker() -> Iterator[str]:
    """The address of a broker that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def publish(broker: str) -> tuple[str, float]:
    """What publishing one task raised in a process of its own, and after how many seconds."""
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH],
        env=os.environ | {"REDIS_URL": broker},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    error, seconds = done.stdout.split()
    return error, float(seconds)


def test_publishing_to_a_broker_that_hangs_fails_soon(silent_broker: str) -> None:
    error, seconds = publish(silent_broker)
    assert error == "OperationalError"
    assert seconds < 5


def test_publishing_to_a_broker_that_is_away_fails_at_once() -> None:
    error, seconds = publish(f"redis://127.0.0.1:{ports.free_port()}/0")
    assert error == "OperationalError"
    assert seconds < 2


def test_only_a_worker_is_patient() -> None:
    worker: dict[str, Any] = {}
    celeryd_init.send(sender="worker", instance=None, conf=worker, options={})
    assert worker["broker_transport_options"] == TRANSPORT | PATIENT
    assert app.conf.broker_transport_options == TRANSPORT | IMPATIENT


def test_a_worker_that_starts_asks_for_partitions_and_missed_nights_at_once() -> None:
    with redis.Redis.from_url(settings.BROKER_URL) as broker:
        broker.delete("celery")
        worker_ready.send(sender=Ready)
        messages = broker.lrange("celery", 0, -1)
        broker.delete("celery")
    asked = {json.loads(message)["headers"]["task"] for message in messages}
    assert asked == {"telemetry.ensure_partitions", "telemetry.observe"}


def test_every_scheduled_task_is_one_that_a_worker_knows() -> None:
    app.loader.import_default_modules()
    assert set(SCHEDULE) <= set(app.tasks)
