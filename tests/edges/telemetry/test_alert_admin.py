"""Channels and rules in the stock admin: secrets go in and never come out, a test is sent, the log is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from telemetry.access import sealing
from telemetry.database import connection
from telemetry.models import Alert, AlertChannel, AlertDelivery, AlertRule, Project
from tests.alerting import NOON, SECRET, Receiver, anomaly, channel, look, receiver, rule, told
from tests.page_reading import person, visitor

CHANNELS, RULES = "/admin/telemetry/alertchannel/", "/admin/telemetry/alertrule/"
CANARY = "https://hooks.slack.com/services/T000/B000/canary-canary-canary-wxyz"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def admin(project: Project) -> Client:
    """The browser of a superuser."""
    User.objects.filter(pk=person(project).pk).update(is_staff=True, is_superuser=True)
    return visitor(project)


@pytest.fixture
def web_hook(settings: Settings) -> Iterator[Receiver]:
    """A receiver on a private address that is allowed."""
    with receiver() as box:
        settings.ALLOW_PRIVATE_WEBHOOKS = frozenset({box.place})
        yield box


def fields(project: Project, **said: str) -> dict[str, str]:
    return {"project": str(project.pk), "name": "ops", "kind": "slack", "is_enabled": "on", "address": CANARY, **said}


def of(project: Project) -> str:
    """The filter of a list of the admin: a project's own rows."""
    return f"?project__id__exact={project.pk}"


def everything_stored(project: Project) -> str:
    """All that the tables of alerts hold of a project, and the admin's own log, as text."""
    tables = ("telemetry_alertchannel", "telemetry_alertrule", "telemetry_alert", "telemetry_alertdelivery")
    rows = [
        row
        for table in tables
        for row in connection().execute(
            f"SELECT one::text FROM {table} AS one WHERE project_id = %s",
            (project.pk,),
        )
    ]
    rows += connection().execute("SELECT one::text FROM django_admin_log AS one").fetchall()
    return "\n".join(str(row) for row in rows)


def test_an_address_goes_in_and_only_its_last_four_characters_come_out(admin: Client, project: Project) -> None:
    page = admin.post(f"{CHANNELS}add/", fields(project), follow=True).content.decode()
    one = AlertChannel.objects.get(project=project)
    assert sealing.unseal(one.sealed_address) == CANARY
    pages = [page, *(admin.get(f"{CHANNELS}{path}").content.decode() for path in (of(project), f"{one.pk}/change/"))]
    pages.append(admin.get(f"{CHANNELS}{one.pk}/history/").content.decode())
    assert not any("canary" in html for html in pages)
    assert "…wxyz" in pages[1]
    assert "canary" not in everything_stored(project)
    assert one.sealed_address in everything_stored(project)  # so it would have been found


def test_what_is_left_empty_is_kept(admin: Client, project: Project) -> None:
    admin.post(f"{CHANNELS}add/", fields(project))
    one = AlertChannel.objects.get(project=project)
    answer = admin.post(f"{CHANNELS}{one.pk}/change/", fields(project, name="night", address=""))
    assert answer.status_code == 302
    one.refresh_from_db()
    assert (one.name, sealing.unseal(one.sealed_address)) == ("night", CANARY)


def test_a_webhook_gets_a_signing_secret_that_is_shown_once(admin: Client, project: Project) -> None:
    said = fields(project, kind="webhook", address="https://example.org/tloi")
    page = unescape(admin.post(f"{CHANNELS}add/", said, follow=True).content.decode())
    shown = re.search(r"signing secret now, it is not shown again: ([\w-]{40,})", page)
    assert shown is not None
    one = AlertChannel.objects.get(project=project)
    assert sealing.unseal(one.sealed_secret) == shown[1]
    assert shown[1] not in admin.get(f"{CHANNELS}{one.pk}/change/").content.decode()
    assert shown[1] not in everything_stored(project)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"address": ""}, "Say where its messages go."),
        ({"address": "http://example.org/"}, "begins with https://"),
        ({"address": "https://user:word@example.org/"}, "no name or password"),
        ({"kind": "email", "address": "", "recipients": ""}, "Say at least one address."),
        ({"kind": "email", "address": "", "recipients": "ops@example.org nobody"}, "'nobody' is no address."),
    ],
)
def test_a_channel_that_cannot_work_is_refused_in_a_sentence(
    admin: Client, project: Project, said: dict[str, str], says: str
) -> None:
    assert says in unescape(admin.post(f"{CHANNELS}add/", fields(project, **said)).content.decode())
    assert not AlertChannel.objects.filter(project=project).exists()


def test_the_first_channel_brings_a_rule_of_each_kind_and_no_later_one_does(admin: Client, project: Project) -> None:
    page = admin.post(f"{CHANNELS}add/", fields(project), follow=True).content.decode()
    assert "it has one of each kind now" in page
    assert {one.kind for one in AlertRule.objects.filter(project=project)} == set(AlertRule.Kind.values)
    AlertRule.objects.filter(project=project).exclude(kind="anomaly").delete()
    admin.post(f"{CHANNELS}add/", fields(project, name="second"))
    assert AlertRule.objects.filter(project=project).count() == 1


