"""Messages arrive at real servers, are tried again where nobody answers, and Overview says so where none arrives."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections
from pytest_django import Settings

from telemetry.access import sealing
from telemetry.models import AlertChannel, AlertDelivery, AlertRule, Project
from telemetry.observer.alerts import delivering
from telemetry.observer.alerts.timing import BACK_OFF, MOST_ATTEMPTS
from tests.alerting import (
    NOON,
    SECRET,
    MailServer,
    Receiver,
    anomaly,
    channel,
    deliver,
    look,
    mail_server,
    receiver,
    rule,
)
from tests.page_reading import invented_calls, store, visitor

HOSTILE = "<script>alert(1)</script> <!channel> =cmd()\r\nBcc: victim@example.org"


@pytest.fixture
def web_hook(settings: Settings) -> Iterator[Receiver]:
    """A receiver on a private address that is allowed."""
    with receiver() as box:
        settings.ALLOW_PRIVATE_WEBHOOKS = frozenset({box.place})
        settings.SITE_ADDRESS = "https://tloi.example.org"
        yield box


@pytest.fixture
def post_office(settings: Settings) -> Iterator[MailServer]:
    """A mail server, and the settings that name it."""
    with mail_server() as box:
        settings.MAIL_SERVER = {"host": "127.0.0.1", "port": box.port, "user": "", "password": "", "encryption": ""}
        settings.MAIL_FROM = "TLOI <tloi@example.org>"
        yield box


def fire(project: Project) -> None:
    """Something to tell, of a task with a hostile name."""
    rule(project)
    anomaly(project, task_id=HOSTILE)
    look(project, at=NOON)


def delivery(project: Project) -> AlertDelivery:
    return AlertDelivery.objects.get(project=project)


def test_a_webhook_is_sent_the_document_and_its_signature_verifies(project: Project, web_hook: Receiver) -> None:
    channel(project, address=web_hook.address)
    fire(project)
    deliver(at=NOON)
    (post,) = web_hook.posts
    document = post.document
    assert document["schema_version"] == 1
    assert (document["event"], document["rule"], document["subject"]) == ("firing", "anomaly", "context_bloat")
    assert document["links"][0]["url"].startswith("https://tloi.example.org/anomalies/?project=")
    assert document["facts"][0]["name"] == "<script>alert(1)</script> <!channel> =cmd() Bcc: victim@example.org"
    assert post.headers["Idempotency-Key"] == document["id"] == str(delivery(project).message_id)
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", post.headers["X-TLOI-Signature"])
    assert found is not None
    assert int(found[1]) == NOON.timestamp()
    signed = hmac.new(SECRET.encode(), found[1].encode() + b"." + post.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signed, found[2])
    changed = post.body.replace(b"high", b"none")
    assert changed != post.body
    assert hmac.new(SECRET.encode(), found[1].encode() + b"." + changed, hashlib.sha256).hexdigest() != found[2]
    one = delivery(project)
    assert (one.state, one.attempts, one.status_code) == ("sent", 1, 200)
    assert one.latency_ms is not None


@pytest.mark.parametrize("kind", ["slack", "discord", "teams"])
def test_chat_is_sent_text_and_nothing_to_act_on(project: Project, web_hook: Receiver, kind: str) -> None:
    channel(project, kind, address=web_hook.address)
    fire(project)
    deliver(at=NOON)
    (post,) = web_hook.posts
    assert b"<!channel>" not in post.body or kind == "teams"
    assert "X-TLOI-Signature" not in post.headers
    assert {"slack": "blocks", "discord": "embeds", "teams": "attachments"}[kind] in post.document
    assert delivery(project).state == "sent"


def test_an_e_mail_arrives_as_plain_text_with_one_subject(project: Project, post_office: MailServer) -> None:
    channel(project, "email", recipients="ops@example.org\nlead@example.org")
    Project.objects.filter(pk=project.pk).update(name="Shop\r\nBcc: victim@example.org")
    fire(project)
    deliver(at=NOON)
    (letter,) = post_office.letters
    assert post_office.recipients == [["ops@example.org", "lead@example.org"]]
    assert letter["Subject"] == f"[TLOI {project.slug}] Context bloat: 1 anomaly, 40,000 tokens wasted"
    assert letter["Bcc"] is None
    assert letter["Message-ID"] == f"<{delivery(project).message_id}@example.org>"
    text = letter.get_content()
    assert "<script>alert(1)</script> <!channel> =cmd() Bcc: victim@example.org: " in text
    assert "91.4:1" in text
    assert delivery(project).state == "sent"


def test_a_mail_server_that_refuses_is_asked_again(project: Project, post_office: MailServer) -> None:
    post_office.refuses = "451 try later"
    channel(project, "email", recipients="ops@example.org")
    fire(project)
    deliver(at=NOON)
    one = delivery(project)
    assert (one.state, one.status_code, one.error) == ("waiting", 451, "451: try later")
    post_office.refuses = ""
    deliver(at=NOON + BACK_OFF[0])
    assert len(post_office.letters) == 1


def test_a_mail_server_that_is_not_set_is_named(project: Project, settings: Settings) -> None:
    settings.MAIL_SERVER = None
    channel(project, "email", recipients="ops@example.org")
    fire(project)
    deliver(at=NOON)
    assert "TLOI_SMTP_URL" in delivery(project).error


def test_a_dead_channel_is_tried_six_times_and_then_shows_on_overview_until_one_arrives(
    project: Project, web_hook: Receiver, static_files: None
) -> None:
    store(project, invented_calls(3, first=NOON - timedelta(hours=3)))
    one_channel = channel(project, "slack", address=web_hook.address)
    web_hook.status, web_hook.text = 503, b"<b>over capacity</b>"
    fire(project)
    at = NOON
    for attempts, wait in enumerate((*BACK_OFF, None), start=1):
        deliver(at=at - timedelta(seconds=1))
        deliver(at=at)
        assert len(web_hook.posts) == attempts == delivery(project).attempts
        html = visitor(project).get("/", {"project": project.slug, "range": "all"}).content.decode()
        assert ("Alerts do not arrive" in html) == (wait is None)
        at += wait or timedelta()
    assert len(web_hook.posts) == MOST_ATTEMPTS
    assert len({post.body for post in web_hook.posts}) == 1
    one = delivery(project)
    assert (one.state, one.status_code, one.error) == ("failed", 503, "503: <b>over capacity</b>")
    assert "503: &lt;b&gt;over capacity&lt;/b&gt;" in html
    assert "Alerts do not arrive at ops slack" in html
    deliver(at=at + timedelta(days=2))
    assert len(web_hook.posts) == MOST_ATTEMPTS
    web_hook.status, web_hook.text = 200, b"ok"
    assert delivering.send_test(one_channel, now=at).is_sent
    assert "Alerts do not arrive" not in visitor(project).get("/", {"project": project.slug}).content.decode()


def test_overview_says_what_fires_and_links_to_it(project: Project, static_files: None) -> None:
    store(project, invented_calls(3, first=NOON - timedelta(hours=3)))
    for n, detector in enumerate(("context_bloat", "duplicate_work", "false_completion", "expensive_task")):
        anomaly(project, f"run-{n}", detector=detector, task_id=HOSTILE)
    rule(project)
    look(project, at=NOON)
    html = visitor(project).get("/", {"project": project.slug, "range": "all"}).content.decode()
    assert f'href="/anomalies/?project={project.slug}&amp;detector=context_bloat&amp;severity=high&amp;from=' in html
    assert "and 1 more" in html
    assert "<script>alert" not in html
    other = Project.objects.create(slug=f"{project.slug}-b")
    store(other, invented_calls(3, first=NOON - timedelta(hours=3)))
    assert "firing" not in visitor(other).get("/", {"project": other.slug, "range": "all"}).content.decode()


def test_a_receiver_that_asks_for_patience_is_given_it(project: Project, web_hook: Receiver) -> None:
    channel(project, address=web_hook.address)
    web_hook.status, web_hook.headers = 429, {"Retry-After": "300"}
    fire(project)
    deliver(at=NOON)
    deliver(at=NOON + timedelta(seconds=299))
    assert len(web_hook.posts) == 1
    deliver(at=NOON + timedelta(seconds=300))
    assert len(web_hook.posts) == 2


def test_two_workers_at_once_send_each_message_once(project: Project, web_hook: Receiver) -> None:
    for kind in ("webhook", "slack", "discord", "teams"):
        channel(project, kind, address=web_hook.address)
    for n, detector in enumerate(("context_bloat", "duplicate_work", "false_completion", "expensive_task")):
        anomaly(project, f"run-{n}", detector=detector)
    rule(project)
    look(project, at=NOON)
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        try:
            deliver(at=NOON)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert len(web_hook.posts) == 16
    assert AlertDelivery.objects.filter(project=project, state="sent", attempts=1).count() == 16


def test_a_worker_that_is_killed_while_it_sends_costs_one_attempt(
    project: Project, web_hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel(project, address=web_hook.address)
    fire(project)

    class Killed(BaseException):
        """What no handler catches."""

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(delivering.sending, "send", killed)  # type: ignore[attr-defined]
        with pytest.raises(Killed):
            deliver(at=NOON)
    deliver(at=NOON + BACK_OFF[0] - timedelta(seconds=1))
    assert web_hook.posts == []
    deliver(at=NOON + BACK_OFF[0])
    assert len(web_hook.posts) == 1
    assert delivery(project).attempts == 2


def test_a_last_attempt_that_was_interrupted_has_failed(project: Project) -> None:
    one_channel = channel(project)
    fire(project)
    AlertDelivery.objects.filter(project=project).update(attempts=MOST_ATTEMPTS, next_at=NOON)
    deliver(at=NOON + timedelta(minutes=2))
    assert (delivery(project).state, delivery(project).error) == ("failed", "The attempt was interrupted.")
    one_channel.refresh_from_db()
    assert one_channel.failing_since_at is not None


def test_a_channel_that_is_off_gets_nothing_and_does_not_fail(project: Project, web_hook: Receiver) -> None:
    one_channel = channel(project, address=web_hook.address)
    fire(project)
    AlertChannel.objects.filter(pk=one_channel.pk).update(is_enabled=False)
    deliver(at=NOON + timedelta(hours=1))
    assert delivery(project).state == "waiting"
    deliver(at=NOON + timedelta(days=2))
    assert (delivery(project).state, web_hook.posts) == ("failed", [])
    one_channel.refresh_from_db()
    assert one_channel.failing_since_at is None


def test_a_private_address_is_not_called_and_says_so(project: Project, web_hook: Receiver, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = frozenset()
    channel(project, address=web_hook.address.replace("http:", "https:"))
    fire(project)
    deliver(at=NOON)
    assert web_hook.posts == []
    assert "TLOI_ALLOW_PRIVATE_WEBHOOKS" in delivery(project).error
    assert "canary" not in delivery(project).error


def test_another_secret_key_is_told_of_and_breaks_nothing(
    project: Project, web_hook: Receiver, settings: Settings
) -> None:
    channel(project, address=web_hook.address)
    fire(project)
    settings.SECRET_KEY = "another one, since the data folder moved"
    deliver(at=NOON)
    assert delivery(project).error == sealing.LOST
    assert web_hook.posts == []


def test_settings_name_channels_of_every_project_but_the_demo(
    project: Project, web_hook: Receiver, settings: Settings
) -> None:
    demo = Project.objects.create(slug=f"{project.slug}-demo", is_demo=True)
    settings.ALERTING_WEBHOOK_URL = web_hook.address
    settings.ALERTING_WEBHOOK_SECRET = SECRET
    settings.SLACK_WEBHOOK_URL = f"{web_hook.address}/slack"
    anomaly(project)
    look(project, at=NOON)
    look(project, at=NOON)
    deliver(at=NOON)
    mine = [post for post in web_hook.posts if project.slug.encode() in post.body]
    assert sorted(post.path.rpartition("/")[2] for post in mine) == ["canary-secret-1234", "slack"]
    assert ["X-TLOI-Signature" in post.headers for post in mine].count(True) == 1
    assert not AlertChannel.objects.filter(project=demo).exists()
    kinds = AlertRule.objects.filter(project=project).values_list("kind", flat=True)
    assert sorted(kinds) == sorted(AlertRule.Kind.values)
    settings.ALERTING_WEBHOOK_URL = settings.SLACK_WEBHOOK_URL = ""
    anomaly(project, "run-2", at=NOON + timedelta(days=1))
    look(project, at=NOON + timedelta(days=1))
    deliver(at=NOON + timedelta(days=1))
    assert {one.error for one in AlertDelivery.objects.filter(project=project, state="waiting")} == {
        "Its setting is no longer set."
    }
