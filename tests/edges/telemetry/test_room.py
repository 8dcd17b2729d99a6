"""A disk that is nearly full: what is sent in is refused before PostgreSQL is in need, and everything else goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from telemetry import facade

pytestmark = pytest.mark.usefixtures("project")

SENT = {
    "/api/v1/calls/": [{"id": "c", "started_at": "2025-10-24T12:00:00Z", "model": "m", "output": 1}],
    "/api/v1/executions/": [{"id": "e", "started_at": "2025-10-24T12:00:00Z"}],
    "/api/v1/litellm/": [],
    "/v1/traces": {"resourceSpans": []},
    "/v1/logs": {"resourceLogs": []},
    "/v1/metrics": {"resourceMetrics": []},
    "/otlp/v1/traces": {"resourceSpans": []},
}


@pytest.fixture
def full(settings: Settings, tmp_path: Path) -> None:
    """As if the disk of the database had less left than it must have."""
    settings.POSTGRES_FOLDERS = [tmp_path]
    settings.LEAST_FREE_BYTES = 2**60


def post(path: str, key: str) -> Any:
    """Send what that address takes."""
    headers = {"Authorization": f"Bearer {key}"}
    return Client().post(path, json.dumps(SENT[path]), content_type="application/json", headers=headers)


@pytest.mark.parametrize("path", SENT)
@pytest.mark.usefixtures("full")
def test_whatever_is_sent_in_is_put_off(path: str, key: str) -> None:
    answer = post(path, key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "no_room"


@pytest.mark.usefixtures("full")
def test_protobuf_is_put_off_in_protobuf(key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    answer = Client().post("/v1/traces", b"\x0a\x00", content_type="application/x-protobuf", headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert b"nearly full" in answer.content


@pytest.mark.usefixtures("full")
def test_questions_are_answered_and_a_wrong_key_is_told_so(key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert Client().get("/api/v1/usage/", headers=headers).status_code == 200
    assert post("/api/v1/calls/", key + "x").status_code == 401


@pytest.mark.usefixtures("full")
def test_there_is_room_again_at_once(key: str, settings: Settings) -> None:
    assert post("/api/v1/calls/", key).status_code == 503
    settings.LEAST_FREE_BYTES = 1
    assert post("/api/v1/calls/", key).json()["accepted"] == 1


@pytest.mark.usefixtures("full")
def test_no_limit_is_no_limit(key: str, settings: Settings) -> None:
    settings.LEAST_FREE_BYTES = 0
    assert post("/api/v1/calls/", key).status_code == 200


@pytest.mark.usefixtures("full")
def test_a_folder_that_is_not_there_is_no_full_disk(key: str, settings: Settings, tmp_path: Path) -> None:
    settings.POSTGRES_FOLDERS = [tmp_path / "gone"]
    assert facade.disks() == {}
    assert post("/api/v1/calls/", key).status_code == 200


def test_the_disk_of_the_private_postgresql_is_known(settings: Settings) -> None:
    if not (settings.DATA_DIR / "postgres-password").exists():
        pytest.skip("DATABASE_URL names a server of somebody else's")
    (free, size) = facade.disks()[settings.DATA_DIR / "postgres"]
    disk = os.statvfs(settings.DATA_DIR)
    assert size == disk.f_blocks * disk.f_frsize
    assert 0 < free <= size
