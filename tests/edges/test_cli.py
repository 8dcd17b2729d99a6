"""The program `tloi`: when it needs servers, and how it says what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tloi_site import cli
from tloi_site.embedded import servers, sharing
from tloi_site.embedded.ports import free_port

ROOT = Path(cli.__file__).parent.parent


def tloi(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder of its own, with nothing set but `settings`."""
    ours = {name for name in os.environ if name.startswith("TLOI_")} | set(servers.ADDRESSES)
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in ours} | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("words", [("help",), ("version",), ("login-link", "--help"), ("up", "--help"), ("imprt",)])
def test_help_and_slips_of_the_pen_start_no_server(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = tloi(tmp_path, *words)
    assert done.returncode == (1 if words == ("imprt",) else 0), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "settings", "sentence"),
    [
        (("up",), {"TLOI_PORT": "http"}, "TLOI_PORT is 'http', but must be a whole number from 1 to 65535."),
        (("up",), {"TLOI_WEB_THREADS": "0"}, "TLOI_WEB_THREADS is '0', but must be a whole number from 1 to 64."),
        (("check",), {"TLOI_BACKUP_DIR": "backups"}, "TLOI_BACKUP_DIR is 'backups', but must be a whole path, such as"),
        (("check",), {"TLOI_DEBUG": "maybe"}, "TLOI_DEBUG is 'maybe', but must be 1 or 0."),
        (("check",), {"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with postgresql://; TLOI keeps its data"),
    ],
)
def test_a_bad_setting_is_one_sentence(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], sentence: str
) -> None:
    free = {"TLOI_PORT": str(free_port()), "TLOI_GATEWAY_PORT": str(free_port())}
    done = tloi(tmp_path, *words, **{**free, **settings})
    assert done.returncode == 1
    assert done.stderr.startswith(f"tloi: {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = tloi(tmp_path, "key", "list", TLOI_DATA_DIR="file/data")
    assert done.returncode == 1
    assert done.stderr == (
        f"tloi: The data folder {tmp_path}/file/data cannot be written (Not a directory); "
        "set TLOI_DATA_DIR to one that can.\n"
    )


@pytest.mark.slow
def test_a_database_that_does_not_answer_is_told_with_its_reason(tmp_path: Path) -> None:
    nowhere = {
        "DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x",
        "REDIS_URL": "redis://x",
        "CACHE_URL": "redis://x",
    }
    done = tloi(tmp_path, "key", "list", **nowhere)
    assert done.returncode == 1
    assert "tloi: The database does not do its work: connection failed" in done.stderr
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_command_whose_reader_has_enough_ends_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "help"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == cli.NOBODY_READS


def test_restore_is_refused_while_the_servers_of_the_data_folder_are_used(data_dir: Path, tmp_path: Path) -> None:
    with sharing.own(data_dir, "up", print) as up:
        up.publish(dict.fromkeys(servers.ADDRESSES, "postgresql://x"))
        done = tloi(tmp_path, "restore", "file", TLOI_DATA_DIR=str(data_dir))
    assert done.returncode == 1
    assert (
        done.stderr
        == f"tloi: `tloi up` (pid {os.getpid()}) uses the database; stop it, then run `tloi restore` again.\n"
    )


def test_every_command_of_ours_gets_servers() -> None:
    assert {"up", "doctor", "key", "login_link"} <= cli._our_commands()


@pytest.mark.parametrize(("ending", "code"), [(None, 0), (0, 0), (3, 3), ("a sentence", 1)])
def test_the_exit_code_is_that_of_the_command(ending: object, code: int) -> None:
    def run() -> None:
        raise SystemExit(ending)

    assert cli._exit_code(run) == code


def test_ctrl_c_ends_a_command_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def press(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", press)
    assert cli.main(["doctor"]) == 130
