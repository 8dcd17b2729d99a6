"""Hostile bodies: each is answered soon, with a reason, never by a 5xx, and takes none of the good items with it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from django.urls import path
from pytest_django import DjangoDbBlocker, Settings
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry.access.keys import create_key
from telemetry.access.projects import ensure_project
from telemetry.contracts import Call, Execution
from telemetry.models import Call as CallRow
from telemetry.models import Project, Quarantined
from tests.api_calls import CALLS, EXECUTIONS, NOTHING, Server, ask, own_server, send, timed, usage
from tests.hostile_bodies import LINES, NOON, STRANGE_TIMES, bad_body, bad_items, harmless, names_of_bad_bodies

ITEMS = [(kind, name) for kind in (Call, Execution) for name in bad_items(kind)]
ADDRESS: Mapping[type, str] = {Call: CALLS, Execution: EXECUTIONS}
SLOWEST_S = 2.0
MOST_MIB = 64


@pytest.fixture(scope="module")
def one_key(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> str:
    """A key of a project that all bodies are sent to."""
    with django_db_blocker.unblock():
        key = create_key(ensure_project(slug=f"p{uuid.uuid4().hex[:12]}"), name="test", scopes=["ingest", "read"])
        connections.close_all()
        return key


@pytest.fixture(scope="module")
def alone(static_files: None, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one process, whose memory and time can be watched."""
    with own_server(tmp_path_factory.mktemp("alone") / "web.log") as server:
        yield server


def good(kind: type, name: str) -> str:
    return json.dumps({"started_at": NOON, "model": "m", "id" if kind is Call else "execution_id": name[:200]})


def test_the_corpus_is_large() -> None:
    assert len(ITEMS) + len(names_of_bad_bodies()) > 500


@pytest.mark.corpus
@pytest.mark.parametrize(("kind", "name"), ITEMS, ids=lambda value: getattr(value, "__name__", value))
def test_a_bad_item_is_refused_with_a_reason_and_the_good_ones_beside_it_are_stored(
    alone: Server, one_key: str, kind: type, name: str
) -> None:
    body = f"[{good(kind, f'before {name}')}, {bad_items(kind)[name]}, {good(kind, f'after {name}')}]"
    answer = timed(alone, one_key, ADDRESS[kind], body.encode(), most_s=SLOWEST_S)
    assert answer.status == 200, answer.content
    (refused,) = answer.json["rejected"]
    assert answer.json == NOTHING | {"accepted": 2, "rejected": [refused]}
    assert (refused["index"], refused["id"] in ("", "bad") or name.startswith(("id ", "execution_id "))) == (1, True)
    assert 10 < len(refused["reason"]) < 300


@pytest.mark.parametrize("kind", [Call, Execution])
def test_all_bad_lines_of_a_body_are_refused_and_all_good_ones_stored(
    alone: Server, key: str, project: Project, kind: type
) -> None:
    bad = [item for item in bad_items(kind).values() if item and "\n" not in item]
    lines = [line for n, item in enumerate(bad) for line in (good(kind, f"good {n}"), item)]
    answer = timed(alone, key, ADDRESS[kind], "\n".join(lines).encode(), LINES, most_s=SLOWEST_S)
    assert (answer.status, answer.json["accepted"]) == (200, len(bad))
    assert [one["index"] for one in answer.json["rejected"]] == list(range(1, len(lines), 2))


