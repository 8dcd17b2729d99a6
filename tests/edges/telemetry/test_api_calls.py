"""Calls come in as one object, an array or a line each, packed or not, in one piece or in chunks, and count once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from telemetry.contracts import Call as CallRecord
from telemetry.models import Call, Project, Quarantined
from tests.api_calls import CALLS, NOON, NOTHING, ask, call, packed, send, usage

LINES = {"Content-Type": "application/x-ndjson"}
GZIP = {"Content-Encoding": "gzip"}
ONE, TWO = json.dumps(call("one")).encode(), json.dumps(call("two")).encode()
ARRAY = b"[" + ONE + b", " + TWO + b"]"
NDJSON = ONE + b"\n" + TWO + b"\n"
FRAMINGS: dict[str, tuple[bytes, dict[str, str], int]] = {
    "one object": (ONE, {}, 1),
    "one object over several lines": (json.dumps(call("one"), indent=2).encode(), {}, 1),
    "an array": (ARRAY, {}, 2),
    "an array of a JSON client": (ARRAY, {"Content-Type": "application/json; charset=utf-8"}, 2),
    "an array sent by curl -d": (ARRAY, {"Content-Type": "application/x-www-form-urlencoded"}, 2),
    "an array without a content type": (ARRAY, {"Content-Type": ""}, 2),
    "an array after a byte order mark": (b"\xef\xbb\xbf" + ARRAY, {}, 2),
    "lines": (NDJSON, LINES, 2),
    "lines of Windows with gaps": (b"\r\n" + ONE + b"\r\n\r\n  " + TWO, LINES, 2),
    "lines called jsonl": (NDJSON, {"Content-Type": "application/jsonl"}, 2),
    "lines without a content type": (NDJSON, {}, 2),
    "lines called JSON": (NDJSON, {"Content-Type": "application/json"}, 2),
    "gzip": (packed(ARRAY), GZIP, 2),
    "x-gzip": (packed(ARRAY), {"Content-Encoding": "X-GZip"}, 2),
    "gzip of lines": (packed(NDJSON), LINES | GZIP, 2),
    "gzip in two members": (packed(ONE + b"\n") + packed(TWO), LINES | GZIP, 2),
    "identity": (ARRAY, {"Content-Encoding": "identity"}, 2),
    "an empty array": (b"[]", {}, 0),
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_calls_come_in(web: str, key: str, framing: str) -> None:
    body, headers, count = FRAMINGS[framing]
    answer = ask(web, "POST", CALLS, key=key, body=body, headers=headers)
    assert (answer.status, answer.json) == (200, NOTHING | {"accepted": count})
    assert answer.headers["content-type"] == "application/json"
    assert usage(web, key)["total"]["calls"] == count


@pytest.mark.parametrize("framing", ["an array", "lines", "gzip"])
def test_a_chunked_body_comes_in_like_any_other(web: str, key: str, framing: str) -> None:
    body, headers, count = FRAMINGS[framing]
    pieces = [body[place : place + 7] for place in range(0, len(body), 7)]
    answer = ask(web, "POST", CALLS, key=key, body=iter(pieces), headers=headers)
    assert (answer.status, answer.json) == (200, NOTHING | {"accepted": count})


def test_a_chunked_body_is_awaited_to_its_end(web: str, key: str) -> None:
    def slowly() -> Iterator[bytes]:
        for piece in (b"[", ONE, b",", TWO, b"]"):
            yield piece
            time.sleep(0.1)

    assert ask(web, "POST", CALLS, key=key, body=slowly()).json == NOTHING | {"accepted": 2}


def test_a_chunked_body_may_be_empty(web: str, key: str) -> None:
    answer = ask(web, "POST", CALLS, key=key, body=iter(()))
    assert (answer.status, answer.json["error"]["message"]) == (400, "The body is empty.")


def test_a_chunked_body_has_the_same_bound_as_any_other(web: str, key: str) -> None:
    pieces = [b" " * 2**20] * 20
    good = ask(web, "POST", CALLS, key=key, body=iter([*pieces[1:], ARRAY]))
    assert (good.status, good.json["accepted"]) == (200, 2)
    assert ask(web, "POST", CALLS, key=key, body=iter([*pieces, ARRAY])).status == 413


def test_the_same_calls_again_add_nothing(web: str, key: str) -> None:
    calls = [call(f"again-{n}", input_uncached=n) for n in range(50)]
    assert send(web, key, calls) == NOTHING | {"accepted": 50}
    before = usage(web, key)
    for same in (calls, calls[::-1], calls + calls):
        assert send(web, key, same) == NOTHING | {"duplicates": len(same)}
    assert usage(web, key) == before


def test_of_two_copies_the_fuller_counts(web: str, key: str) -> None:
    send(web, key, call("grows", output=3))
    assert send(web, key, call("grows", output=10, agent="late"))["duplicates"] == 1
    assert send(web, key, call("grows", output=7))["duplicates"] == 1
    rows = usage(web, key, by="agent")["rows"]
    assert [(row["agent"], row["output"]) for row in rows] == [("late", 10)]


def test_a_call_without_an_id_is_the_same_call_whatever_stands_beside_it(web: str, key: str) -> None:
    text = f'{{"started_at": "{NOON}", "model": "m", "cost_usd": 1.10, "attributes": {{"x": 1e2}}}}'
    assert ask(web, "POST", CALLS, key=key, body=f"[{text}]".encode()).json["accepted"] == 1
    beside_a_bad_one = ask(web, "POST", CALLS, key=key, body=f'[{text}, {{"id": "bad"}}]'.encode()).json
    assert (beside_a_bad_one["accepted"], beside_a_bad_one["duplicates"]) == (0, 1)
    assert ask(web, "POST", CALLS, key=key, body=text.encode()).json == NOTHING | {"duplicates": 1}


def test_every_field_of_a_call_is_kept(web: str, key: str, project: Project) -> None:
    labels = ["provider", "agent", "host", "session_id", "subagent_id", "session_type", "execution_id", "task_type"]
    labels += ["objective", "skill", "tier", "service_tier", "error_type"]
    buckets = ["input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output"]
    same: dict[str, Any] = {name: f"its {name} é" for name in labels} | {"duration_ms": 10**12, "ttft_ms": 7}
    same |= {name: 2**53 - place for place, name in enumerate([*buckets, "reasoning"])}
    sent = same | {"id": "req_011Full", "started_at": "2025-10-24T14:00:00.123456+02:00", "model": "m"}
    sent |= {"cost_usd": "0.000000123", "cost_kind": "provider", "quality": ["ttl_unknown", "no_request_id"]}
    sent |= {"attributes": {"nested": {"list": [1, 2.5, None, True, "é"]}}, "aliases": ["msg_1"], "likeness": "alike"}
    assert sent.keys() == set(CallRecord.__struct_fields__)
    assert send(web, key, sent) == NOTHING | {"accepted": 1}
    kept = Call.objects.get(project_id=project.pk)
    assert {name: getattr(kept, name) for name in same} == same
    assert kept.started_at == datetime(2025, 10, 24, 12, 0, 0, 123456, tzinfo=UTC)
    assert (kept.request_key, kept.model, kept.source) == ("req_011Full", "m", "api")
    assert (kept.cost_reported_nanousd, kept.cost_kind, kept.quality) == (123, "provider", 0b1010)
    assert kept.attributes == sent["attributes"]
    for other_name in ({"id": "msg_1"}, {"id": "req_other", "aliases": ["msg_1"]}):
        assert send(web, key, {**call("x"), **other_name}) == NOTHING | {"duplicates": 1}


def test_fields_that_are_not_known_are_kept_as_attributes(web: str, key: str, project: Project) -> None:
    sent = call("odd", attributes={"a": 1, "colour": "red"}, colour="blue", trace={"span": [7]}, agent=None)
    assert send(web, key, [sent]) == NOTHING | {"accepted": 1}
    kept = Call.objects.get(project_id=project.pk)
    assert kept.attributes == {"a": 1, "colour": "blue", "trace": {"span": [7]}}
    assert kept.agent == ""


def test_a_backslash_before_u0000_is_no_nul(web: str, key: str, project: Project) -> None:
    assert send(web, key, call("slashed", agent="a\\u0000b")) == NOTHING | {"accepted": 1}
    assert Call.objects.get(project_id=project.pk).agent == "a\\u0000b"


def test_of_a_name_that_is_said_twice_the_last_counts(web: str, key: str, project: Project) -> None:
    body = json.dumps(call("twice")).replace('"output": 1', '"output": 1, "output": 2').encode()
    assert ask(web, "POST", CALLS, key=key, body=body).json == NOTHING | {"accepted": 1}
    assert ask(web, "POST", CALLS, key=key, body=b"[" + body + b", 0]").json["duplicates"] == 1
    assert Call.objects.get(project_id=project.pk).output == 2


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "2019-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_cannot_be_believed_is_set_apart(web: str, key: str, project: Project, moment: str) -> None:
    batch = [call("good"), call("strange", started_at=moment)]
    assert send(web, key, batch) == NOTHING | {"accepted": 1, "quarantined": 1}
    assert send(web, key, batch) == NOTHING | {"duplicates": 1, "quarantined": 1}
    kept = Quarantined.objects.get(project_id=project.pk)
    assert (kept.record["id"], kept.source) == ("strange", "api")
    assert usage(web, key)["total"]["calls"] == 1


def test_ten_thousand_calls_fit_into_one_body_and_one_more_does_not(web: str, key: str) -> None:
    calls = [call(f"n{n}") for n in range(10_000)]
    assert send(web, key, calls) == NOTHING | {"accepted": 10_000}
    answer = ask(web, "POST", CALLS, key=key, body=json.dumps([*calls, call("more")]).encode())
    assert (answer.status, answer.json["error"]["code"]) == (413, "too_large")
    assert usage(web, key)["total"]["calls"] == 10_000


@pytest.mark.parametrize("cost", ["0", "0.1", "1000000", "0.000000001", "12345.678901234"])
@pytest.mark.parametrize("quote", ['"', ""])
def test_a_reported_cost_is_kept_to_the_nano_dollar(web: str, key: str, cost: str, quote: str) -> None:
    body = json.dumps(call("dear", cost_usd="COST")).replace('"COST"', f"{quote}{cost}{quote}").encode()
    assert ask(web, "POST", CALLS, key=key, body=body).json["accepted"] == 1
    assert Decimal(usage(web, key)["total"]["cost_usd"]) == Decimal(cost)
