"""What tests share: a project of their own on the real database, and a real web server on it.

Nothing is rolled back or flushed: a test sees only its own new project, which is the product's own promise.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from psycopg.sql import SQL, Identifier
from pytest_django import DjangoDbBlocker

from skills import loads
from telemetry.access import keys
from telemetry.access.projects import ensure_project
from telemetry.models import Dirty, Project, RunMark
from telemetry.series import rollups
from tloi_site.embedded.ports import free_port

pytest_plugins = (
    "tests.browsing",
    "tests.gateways",
    "tests.one_process",
    "tests.own_database",
    "tests.queueing",
    "tests.scratch_databases",
)
ROOT = Path(__file__).resolve().parent.parent
MIGRATED = "tloi_tests_migrated"
SHARED_DATA = ROOT.parent / "shared" / "data"
# An example may take as long as the machine is busy: what must be fast is measured where it is.
hypothesis.settings.register_profile("patient", deadline=None, max_examples=30)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=300)
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of each corpus of bad inputs every eighth is tried in every run, the others by `pytest -m fuzz`."""
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("corpus"):
            name = item.nodeid.partition("[")[0]
            if seen[name] % 8:
                item.add_marker(pytest.mark.fuzz)
            seen[name] += 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests that read the shared data, or need a cluster, are skipped where there is none."""
    if item.get_closest_marker("shared_data") and not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not there")
    if item.get_closest_marker("citus") and not os.environ.get("CITUS_URL"):
        pytest.skip("CITUS_URL does not name the coordinator of a Citus cluster (docs/scaling.md)")


@pytest.fixture(autouse=True)
def folds_are_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was stored is on the next page, however busy the machine is."""
    monkeypatch.setattr(rollups, "CHEAP", timedelta(minutes=1))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, migrated. pytest-django's own makes it for tests that say `django_db` only."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases=["default"])  # type: ignore[arg-type]
        with _empty_copy():
            yield
        connections.close_all()
        teardown_databases(made, verbosity=0)


@contextmanager
def _empty_copy() -> Iterator[None]:
    """Inside, there is a copy of the test database as it is now: to migrate one more takes seconds."""
    here: Any = connections["default"]
    here.close()
    here.close_pool()  # nobody may be in what is copied
    test, copy = Identifier(here.settings_dict["NAME"]), Identifier(MIGRATED)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(SQL("DROP DATABASE IF EXISTS {}").format(copy))
        server.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(copy, test))
        yield
        server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(copy))


@pytest.fixture(scope="session")
def migrated(django_db_setup: None) -> str:
    """The name of a database that has all tables and nothing in them, to be copied."""
    return MIGRATED


@pytest.fixture
def project(database: None) -> Project:
    """A new project; what is written stays, and is seen by other connections and processes."""
    return ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, with real commits."""
    with django_db_blocker.unblock():
        yield
        loads.flush()  # what waits for its thread, which may not ask a database between tests
        connections.close_all()


@pytest.fixture
def nothing_waits(database: None) -> None:
    """What other tests left marked is forgotten, else a verb of all projects would first fold and add up all that."""
    Dirty.objects.all().delete()
    RunMark.objects.all().delete()


@pytest.fixture
def key(project: Project) -> str:
    """A key of `project` that may send and read."""
    return keys.create_key(project, name="test", scopes=["ingest", "read"])


@pytest.fixture(scope="session")
def web(django_db_setup: None, static_files: None) -> Iterator[str]:
    """The address of granian, two processes, on the test database."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "granian", "tloi_site.wsgi:application", "--interface", "wsgi", "--no-ws"),
        *("--loop", "asyncio"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--blocking-threads", "4"),
    )
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": database_url()})
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def database_url() -> str:
    """DATABASE_URL of the database that pytest-django made."""
    name = connections["default"].settings_dict["NAME"]
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


def wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return when /readyz answers 200; fail after 60 s."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the web server at {address} did not become ready")