@pytest.mark.corpus
@pytest.mark.parametrize("name", names_of_bad_bodies())
def test_a_body_that_is_bad_as_a_whole_is_refused_with_a_reason_and_stores_nothing(
    alone: Server, web: str, key: str, name: str
) -> None:
    body, headers = bad_body(name)
    answer = timed(alone, key, CALLS, body, headers, most_s=SLOWEST_S)
    assert answer.status in (400, 413, 415), answer.content[:200]
    said = answer.json
    reasons = [said["error"]["message"]] if "error" in said else [one["reason"] for one in said["rejected"]]
    assert all(len(reason) > 10 for reason in reasons)
    assert reasons
    assert usage(web, key)["total"]["calls"] == 0


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("a bomb", 413, "unpacks to more than 20971520 bytes"),
        ("a million empty members", 413, "more than 10000 members"),
        ("gzip cut at 46", 400, "cut off"),
        ("gzip with garbage after it", 400, "not gzip"),
        ("gzip that is none", 400, "not gzip"),
        ("deflate, which is not known", 415, "'deflate' is not known"),
        ("10,001 items", 413, "more than 10000 items"),
        ("20 MiB and one byte", 413, "more than 20971520 bytes"),
        ("28 MiB", 413, "more than 20971520 bytes"),
        ("20 MiB of brackets", 413, "more than 500000 brackets"),
        ("empty", 400, "is empty"),
        ("a word", 400, "is not JSON"),
        ("an open text", 400, "cut off"),
    ],
)
def test_the_reason_says_what_to_do(web: str, one_key: str, name: str, status: int, reason: str) -> None:
    body, headers = bad_body(name)
    answer = ask(web, "POST", CALLS, key=one_key, body=body, headers=headers)
    assert answer.status == status
    assert reason in answer.json["error"]["message"]


@pytest.mark.parametrize("kind", [Call, Execution])
@pytest.mark.parametrize("moment", STRANGE_TIMES)
def test_a_time_at_the_ends_of_the_calendar_is_set_apart(alone: Server, key: str, kind: type, moment: str) -> None:
    body = f"[{good(kind, 'good')}, {good(kind, 'strange').replace(NOON, moment)}]"
    receipt = timed(alone, key, ADDRESS[kind], body.encode(), most_s=SLOWEST_S).json
    assert receipt == NOTHING | {"accepted": 1, "quarantined": 1}


def test_texts_that_look_like_an_attack_are_stored_as_they_are(web: str, key: str, project: Project) -> None:
    calls = harmless(Call)
    assert send(web, key, list(calls.values())) == NOTHING | {"accepted": len(calls)}
    assert {row.agent for row in CallRow.objects.filter(project_id=project.pk)} == set(calls)
    assert {row["model"] for row in usage(web, key)["rows"]} == set(calls)
    for text in calls:
        assert usage(web, key, agent=text)["total"]["calls"] == 1
    assert send(web, key, list(harmless(Execution).values()), path=EXECUTIONS)["accepted"] == len(calls)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not say what a process holds")
def test_bombs_leave_no_more_than_64_mib_behind(alone: Server, one_key: str) -> None:
    large = [name for name in names_of_bad_bodies() if "bomb" in name or "MiB" in name or "million" in name]
    assert ask(alone.address, "POST", CALLS, key=one_key, body=b"[]").status == 200
    before = alone.resident_mib()
    for name in large * 2:
        body, headers = bad_body(name)
        assert ask(alone.address, "POST", CALLS, key=one_key, body=body, headers=headers).status in (400, 413)
    assert alone.resident_mib() - before < MOST_MIB


class PlainSerializer(serializers.Serializer[Quarantined]):
    """What most people would write: DRF's parser and a JSON field."""

    record = serializers.JSONField()


class PlainView(APIView):
    """The negative control: keeps a record as DRF reads it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (JSONParser,)

    def post(self, request: Request) -> Response:
        """Keep one record."""
        record = PlainSerializer(data={"record": request.data})
        record.is_valid(raise_exception=True)
        digest = uuid.uuid4().bytes * 2
        kept = {"digest": digest, "reason": "plain", "source": "plain", "received_at": NOON}
        Quarantined.objects.create(project_id=0, record=record.validated_data["record"], **kept)
        return Response({})


urlpatterns = [path("plain/", PlainView.as_view())]


def test_plain_drf_fails_on_the_same_items(database: None, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)
    found = {
        client.post("/plain/", item, content_type="application/json").status_code: name
        for name, item in bad_items(Call).items()
    }
    assert {200, 400, 500} <= found.keys()
