"""LiteLLM posts to `/api/v1/litellm/`: in each of its formats, twice, with bad payloads, and with hostile bodies."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

from telemetry.access.keys import create_key
from telemetry.models import Call, Project
from tests.api_calls import NOTHING, ask, usage
from tests.hostile_bodies import bad_body, names_of_bad_bodies
from tests.litellm_payloads import CALL_ID, payload

LITELLM = "/api/v1/litellm/"
ONE, TWO = json.dumps(payload()).encode(), json.dumps(payload(id="x", litellm_call_id="f" * 32)).encode()
SLOWEST_S = 2.0


def post(web: str, key: str, body: bytes, **headers: str) -> dict[str, Any]:
    answer = ask(web, "POST", LITELLM, key=key, body=body, headers=headers)
    assert answer.status == 200, answer.content
    said: dict[str, Any] = answer.json
    return said


def receipt(**fields: Any) -> dict[str, Any]:
    return {**NOTHING, "ignored": 0, **fields}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"[" + ONE + b", " + TWO + b"]", {"Content-Type": "application/json"}),
        (ONE + b"\n" + TWO, {"Content-Type": "application/json"}),
        (ONE + b"\n" + TWO, {"Content-Type": "application/x-ndjson"}),
        (gzip.compress(b"[" + ONE + b"," + TWO + b"]"), {"Content-Encoding": "gzip"}),
    ],
    ids=["json_array", "ndjson", "ndjson that says so", "gzip"],
)
def test_each_of_its_formats_is_taken_and_counted_once(
    web: str, key: str, body: bytes, headers: dict[str, str]
) -> None:
    assert post(web, key, body, **headers) == receipt(accepted=2)
    assert post(web, key, body, **headers) == receipt(duplicates=2)
    assert post(web, key, ONE) == receipt(duplicates=1)
    total = usage(web, key)["total"]
    assert (total["calls"], total["input_uncached"], total["cache_read"], total["output"]) == (2, 40, 16_000, 100)
    assert total["cost_usd"] == "0.00957"


def test_the_call_bears_its_source_and_nothing_of_what_was_said(web: str, key: str, project: Project) -> None:
    post(web, key, ONE)
    row = Call.objects.filter(project_id=project.pk).values().get()
    assert (row["source"], row["model"], row["session_id"]) == ("litellm", "claude-sonnet-4-5-20250929", "sess-1")
    assert "secret" not in str(row)


def test_what_is_no_call_is_ignored_and_told(web: str, key: str) -> None:
    hit = payload(cache_hit=True, response_cost=0.0)
    failed = payload(status="failure", prompt_tokens=0, completion_tokens=0, response_cost=0.0)
    assert post(web, key, json.dumps([hit, failed]).encode()) == receipt(ignored=2)
    assert usage(web, key)["total"]["calls"] == 0


def test_a_bad_payload_is_refused_with_a_reason_and_the_others_are_stored(web: str, key: str) -> None:
    bad = payload(startTime=None, id="bad")
    said = post(web, key, json.dumps([payload(), bad, payload(cache_hit=True), 7]).encode())
    assert (said["accepted"], said["ignored"]) == (1, 1)
    assert [(one["index"], one["id"]) for one in said["rejected"]] == [(1, "bad"), (3, "")]
    assert "startTime" in said["rejected"][0]["reason"]


def test_only_bad_payloads_are_a_bad_request(web: str, key: str) -> None:
    answer = ask(web, "POST", LITELLM, key=key, body=json.dumps([payload(model="")]).encode())
    assert (answer.status, len(answer.json["rejected"])) == (400, 1)


def test_a_cost_beyond_belief_is_refused_with_its_place(web: str, key: str) -> None:
    body = json.dumps([payload(), payload(litellm_call_id="f" * 32, id="", response_cost=float("nan"))]).encode()
    said = post(web, key, body)
    assert (said["accepted"], [one["index"] for one in said["rejected"]]) == (1, [1])


def test_a_long_conversation_is_no_matter(web: str, key: str) -> None:
    assert post(web, key, json.dumps([payload(messages="x" * 2_000_000)]).encode()) == receipt(accepted=1)


def test_without_a_key_or_with_one_that_may_only_read_nothing_is_taken(web: str, key: str, project: Project) -> None:
    assert ask(web, "POST", LITELLM, body=ONE).status == 401
    reader = create_key(project, name="reader", scopes=["read"])
    assert ask(web, "POST", LITELLM, key=reader, body=ONE).status == 403
    assert usage(web, key)["total"]["calls"] == 0


@pytest.mark.corpus
@pytest.mark.parametrize("name", names_of_bad_bodies())
def test_a_hostile_body_is_refused_soon_and_with_a_reason(web: str, key: str, name: str) -> None:
    body, headers = bad_body(name)
    begin = time.monotonic()
    answer = ask(web, "POST", LITELLM, key=key, body=body, headers=headers)
    assert time.monotonic() - begin < SLOWEST_S
    assert answer.status in (400, 413, 415), answer.content[:200]
    said = answer.json
    reasons = [said["error"]["message"]] if "error" in said else [one["reason"] for one in said["rejected"]]
    assert reasons
    assert all(len(reason) > 10 for reason in reasons)


def test_the_openapi_document_names_the_address(web: str, key: str) -> None:
    document = ask(web, "GET", "/api/schema/?format=json").json
    assert document["paths"][LITELLM]["post"]["requestBody"]["content"].keys() == {
        "application/json",
        "application/x-ndjson",
    }


def test_the_id_is_litellms_own(web: str, key: str) -> None:
    post(web, key, ONE)
    again = payload(id=None, completion_tokens=60)
    assert post(web, key, json.dumps(again).encode()) == receipt(duplicates=1)
    assert usage(web, key)["total"]["output"] == 60
    assert again["litellm_call_id"] == CALL_ID