def test_another_secret_key_asks_to_enter_it_again(admin: Client, project: Project, settings: Settings) -> None:
    one = channel(project, "slack", address=CANARY)
    sealed = sealing.seal(CANARY)
    settings.SECRET_KEY = "another one, since the data folder moved"
    with pytest.raises(sealing.Lost):
        sealing.unseal(sealed)
    admin = visitor(project)  # sessions are signed with the same key
    for path in (of(project), f"{one.pk}/change/"):
        assert "enter it again" in admin.get(f"{CHANNELS}{path}").content.decode()
    admin.post(f"{CHANNELS}{one.pk}/change/", fields(project))
    one.refresh_from_db()
    assert sealing.unseal(one.sealed_address) == CANARY


def send_test(admin: Client, one: AlertChannel) -> str:
    said = {"action": "send_test", "_selected_action": [str(one.pk)]}
    return unescape(admin.post(CHANNELS, said, follow=True).content.decode())


def test_a_test_is_sent_at_once_and_its_outcome_is_shown_and_logged(
    admin: Client, project: Project, web_hook: Receiver
) -> None:
    one = channel(project, address=web_hook.address)
    assert "it answered 200" in send_test(admin, one)
    assert web_hook.posts[0].document["event"] == "test"
    web_hook.status, web_hook.text = 404, b"no_service"
    assert "not sent. 404: no_service" in send_test(admin, one)
    assert len(web_hook.posts) == 2
    log = admin.get("/admin/telemetry/alertdelivery/", {"project__id__exact": project.pk}).content.decode()
    assert log.count(f"Test: TLOI reaches {one.name}") == 2
    assert "404: no_service" in log
    assert "canary" not in log
    one.refresh_from_db()
    assert one.failing_since_at is not None


def test_alerts_and_the_log_are_looked_at_and_not_changed(admin: Client, project: Project) -> None:
    channel(project)
    rule(project)
    anomaly(project, task_id="<script>alert(1)</script>")
    look(project, at=NOON)
    alert, delivery = Alert.objects.get(project=project), AlertDelivery.objects.get(project=project)
    for path in ("alert", "alertdelivery"):
        html = admin.get(f"/admin/telemetry/{path}/", {"project__id__exact": project.pk}).content.decode()
        assert "Context bloat: 1 anomaly" in html
        assert "<script>alert" not in html
        assert admin.get(f"/admin/telemetry/{path}/add/").status_code == 403
    assert (
        f'href="/anomalies/?project={project.slug}&amp;'
        in admin.get(f"/admin/telemetry/alert/{of(project)}").content.decode()
    )
    for path in (f"alert/{alert.pk}", f"alertdelivery/{delivery.pk}"):
        page = admin.get(f"/admin/telemetry/{path}/change/")
        assert page.status_code == 200
        assert b"<script>alert" not in page.content
        assert SECRET not in page.content.decode()
        assert admin.post(f"/admin/telemetry/{path}/delete/", {"post": "yes"}).status_code == 403


def test_a_rule_says_what_is_wrong_with_it(admin: Client, project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-b")
    theirs = channel(other)
    said = {
        "project": str(project.pk),
        "kind": "anomaly",
        "severity": "high",
        "period": "day",
        "more_than": "10",
        "active_days": "5",
        "silent_hours": "24",
        "is_enabled": "on",
    }
    html = unescape(admin.post(f"{RULES}add/", said | {"channel": str(theirs.pk)}).content.decode())
    assert "This channel belongs to another project." in html
    html = unescape(admin.post(f"{RULES}add/", said | {"quiet_from": "22:00"}).content.decode())
    assert "Quiet hours need both a beginning and an end." in html
    assert admin.post(f"{RULES}add/", said | {"quiet_from": "22:00", "quiet_until": "07:00"}).status_code == 302
    assert "22:00 to 07:00" in admin.get(f"{RULES}{of(project)}").content.decode()


def test_what_a_rule_that_is_turned_off_found_is_over_and_nobody_is_told(admin: Client, project: Project) -> None:
    channel(project)
    one = rule(project)
    anomaly(project)
    look(project, at=NOON)
    said = {"project": str(project.pk), "kind": "anomaly", "severity": "high", "period": "day", "more_than": "10"}
    admin.post(f"{RULES}{one.pk}/change/", said | {"active_days": "5", "silent_hours": "24"})
    assert Alert.objects.get(project=project).state == "resolved"
    AlertRule.objects.filter(pk=one.pk).update(is_enabled=True)
    look(project, at=NOON)
    assert [event for event, _ in told(project)] == ["firing"]


def test_a_project_goes_with_all_of_it(admin: Client, project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-c")
    channel(other)
    rule(other)
    anomaly(other)
    look(other, at=NOON)
    admin.post(f"/admin/telemetry/project/{other.pk}/delete/", {"post": "yes"})
    assert not Project.objects.filter(pk=other.pk).exists()
    assert not AlertDelivery.objects.filter(project_id=other.pk).exists()
