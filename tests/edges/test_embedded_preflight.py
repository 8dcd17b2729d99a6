"""What keeps TLOI from starting is said in one sentence that names the way out."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
from pathlib import Path

import pytest

from tloi_site.embedded import CannotStart, ports, preflight
from tloi_site.embedded.private_files import open_data_dir


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"^Port {port} on 127.0.0.1 is in use .* set TLOI_PORT"):
            preflight.port_is_free("127.0.0.1", port)
    preflight.port_is_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotStart, match=r"^TLOI cannot listen on 192.0.2.1 port 8000 .*TLOI_HOST"):
        preflight.port_is_free("192.0.2.1", 8000)


def test_private_ports_lie_outside_the_range_of_outgoing_connections() -> None:
    linux_default = 32_768
    assert all(1024 < ports.free_port() < linux_default for _ in range(50))


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100 * 2**20))
    with pytest.raises(CannotStart, match=r"has 100 MB left, and TLOI needs 300 MB .*TLOI_DATA_DIR"):
        preflight.disk_has_room(tmp_path)


@pytest.mark.parametrize(
    ("system", "machine", "sentence"),
    [("win32", "AMD64", "use WSL"), ("linux", "riscv64", "DATABASE_URL"), ("freebsd14", "x86_64", "DATABASE_URL")],
)
def test_an_unsupported_platform_is_told(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, sentence: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(CannotStart, match=sentence):
        preflight.platform_fits(private_servers=True)


def test_any_unix_will_do_with_servers_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    preflight.platform_fits(private_servers=False)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match=r"cannot be written \(Not a directory\); set TLOI_DATA_DIR"):
        open_data_dir(tmp_path / "file" / "data")


def test_a_new_data_folder_keeps_its_secret_to_itself(tmp_path: Path) -> None:
    open_data_dir(tmp_path / "new" / "data")
    assert (tmp_path / "new" / "data").stat().st_mode & 0o066 == 0
    assert (tmp_path / "new" / "data" / "secret-key").stat().st_mode & 0o777 == 0o600
    secret = (tmp_path / "new" / "data" / "secret-key").read_text()
    open_data_dir(tmp_path / "new" / "data")
    assert (tmp_path / "new" / "data" / "secret-key").read_text() == secret
    assert len(secret) >= 50


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o750)
    open_data_dir(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o750
