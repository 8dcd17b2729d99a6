"""Beat wakes workers without Celery: what it sends is what Celery would send, and no wake-up is lost to a broker that
was away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from celery import Celery
from django.conf import settings

from tloi_site import waking
from tloi_site.beat import AGAIN_S, Clock
from tloi_site.embedded import orphans, ports, site, valkey
from tloi_site.embedded.supervisor import Supervisor

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
FOLD = "telemetry.fold"
TELLS_APART = {"id", "root_id", "correlation_id", "delivery_tag", "origin", "reply_to"}


@pytest.fixture
def queue() -> Iterator[redis.Redis]:
    """The run's broker, with nothing in its queue."""
    with redis.Redis.from_url(settings.BROKER_URL, decode_responses=True) as client:
        client.delete(waking.QUEUE)
        yield client
        client.delete(waking.QUEUE)


class Recorder:
    """Who is woken, as long as it `answers`."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.answers = True

    def wake(self, task: str, *, expires_s: float, now: datetime) -> None:
        """Remember it. Raises OSError."""
        if not self.answers:
            raise ConnectionRefusedError("away")
        self.woken.append(task)


def sent(queue: redis.Redis) -> dict[str, Any]:
    """The one message of the queue, but for what tells it from others."""
    (plain,) = queue.lrange(waking.QUEUE, 0, -1)
    queue.delete(waking.QUEUE)
    message: dict[str, Any] = json.loads(plain)
    for part in ("headers", "properties"):
        message[part] = {name: value for name, value in message[part].items() if name not in TELLS_APART}
    return message


def test_a_wake_up_is_the_message_that_celery_sends(queue: redis.Redis) -> None:
    direct = waking.Direct(urlsplit(settings.BROKER_URL))
    direct.wake(FOLD, expires_s=5, now=NOW)
    direct.close()
    ours = sent(queue)
    with Celery("test", broker=settings.BROKER_URL, set_as_current=False) as app:
        app.conf.update(timezone="UTC")
        app.send_task(FOLD, expires=NOW + timedelta(seconds=5), ignore_result=True)
    theirs = sent(queue)
    ours["properties"].pop("expiration"), theirs["properties"].pop("expiration")  # counted from now, not from NOW
    assert ours == theirs


@pytest.mark.parametrize("address", ["rediss://broker:6380/0", "redis://broker/0?ssl_cert_reqs=none", "sentinel://a/0"])
def test_brokers_that_do_not_speak_plain_tcp_are_left_to_celery(address: str) -> None:
    assert isinstance(waking.sender(address), waking.ThroughCelery)
    assert isinstance(waking.sender("redis://broker"), waking.Direct)


def test_through_celery_the_same_is_sent_and_a_broker_that_is_away_is_an_oserror(queue: redis.Redis) -> None:
    waking.ThroughCelery(settings.BROKER_URL).wake(FOLD, expires_s=5, now=NOW)
    assert sent(queue)["headers"]["task"] == FOLD
    with pytest.raises(OSError, match="refused"):
        waking.ThroughCelery(f"redis://127.0.0.1:{ports.free_port()}/0").wake(FOLD, expires_s=5, now=NOW)


def test_a_wrong_password_is_told_in_the_words_of_the_broker(queue: redis.Redis) -> None:
    parts = urlsplit(settings.BROKER_URL)
    wrong = f"redis://:wrong@{parts.hostname}:{parts.port}/0"
    with pytest.raises(waking.Refused, match=r"WRONGPASS|ERR"):
        waking.sender(wrong).wake(FOLD, expires_s=5, now=NOW)


def test_a_broker_that_was_started_again_is_found_again(data_dir: Path) -> None:
    supervisor = Supervisor(data_dir / "run", print)
    service, address = valkey.broker(data_dir)
    supervisor.start(service)
    direct = waking.Direct(urlsplit(address))
    try:
        direct.wake(FOLD, expires_s=5, now=NOW)
        os.kill(killed := int((data_dir / "run" / "broker").read_text().split()[0]), signal.SIGKILL)
        orphans.wait_for(killed)
        with pytest.raises(OSError, match=r"refused|reset|closed|pipe"):
            direct.wake(FOLD, expires_s=5, now=NOW)
        supervisor.stop()
        supervisor.start(service)
        direct.wake(FOLD, expires_s=5, now=NOW)
        with redis.Redis.from_url(address) as client:
            assert client.llen(waking.QUEUE) == 2
    finally:
        direct.close()
        supervisor.stop()


def test_at_first_all_is_due_and_then_each_at_its_time() -> None:
    everybody = Recorder()
    clock = Clock({"a": 5, "b": 10}, everybody, started=100)
    assert clock.tick(100) == 105
    assert clock.tick(104) == 105
    assert clock.tick(105.1) == 110
    assert clock.tick(110) == 115
    assert everybody.woken == ["a", "b", "a", "a", "b"]


def test_what_was_slept_through_is_woken_once() -> None:
    everybody = Recorder()
    clock = Clock({"a": 5}, everybody, started=0)
    assert clock.tick(0) == 5
    assert clock.tick(63) == 65
    assert everybody.woken == ["a", "a"]


def test_no_wake_up_is_lost_to_a_broker_that_is_away_and_the_log_says_so_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    everybody = Recorder()
    clock = Clock({"hourly": 3600}, everybody, started=0)
    everybody.answers = False
    assert clock.tick(0) == AGAIN_S
    assert clock.tick(AGAIN_S) == 2 * AGAIN_S
    everybody.answers = True
    assert clock.tick(2 * AGAIN_S) == 3600
    assert everybody.woken == ["hourly"]
    assert capsys.readouterr().err.splitlines() == [
        "nobody is woken, for the broker is away: away",
        "all is well again",
    ]


def test_the_program_wakes_at_once_and_ends_when_it_is_asked_to(queue: redis.Redis) -> None:
    environment = os.environ | {"REDIS_URL": settings.BROKER_URL}
    with subprocess.Popen([sys.executable, "-m", "tloi_site.beat"], env=environment, cwd=site.ROOT) as process:
        first = queue.brpop([waking.QUEUE], timeout=20)
        process.terminate()
        assert process.wait(10) == 0
    assert first is not None
