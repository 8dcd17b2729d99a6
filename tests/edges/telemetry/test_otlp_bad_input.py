"""Hostile OTLP and webhooks: no 5xx, each answered within a second, in bounded memory, and good records beside a bad
one are stored wherever the encoding lets a reader find them."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api_calls import Server, ask, own_server, timed, usage
from tests.hostile_bodies import DEEP, DEEP_OBJECT, NOT_A_COST
from tests.hostile_otlp import (
    BAD_PROTOBUF,
    JSON,
    NUMBERS,
    PROTOBUF,
    TEXTS,
    bad_bodies,
    bad_json,
    body_of,
    good,
    good_protobuf,
    protobuf_of,
)
from tests.litellm_payloads import NOON_S, payload

SLOWEST_S = 1.0
MOST_MIB = 64
JSON_RECORDS = {f"{signal}: {name}": (signal, record) for name, signal, record in bad_json()}
LITELLM = "/api/v1/litellm/"


def _bad_payloads() -> Iterator[tuple[str, str]]:
    counts = {"prompt_tokens": NUMBERS, "completion_tokens": NUMBERS, "startTime": NUMBERS, "endTime": NUMBERS}
    for field, texts in {**counts, "response_cost": NOT_A_COST, "model": tuple(TEXTS.values())}.items():
        yield from ((f"{field} is {text[:30]}", f'"{field}": {text}') for text in texts)
    for name, text in {**TEXTS, "deep": DEEP, "deep objects": DEEP_OBJECT, "NaN": "NaN"}.items():
        for field in ("litellm_call_id", "metadata", "messages", "custom_llm_provider"):
            yield f"{field} is {name}", f'"{field}": {text}'
    yield "a field stands there twice", '"model": "a", "model": "b"'
    yield "a comma too many", '"a": 1,'


PAYLOADS = dict(_bad_payloads())


@pytest.fixture(scope="module")
def alone(static_files: None, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one process, whose memory can be watched; what it could not answer is in its log."""
    log = tmp_path_factory.mktemp("alone") / "web.log"
    with own_server(log, TLOI_RATE_LIMIT="1000000") as server:
        yield server
    assert "Traceback" not in log.read_text()


def both_are_stored(server: Server, key: str, *models: str) -> bool:
    """Whether one call of each model is counted."""
    return all(usage(server.address, key, model=model)["total"]["calls"] == 1 for model in models)


def neighbours() -> tuple[str, str]:
    """The models of two good records, which nobody else sends."""
    name = uuid.uuid4().hex
    return f"before {name}", f"after {name}"


def test_the_corpus_is_large() -> None:
    assert len(JSON_RECORDS) + len(BAD_PROTOBUF) + len(bad_bodies()) + len(PAYLOADS) > 400


@pytest.mark.corpus
@pytest.mark.parametrize("name", JSON_RECORDS)
def test_good_records_beside_a_bad_one_in_json_are_stored(alone: Server, key: str, name: str) -> None:
    signal, record = JSON_RECORDS[name]
    before, after = neighbours()
    body = body_of(signal, good(signal, before), record, good(signal, after))
    answer = timed(alone, key, f"/v1/{signal}", body, JSON, most_s=SLOWEST_S)
    assert answer.status == 200, answer.content
    partial = answer.json.get("partialSuccess", {})
    assert all(count in ("0", "1") for field, count in partial.items() if field.startswith("rejected"))
    assert bool(partial.get("errorMessage")) == bool(partial)
    assert both_are_stored(alone, key, before, after)


@pytest.mark.parametrize("name", BAD_PROTOBUF)
def test_good_records_beside_a_bad_one_in_protobuf_are_stored(alone: Server, key: str, name: str) -> None:
    before, after = neighbours()
    body = protobuf_of(good_protobuf(before), BAD_PROTOBUF[name], good_protobuf(after))
    answer = timed(alone, key, "/v1/logs", body, PROTOBUF, most_s=SLOWEST_S)
    assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF["Content-Type"])
    assert both_are_stored(alone, key, before, after)


@pytest.mark.corpus
@pytest.mark.parametrize("name", bad_bodies())
def test_a_body_that_is_bad_as_a_whole_is_refused_with_a_reason_and_stores_nothing(
    alone: Server, key: str, name: str
) -> None:
    body, headers = bad_bodies()[name]()
    answer = timed(alone, key, "/v1/logs", body, headers, most_s=SLOWEST_S)
    assert answer.status in (400, 413, 415), answer.content[:200]
    assert len(answer.content) > 20
    assert usage(alone.address, key, model="whole")["total"]["calls"] == 0


@pytest.mark.corpus
@pytest.mark.parametrize("name", PAYLOADS)
def test_good_payloads_beside_a_bad_one_are_stored(alone: Server, key: str, name: str) -> None:
    models = neighbours()
    first, last = (json.dumps(payload(model=model, id=model, litellm_call_id="")) for model in models)
    bad = json.dumps(payload(model="bad", startTime=NOON_S))[:-1]
    body = f"[{first}, {bad}, {PAYLOADS[name]}}}, {last}]".encode("utf-8", "surrogatepass")
    answer = timed(alone, key, LITELLM, body, JSON, most_s=SLOWEST_S)
    assert answer.status == 200, answer.content
    assert len(answer.json["rejected"]) <= 1
    assert both_are_stored(alone, key, *models)


CHUNKS = {
    "a size that is no number": b"xyz\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nabcde\r\n0\r\n\r\n",
    "a size beyond all memory": b"ffffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a chunk that is too short": b"a\r\nabc\r\n0\r\n\r\n",
    "no end": b"3\r\nabc\r\n",
    "raw JSON": b'{"resourceLogs": []}',
    "NUL": bytes(100),
    "a long extension": b"3;" + b"x" * 100_000 + b"\r\nabc\r\n0\r\n\r\n",
    "an empty body": b"0\r\n\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_garbage_in_chunks_is_the_senders_fault_and_hurts_nobody(alone: Server, key: str, name: str) -> None:
    head = f"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    place = urlsplit(alone.address)
    with socket.create_connection((place.hostname, place.port or 80), timeout=5) as wire:
        wire.sendall(head.encode() + CHUNKS[name])
        wire.shutdown(socket.SHUT_WR)
        status = wire.recv(100).split(b" ")[1:2]
    assert status in ([], [b"400"])  # granian hangs up where HTTP itself is broken
    before, after = neighbours()
    body = body_of("logs", good("logs", before), good("logs", after))
    assert timed(alone, key, "/v1/logs", body, JSON, most_s=SLOWEST_S).status == 200
    assert both_are_stored(alone, key, before, after)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not say what a process holds")
def test_large_bodies_leave_no_more_than_64_mib_behind(alone: Server, key: str) -> None:
    large = [
        make for name, make in bad_bodies().items() if any(word in name for word in ("MiB", "bomb", "million", "00"))
    ]
    ask(alone.address, "POST", "/v1/logs", key=key, body=b"{}", headers=JSON)
    before = alone.resident_mib()
    for make in large * 2:
        body, headers = make()
        assert ask(alone.address, "POST", "/v1/logs", key=key, body=body, headers=headers).status in (400, 413)
    assert alone.resident_mib() - before < MOST_MIB
