"""One owner starts and stops the servers of a data folder; any number of commands use them meanwhile."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from tloi_site.embedded import CannotStart, servers, sharing

ADDRESSES = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x", "CACHE_URL": "redis://y"}


def say(_: str) -> None:
    """Nobody listens."""


def test_the_first_command_owns_the_servers_and_the_second_uses_them(data_dir: Path) -> None:
    with sharing.own_or_use(data_dir, "import") as first:
        assert isinstance(first, sharing.Owner)
        first.publish(ADDRESSES)
        with sharing.own_or_use(data_dir, "doctor") as second:
            assert isinstance(second, sharing.User)
            assert second.running == sharing.Running(os.getpid(), "import", "", ADDRESSES)


def test_of_commands_that_begin_together_one_becomes_the_owner(data_dir: Path) -> None:
    roles: list[str] = []

    def begin() -> None:
        with sharing.own_or_use(data_dir, "import") as role:
            roles.append(type(role).__name__)
            if isinstance(role, sharing.Owner):
                role.publish(ADDRESSES)
                time.sleep(0.5)
                role.wait_for_users(say)

    commands = [threading.Thread(target=begin) for _ in range(8)]
    for command in commands:
        command.start()
    for command in commands:
        command.join()
    assert sorted(roles) == ["Owner", *["User"] * 7]


def test_an_owner_for_one_command_waits_for_the_users(data_dir: Path) -> None:
    said: list[str] = []
    with sharing.own_or_use(data_dir, "import") as owner:
        assert isinstance(owner, sharing.Owner)
        owner.publish(ADDRESSES)
        user = sharing.own_or_use(data_dir, "doctor")
        waiting = threading.Thread(target=owner.wait_for_users, args=(said.append,))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        user.lock.release()
        waiting.join(5)
        assert not waiting.is_alive()
    assert said == ["Other TLOI commands use the same servers; waiting for them to end."]


def test_a_second_up_is_told_where_the_first_one_is(data_dir: Path) -> None:
    with sharing.own(data_dir, "up", say) as first:
        first.publish({}, web="http://127.0.0.1:8000")
        with pytest.raises(CannotStart, match=rf"already runs here \(pid {os.getpid()}\) at http://127.0.0.1:8000\."):
            sharing.own(data_dir, "up", say)


def test_up_waits_for_a_command_that_owns_the_servers(data_dir: Path) -> None:
    said: list[str] = []
    command = sharing.own_or_use(data_dir, "import")
    assert isinstance(command, sharing.Owner)
    threading.Timer(0.5, command.lock.release).start()
    with sharing.own(data_dir, "up", said.append) as up:
        assert isinstance(up, sharing.Owner)
    assert said == [f"`tloi import` (pid {os.getpid()}) uses this data folder; waiting for it to end."]


def test_up_gives_up_on_a_command_that_does_not_end(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "PATIENCE_S", 0.3)
    with sharing.own_or_use(data_dir, "import"), pytest.raises(CannotStart, match="still uses this data folder"):
        sharing.own(data_dir, "up", say)


def test_the_word_of_an_owner_that_is_gone_is_not_believed(data_dir: Path) -> None:
    with sharing.own(data_dir, "up", say) as gone:
        gone.publish(ADDRESSES)
        word = (data_dir / "servers.json").read_text()
    (data_dir / "servers.json").write_text(word)  # as after a SIGKILL
    with sharing.own_or_use(data_dir, "import") as role:
        assert isinstance(role, sharing.Owner)


def test_addresses_are_kept_where_only_the_owner_reads_them(data_dir: Path) -> None:
    with sharing.own(data_dir, "up", say) as owner:
        owner.publish(ADDRESSES)
        assert (data_dir / "servers.json").stat().st_mode & 0o777 == 0o600


def test_only_what_is_unset_is_started(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://operator@db/tloi")
    monkeypatch.setenv("REDIS_URL", "redis://queue/0")
    with servers.private(data_dir, say):
        assert servers.addresses()["DATABASE_URL"] == "postgresql://operator@db/tloi"
        assert servers.addresses()["REDIS_URL"] == "redis://queue/0"
        assert servers.addresses()["CACHE_URL"].startswith("redis://:")
        assert [file.name for file in (data_dir / "run").iterdir()] == ["cache"]
    assert servers.unset() == ["CACHE_URL"]
