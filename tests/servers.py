"""A pytest plugin: private servers for the run, unless the three addresses are set.

Loaded by `-p tests.servers` before Django reads its settings, so the settings are the ordinary ones.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tloi_site import assets
from tloi_site.embedded import CannotStart, servers
from tloi_site.embedded.private_files import open_data_dir

_running = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start what is missing; pytest-django, which imports the settings, comes after a wrapper."""
    options = early_config.known_args_namespace
    if not (options.help or options.version or options.collectonly):
        data_dir = _running.enter_context(folder_for_servers())
        os.environ["TLOI_DATA_DIR"] = str(data_dir)
        open_data_dir(data_dir)
        (data_dir / "static").mkdir()  # WhiteNoise warns where it is missing
        try:
            _running.enter_context(servers.private(data_dir, print))
        except CannotStart as error:
            raise pytest.UsageError(str(error)) from error
        _let_commits_wait(False)
    return (yield)


def pytest_unconfigure() -> None:
    """Stop them when the last report is written."""
    _running.close()


@pytest.fixture(scope="module")
def durable() -> Generator[None]:
    """The run's PostgreSQL as an operator's has to be."""
    _let_commits_wait(True)
    yield
    _let_commits_wait(False)


def _let_commits_wait(do: bool) -> None:
    """Whether commits of the run's own PostgreSQL wait for the disk. No test needs that, since none cuts the power, and
    a run has tens of thousands of them."""
    if not (Path(os.environ["TLOI_DATA_DIR"]) / "postgres").exists():
        return  # DATABASE_URL was set
    wanted = "on" if do else "off"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        for name in ("fsync", "full_page_writes"):
            server.execute(SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), wanted))
        server.execute("SELECT pg_reload_conf()")
    found = ""
    while found != wanted:
        with psycopg.connect(os.environ["DATABASE_URL"]) as server:
            (found,) = server.execute("SHOW full_page_writes").fetchone() or ("",)


@pytest.fixture(scope="session")
def static_files() -> None:
    """Collect static files once a run, for tests that render a page."""
    assets.collect()


@pytest.fixture
def data_dir(monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A data folder of the test's own, where the addresses of the run's servers are not known."""
    for name in servers.ADDRESSES:
        monkeypatch.delenv(name)
    with folder_for_servers() as folder:
        monkeypatch.setenv("TLOI_DATA_DIR", str(folder))
        open_data_dir(folder)
        yield folder


@contextmanager
def folder_for_servers() -> Generator[Path]:
    """An empty folder that another account may pass through: as root, PostgreSQL runs under one."""
    folder = Path(tempfile.mkdtemp(prefix="tloi-tests-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        elsewhere = (folder / "postgres").resolve().parent  # where the temporary folder itself is closed to it
        for path in {folder, elsewhere}:
            shutil.rmtree(path, ignore_errors=True)
