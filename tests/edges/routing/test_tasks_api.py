"""Tasks by HTTP: asked, read, cancelled, and told to a callback."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from routing.errands import shelf, telling
from routing.models import Errand
from telemetry.access import keys
from telemetry.models import Project
from tests.alerting import Receiver, receiver

URL = "/api/v1/tasks/"
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def key(project: Project) -> str:
    return keys.create_key(project, name="agent", scopes=["gateway"])


@pytest.fixture
def listener(settings: Settings) -> Iterator[Receiver]:
    with receiver() as found:
        settings.ALLOW_PRIVATE_WEBHOOKS = frozenset({found.place})
        yield found


def ask(key: str, *, method: str = "POST", url: str = URL, **said: Any) -> Answer:
    body = json.dumps({"type": "summary", "prompt": "Say it.", **said})
    response = Client().generic(
        method, url, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )
    return response.status_code, json.loads(response.content)


def done(errand_id: str) -> Errand:
    """As a worker leaves it."""
    Errand.objects.exclude(pk=errand_id).filter(state="waiting").update(state="cancelled")
    taken = shelf.take()
    assert taken is not None
    assert shelf.finish(taken.lease, answer={"text": "It."})
    return Errand.objects.get(pk=errand_id)


def test_a_task_is_taken_read_and_has_its_answer_when_it_is_done(key: str) -> None:
    status, asked = ask(key)
    assert (status, asked["state"], asked["answer"]) == (202, "waiting", None)
    done(asked["id"])
    status, told = ask(key, method="GET", url=f"{URL}{asked['id']}/")
    assert (status, told["state"], told["answer"]) == (200, "done", {"text": "It."})


def test_the_same_idempotency_key_gives_the_same_task_and_another_body_under_it_a_conflict(key: str) -> None:
    (first, one), (again, same) = (ask(key, idempotency_key="k") for _ in range(2))
    assert (first, again) == (202, 200)
    assert one["id"] == same["id"]
    status, told = ask(key, idempotency_key="k", prompt="Say something else.")
    assert (status, told["error"]["code"]) == (409, "other_task")


def test_a_task_is_cancelled_and_stays_so(key: str) -> None:
    _, asked = ask(key)
    for _ in range(2):
        status, told = ask(key, method="DELETE", url=f"{URL}{asked['id']}/")
        assert (status, told["state"]) == (200, "cancelled")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"calback": "https://a.example"}, "bad_task"),
        ({"callback": "http://127.0.0.1:9/"}, "bad_task"),
        ({"callback": "https://user:word@a.example/"}, "bad_task"),
        ({"prompt": ""}, "bad_task"),
    ],
)
def test_a_task_that_cannot_be_done_so_is_refused_with_the_reason(key: str, said: dict[str, Any], code: str) -> None:
    status, told = ask(key, **said)
    assert (status, told["error"]["code"]) == (400, code)


def test_a_task_that_is_none_of_the_projects_is_not_there(key: str) -> None:
    status, told = ask(key, method="GET", url=f"{URL}{uuid.uuid4()}/")
    assert (status, told["error"]["code"]) == (404, "not_found")


def test_a_callback_is_told_once_signed_with_what_the_key_makes(key: str, listener: Receiver) -> None:
    _, asked = ask(key, callback=listener.address)
    errand = done(asked["id"])
    assert "canary" not in errand.callback, "an address is a secret"
    now = datetime.now(UTC) + timedelta(seconds=1)
    assert telling.call_back(now=now) >= 1
    telling.call_back(now=now + timedelta(days=1))
    (post,) = listener.posts
    assert (post.document["id"], post.document["answer"]) == (asked["id"], {"text": "It."})
    assert post.headers["Idempotency-Key"] == asked["id"]
    secret = hmac.new(key.encode(), b"tloi callback", hashlib.sha256).hexdigest()
    at, signed = (part.partition("=")[2] for part in post.headers["X-TLOI-Signature"].split(","))
    assert signed == hmac.new(secret.encode(), f"{at}.".encode() + post.body, hashlib.sha256).hexdigest()
    assert ask(key, method="GET", url=f"{URL}{asked['id']}/")[1]["callback_status"] == "arrived"


def test_a_callback_that_fails_is_tried_again_later_and_says_why(key: str, listener: Receiver) -> None:
    listener.status = 503
    _, asked = ask(key, callback=listener.address)
    done(asked["id"])
    now = datetime.now(UTC) + timedelta(seconds=1)
    telling.call_back(now=now)
    errand = Errand.objects.get(pk=asked["id"])
    assert errand.callback_status.startswith("503")
    assert errand.call_back_at == now + timedelta(seconds=30)
    listener.status = 200
    telling.call_back(now=now + timedelta(seconds=30))
    assert len(listener.posts) == 2


def test_a_callback_that_leads_to_a_private_address_is_never_sent(
    key: str, listener: Receiver, settings: Settings
) -> None:
    _, asked = ask(key, callback=listener.address)
    done(asked["id"])
    settings.ALLOW_PRIVATE_WEBHOOKS = frozenset()
    telling.call_back(now=datetime.now(UTC) + timedelta(seconds=1))
    assert listener.posts == []
    assert "https://" in Errand.objects.get(pk=asked["id"]).callback_status
