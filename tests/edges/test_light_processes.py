"""The processes that stay for days hold what they need, and share what they can."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tloi_site import worker
from tloi_site.embedded.site import ROOT
from tloi_site.embedded.supervisor import woken_by_children

HEAVY = {"celery", "django.db", "genai_prices", "plotly", "psycopg", "redis", "rest_framework", "rich", "tiktoken"}


def loaded_by(module: str) -> set[str]:
    """The modules that a module brings into a process of its own."""
    script = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_the_supervisor_holds_neither_django_nor_a_client_of_a_server() -> None:
    assert loaded_by("tloi_site.program, tloi_site.up") & HEAVY == set()


def test_beat_holds_neither_celery_nor_a_client_of_the_broker() -> None:
    assert loaded_by("tloi_site.beat") & (HEAVY | {"ssl"}) == set()


def test_what_is_heavy_is_seen() -> None:
    assert loaded_by("tloi_site.celery") & HEAVY >= {"celery", "django.db"}


def test_a_web_process_has_no_tokenizer_until_somebody_counts() -> None:
    assert "tiktoken" not in loaded_by("tloi_site.wsgi, tloi_site.urls, telemetry.outlook.tokens")


def test_a_web_process_is_without_what_is_needless_until_somebody_wants_it() -> None:
    script = (
        "import json, sys; from tloi_site import web; web.load();"
        " found = [name for name in web._NEEDLESS if name in sys.modules]; import requests; print(json.dumps(found))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
    assert loaded_by("tloi_site.wsgi, tloi_site.urls") >= {"pygments", "requests"}


def test_up_with_a_word_it_does_not_know_starts_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--verbosity", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "`tloi up` takes no options" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_a_worker_loaded_is_frozen_once_before_it_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[int] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    monkeypatch.setattr(gc, "get_freeze_count", lambda: len(frozen))
    worker.share_what_is_loaded(sender=None, signal=None)
    worker.share_what_is_loaded(sender=None, signal=None)
    assert frozen == [1]


def test_the_end_of_a_child_wakes_at_once_and_quiet_lasts_as_long_as_it_was_asked_to() -> None:
    with woken_by_children() as wait, subprocess.Popen(["/bin/sh", "-c", "sleep 0.2"]):
        began = time.monotonic()
        wait(30)
        assert time.monotonic() - began < 10
        began = time.monotonic()
        wait(0.3)
        assert time.monotonic() - began >= 0.3


def test_a_child_that_ended_before_the_wait_is_not_missed() -> None:
    with woken_by_children() as wait:
        subprocess.run(["/bin/true"], check=True)
        began = time.monotonic()
        wait(30)
        assert time.monotonic() - began < 10
