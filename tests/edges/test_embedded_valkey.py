"""The two private Valkeys: a broker that forgets nothing, and a cache that may forget everything."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tloi_site.embedded import orphans, valkey
from tloi_site.embedded.child import Service
from tloi_site.embedded.supervisor import Supervisor

KINDS = [valkey.broker, valkey.cache]


@contextmanager
def running(prepare: Callable[[Path], tuple[Service, str]], data_dir: Path) -> Iterator[redis.Redis]:
    """A server on the folder, and a client that may do everything."""
    supervisor = Supervisor(data_dir / "run", print)
    service, address = prepare(data_dir)
    try:
        supervisor.start(service)
        with redis.Redis.from_url(address, decode_responses=True) as client:
            yield client
    finally:
        supervisor.stop()


def pid_of(client: redis.Redis) -> int:
    """The process id of the server."""
    return int(client.info("server")["process_id"])


def port_of(client: redis.Redis) -> int:
    """The port of the server."""
    return int(client.info("server")["tcp_port"])


def test_the_broker_never_evicts_and_writes_every_command_to_disk(data_dir: Path) -> None:
    with running(valkey.broker, data_dir) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("append*")["appendonly"] == "yes"
        assert client.config_get("append*")["appendfsync"] == "always"


def test_the_broker_keeps_what_it_acknowledged_when_it_is_killed(data_dir: Path) -> None:
    with running(valkey.broker, data_dir) as client:
        for number in range(300):
            client.lpush("queue", number)
        os.kill(pid_of(client), signal.SIGKILL)
    with running(valkey.broker, data_dir) as client:
        assert client.llen("queue") == 300


def test_the_broker_starts_on_a_file_whose_last_command_was_cut_off(data_dir: Path) -> None:
    with running(valkey.broker, data_dir) as client:
        client.lpush("queue", "first", "second")
        os.kill(pid_of(client), signal.SIGKILL)
    (log,) = (data_dir / "broker").rglob("*.incr.aof")
    with log.open("ab") as handle:
        handle.write(b"*3\r\n$5\r\nLPUSH\r\n$5\r\nque")
    with running(valkey.broker, data_dir) as client:
        assert client.lrange("queue", 0, -1) == ["second", "first"]


def test_the_cache_evicts_and_leaves_nothing_on_disk(data_dir: Path) -> None:
    with running(valkey.cache, data_dir) as client:
        assert client.config_get("maxmemory*")["maxmemory-policy"] == "allkeys-lru"
        assert client.config_get("maxmemory*")["maxmemory"] == str(64 * 2**20)
        for number in range(100):
            client.set(str(number), "x" * 2**20)
        assert client.dbsize() < 100
    assert list((data_dir / "cache").iterdir()) == []


@pytest.mark.parametrize("prepare", KINDS)
@pytest.mark.parametrize("password", [None, "wrong"])
def test_nobody_gets_in_without_the_password(
    data_dir: Path, prepare: Callable[[Path], tuple[Service, str]], password: str | None
) -> None:
    with (
        running(prepare, data_dir) as client,
        redis.Redis(port=port_of(client), password=password, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


@pytest.mark.parametrize("prepare", KINDS)
def test_the_password_is_in_no_command_line_and_in_one_private_file(
    data_dir: Path, prepare: Callable[[Path], tuple[Service, str]]
) -> None:
    with running(prepare, data_dir) as client:
        password = client.config_get("requirepass")["requirepass"]
        assert password
        assert password not in orphans.command_line(pid_of(client))
        holders = [path for path in data_dir.iterdir() if path.is_file() and password in path.read_text()]
        assert [path.stat().st_mode & 0o777 for path in holders] == [0o600]


@pytest.mark.parametrize("prepare", KINDS)
def test_it_listens_on_loopback_only(data_dir: Path, prepare: Callable[[Path], tuple[Service, str]]) -> None:
    with running(prepare, data_dir) as client:
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
