"""The spool of the agents' SDK: private, bounded, shared by processes, and never in the agent's way."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

import telemetry.client
from telemetry.client import TokenTelemetry
from tests.agents import CLOSED, agent, ended, running, spooled


def names(folder: Path) -> list[str]:
    return [record["task_id"] for record in spooled(folder)]


def on_disk(folder: Path) -> list[str]:
    """The tasks of all files, also of those that a process was just sending."""
    lines = "".join(path.read_text() for path in folder.iterdir()).splitlines()
    return sorted(json.loads(line)["task_id"] for line in lines)


def away(folder: Path, key: str = "tloi_key") -> TokenTelemetry:
    """A client whose server is away."""
    return TokenTelemetry(CLOSED, key, spool_dir=str(folder))


def test_the_spool_is_for_its_owner_alone(tmp_path: Path) -> None:
    client = away(tmp_path / "spool")
    client.record_start("sync")
    client.close()
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    (file,) = (tmp_path / "spool").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "tloi_key" not in file.name + file.read_text()


def test_small_files_become_one_while_the_server_is_away(tmp_path: Path) -> None:
    client = away(tmp_path)
    for number in range(5):
        client.record_start(f"t{number}")
        time.sleep(0.03)
    assert client.flush() is False
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    assert names(tmp_path) == [f"t{number}" for number in range(5)]
    client.close()


def test_a_full_spool_drops_the_oldest_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telemetry.client, "MAX_SPOOL", 5_000)
    monkeypatch.setattr(telemetry.client, "MAX_BATCH", 1_000)  # so that small files stay small
    client = away(tmp_path)
    for number in range(40):
        client.record_start(f"t{number}")
        client.flush()
    client.close()
    kept = names(tmp_path)
    assert kept == [f"t{number}" for number in range(40 - len(kept), 40)]
    assert len(kept) + client.lost == 40
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5_000
    assert "the oldest records are dropped" in caplog.text


def test_a_spool_that_cannot_be_written_leaves_records_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    client = away(tmp_path / "file" / "spool")
    client.record_start("sync")
    assert client.flush() is False
    assert "sync" in b"".join(client._spool.memory).decode()
    assert "cannot be written" in caplog.text
    client.close()


def test_an_agent_that_just_ends_leaves_nothing_behind_in_memory(tmp_path: Path) -> None:
    program = "t = TokenTelemetry()\nfor n in range(500): t.record_start(str(n))\n"
    ended(agent(tmp_path, program, TLOI_URL=CLOSED, TLOI_API_KEY="tloi_key"))
    assert names(tmp_path / "spool") == [str(number) for number in range(500)]


def test_a_killed_agent_has_spooled_all_but_its_last_moment(tmp_path: Path) -> None:
    program = (
        "t = TokenTelemetry()\nt.record_start('sync')\nimport time\ntime.sleep(0.2)\nprint(1, flush=True)\ninput()"
    )
    with running(agent(tmp_path, program, TLOI_URL=CLOSED, TLOI_API_KEY="tloi_key")) as (_, from_agent):
        assert from_agent.readline() == "1\n"
    assert set(on_disk(tmp_path / "spool")) == {"sync"}  # twice where it was killed while it gave a file back


def test_a_server_that_never_answers_holds_the_end_for_two_seconds_at_most(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program = "t = TokenTelemetry(timeout=60)\nfor n in range(5): t.record_start(str(n))\n"
        begin = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended(agent(tmp_path, program, TLOI_URL=url, TLOI_API_KEY="tloi_key"))
    assert 1 < time.monotonic() - begin < 10
    assert on_disk(tmp_path / "spool") == ["0", "1", "2", "3", "4"]


def test_a_forked_child_records_for_itself_and_sends_nothing_of_its_parent(tmp_path: Path) -> None:
    program = """
import os
t = TokenTelemetry()
with t._disk:  # so that the parent's record is still in memory
    t.record_start("parent")
    child = os.fork()
    if child == 0:
        t.record_start("child")
        t.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    ended(agent(tmp_path, program, TLOI_URL=CLOSED, TLOI_API_KEY="tloi_key"))
    assert sorted(names(tmp_path / "spool")) == ["child", "parent"]


def test_a_closed_client_has_no_thread_and_a_later_record_is_kept_too(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    client = away(tmp_path, key="")  # it would wait for a minute
    (thread,) = set(threading.enumerate()) - before
    client.close()
    thread.join(5)
    assert not thread.is_alive()
    client.record_start("late")
    client.close()
    assert names(tmp_path) == ["late"]


def test_what_is_taken_is_free_again_after_a_while(tmp_path: Path) -> None:
    client = away(tmp_path)
    client.record_start("sync")
    client.flush()
    (file,) = tmp_path.iterdir()
    taken = file.with_suffix(f".{time.time():.0f}")
    file.rename(taken)
    client.flush()
    assert list(tmp_path.iterdir()) == [taken]
    taken.rename(taken.with_suffix(f".{time.time() - 130:.0f}"))
    client.flush()
    assert names(tmp_path) == ["sync"]
    client.close()


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.jsonl", "unclaimed-1-2.jsonl", "unclaimed-00000000000000000000-000000000000.bak"):
        (tmp_path / name).write_text("mine\n")
    client = away(tmp_path, key="")
    client.close()
    assert len(list(tmp_path.iterdir())) == 3
