"""The model server that `tloi up` starts: what it needs is said, and who looks after it ends it when it is not well."""

from __future__ import annotations

import importlib.util
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tloi_site import env, local_model
from tloi_site.embedded import CannotStart
from tloi_site.embedded import local_model as managed
from tloi_site.embedded.ports import free_port

# A server that loads for a while, and is well until a file is there.
SERVER = """
import http.server, pathlib, sys, time
time.sleep(float(sys.argv[3]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if pathlib.Path(sys.argv[2]).exists() else 200)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
while not pathlib.Path(sys.argv[2] + "-ends").exists():
    server.handle_request()
sys.exit(7)
"""


@pytest.fixture
def stands_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, float], None]:
    """Put that server in place of mlx_lm's."""

    def put(flag: Path, loads_s: float) -> None:
        monkeypatch.setattr(
            local_model, "command", lambda _, port: (sys.executable, "-c", SERVER, str(port), str(flag), str(loads_s))
        )
        monkeypatch.setattr(local_model, "STARTING_LOOK_S", 0.02)

    return put


def test_a_server_that_is_no_longer_well_is_ended(
    tmp_path: Path, stands_in: Callable[[Path, float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    flag, port = tmp_path / "unwell", free_port()
    stands_in(flag, 0.3)
    monkey = iter([True])

    def look(asked: int) -> bool:
        found = managed.is_well(asked)
        if found and next(monkey, False):
            flag.touch()  # as soon as it was well once
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_model, "is_well", look)
        assert local_model.main("any", port, look_s=0.05) == 1
    said = capsys.readouterr().out
    assert "it answers" in said
    assert "not well 3 times in a row" in said
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1).close()


def test_a_server_that_loads_for_long_is_waited_for_and_its_exit_code_is_passed_on(
    tmp_path: Path, stands_in: Callable[[Path, float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    flag = tmp_path / "unwell"
    stands_in(flag, 0.5)
    (tmp_path / "unwell-ends").touch()
    began = time.monotonic()
    assert local_model.main("any", free_port(), look_s=0.05) == 7
    assert time.monotonic() - began > 0.5
    assert "not well" not in capsys.readouterr().out


def test_the_server_answers_one_at_a_time_and_only_this_machine() -> None:
    words = local_model.command("/models/qwen", 8080)
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--decode-concurrency") + 1] == "1"


@pytest.mark.skipif(importlib.util.find_spec("mlx_lm") is not None, reason="mlx-lm is installed")
def test_without_mlx_lm_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    managed.can_start()
    monkeypatch.setenv("TLOI_LOCAL_MODEL", "mlx-community/Qwen3-8B-4bit")
    with pytest.raises(CannotStart, match="make up LOCAL_MODEL"):
        managed.can_start()


def test_a_folder_that_is_not_there_and_a_port_that_is_taken_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.setenv("TLOI_LOCAL_MODEL", str(tmp_path / "gone"))
    with pytest.raises(CannotStart, match="no such folder"):
        managed.can_start()
    monkeypatch.setenv("TLOI_LOCAL_MODEL", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("TLOI_LOCAL_MODEL_PORT", str(taken.getsockname()[1]))
        with pytest.raises(CannotStart, match="TLOI_LOCAL_MODEL_PORT"):
            managed.can_start()


def test_a_folder_is_named_by_its_whole_path_and_asks_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TLOI_LOCAL_MODEL", "model")
    assert env.local_model() == str(tmp_path / "model")
    started = managed.service(tmp_path)
    assert started.environment is not None
    assert started.environment["HF_HUB_OFFLINE"] == "1"
    assert (tmp_path / "hf" / "hub").is_dir()
    monkeypatch.setenv("TLOI_LOCAL_MODEL", "mlx-community/Qwen3-8B-4bit")
    assert env.local_model() == "mlx-community/Qwen3-8B-4bit"
