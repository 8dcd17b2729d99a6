"""What agents wrote is text in every channel, within the limits of each."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from telemetry.observer.alerts.formats import discord, slack, teams, webhook
from telemetry.observer.alerts.formats.mail import mail
from telemetry.observer.alerts.message import Fact, Link, Message, from_document, one_line, subject_of

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "<!channel> <!here> <@U012ABC> <#C01>",
    "@everyone @here <@&123456789>",
    "<https://evil.example|the report>",
    "[the report](https://evil.example) ![x](https://evil.example/x.png)",
    "`code` *bold* _it_ ~no~ ||spoiler|| # head > quote",
    "<at>Everybody</at> {{DATE(2017-02-14T06:08:39Z,SHORT)}}",
    "&lt;!channel&gt; &amp;",
    "a\r\nBcc: victim@example.org\r\n\r\nbody",
    "\u202egnp.exe\u2066 right to left",
    "line\u2028separator\u2029 and \x00 nothing \x1b[31m",
    "x" * 4_000,
    "\N{PILE OF POO}" * 4_000,
)


def message(text: str = "fix-login", **said: Any) -> Message:
    """A message in which an agent's text stands wherever one can."""
    safe = one_line(text)
    fields = {
        "id": "0199f000-0000-7000-8000-000000000001",
        "event": "firing",
        "project": "default",
        "project_name": safe,
        "time_zone": "UTC",
        "rule": "anomaly",
        "subject": "context_bloat",
        "severity": "high",
        "title": f"Agent {safe} is silent",
        "facts": (Fact(safe, safe), Fact("Last call", "2026-11-20 12:00 UTC")),
        "links": (Link("All of them", "https://tloi.example.org/anomalies/?project=default&detector=context_bloat"),),
        "since": "2026-11-20T12:00:00Z",
        "created": "2026-11-20T12:00:05Z",
    }
    return Message(**(fields | said))


def strings(value: Any) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("text", HOSTILE)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable() or "\N{PILE OF POO}" in line
    assert not re.search("[\r\n\x00\x1b\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)
    assert len(line) <= 200


@pytest.mark.parametrize("text", HOSTILE)
def test_slack_acts_on_nothing_but_our_own_links(text: str) -> None:
    payload = json.loads(slack.body(message(text)))
    ours = [block["text"]["text"] for block in payload["blocks"] if block["text"]["type"] == "mrkdwn"]
    assert ours == ["<https://tloi.example.org/anomalies/?project=default&amp;detector=context_bloat|All of them>"]
    others = [one for one in strings(payload) if one not in ours]
    assert not any("<" in one or ">" in one for one in others)
    assert not any(re.search("&(?!amp;|lt;|gt;)", one) for one in others)
    header, section = (block["text"]["text"] for block in payload["blocks"][:2])
    assert len(header) <= 150
    assert len(section) <= 3_000


def test_slack_shows_what_was_written() -> None:
    payload = json.loads(slack.body(message("<!channel> & co")))
    assert payload["text"] == "Agent &lt;!channel&gt; &amp; co is silent"


def test_slack_cuts_no_entity_in_two() -> None:
    for most in range(2, 40):
        assert not re.search("&(?!amp;|lt;|gt;)", slack.escaped("a<>&<>&<>&<>&", most))
        assert len(slack.escaped("a<>&<>&<>&<>&", most)) <= most


@pytest.mark.parametrize("text", HOSTILE)
def test_discord_mentions_nobody_and_reads_no_markdown(text: str) -> None:
    payload = json.loads(discord.body(message(text)))
    assert payload["allowed_mentions"] == {"parse": []}
    embed = payload["embeds"][0]
    said = [embed["title"], *(part for one in embed["fields"] for part in (one["name"], one["value"]))]
    for one in said:
        assert not re.search(r"(?<!\\)(?:\\\\)*[*_~|<>\[\](){}#@`]", one)
        assert not re.search(r"(?<!\\)(?:\\\\)*\\$", one)
    assert embed["description"].count("](") == 1


def test_discord_stays_within_its_limits() -> None:
    many = tuple(Fact("n*" * 100, "v_" * 100) for _ in range(40))
    links = tuple(Link("t[" * 60, "https://tloi.example.org/executions/" + "x" * 900) for _ in range(9))
    embed = json.loads(discord.body(message(title="t*" * 300, facts=many, links=links)))["embeds"][0]
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4_096
    assert len(embed["fields"]) <= 25
    whole = len(embed["title"]) + len(embed["description"]) + len(embed["footer"]["text"])
    whole += sum(len(one["name"]) + len(one["value"]) for one in embed["fields"])
    assert whole <= 6_000
    assert embed["fields"]


@pytest.mark.parametrize("text", HOSTILE)
def test_teams_reads_no_markdown_in_what_agents_wrote(text: str) -> None:
    payload = json.loads(teams.body(message(text)))
    attachment = payload["attachments"][0]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {one["type"] for one in attachment["content"]["body"]} == {"RichTextBlock"}
    assert "msteams" not in attachment["content"]
    assert [one["url"] for one in attachment["content"]["actions"]] == [message().links[0].path]


def test_teams_stays_below_28_kb() -> None:
    facts = tuple(Fact("ü" * 200, "ü" * 2_000) for _ in range(40))
    assert len(teams.body(message(facts=facts))) < 28 * 1024
    assert len(json.loads(teams.body(message(facts=facts)))["attachments"][0]["content"]["body"]) > 3


@pytest.mark.parametrize("text", HOSTILE)
def test_no_header_of_a_letter_holds_a_second_one(text: str) -> None:
    letter = mail(message(text), sender="TLOI <tloi@example.org>", recipients=["ops@example.org"])
    raw = letter.as_bytes().decode("utf-8", "replace")
    head = raw.partition("\r\n\r\n")[0]
    names = {line.partition(":")[0] for line in head.split("\r\n") if line[:1] not in (" ", "\t")}
    assert names <= {
        *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"),
        *("Content-Type", "Content-Transfer-Encoding"),
    }
    assert letter["Bcc"] is None
    assert letter.get_content_type() == "text/plain"


def test_a_letter_that_took_texts_as_they_come_would_be_refused() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mail(message(), sender="TLOI <tloi@example.org>", recipients=["ops@example.org\r\nBcc: x@example.org"])


def test_a_signature_can_be_verified_and_a_changed_body_or_moment_cannot() -> None:
    body = webhook.body(message())
    header = webhook.signature(body, secret="word", at=1_800_000_000)
    at, digest = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", header).groups()  # type: ignore[union-attr]

    def signed(at: str, body: bytes) -> str:
        return hmac.new(b"word", at.encode() + b"." + body, hashlib.sha256).hexdigest()

    assert signed(at, body) == digest
    assert signed(at, body + b" ") != digest
    assert signed("1800000001", body) != digest


@pytest.mark.parametrize("text", HOSTILE)
def test_a_stored_message_is_the_same_message(text: str) -> None:
    one = message(text)
    assert from_document(json.loads(json.dumps(one.as_document()))) == one


def test_what_is_over_says_so_first() -> None:
    over = replace(message(), event="resolved")
    assert json.loads(slack.body(over))["text"] == "Resolved: Agent fix-login is silent"
    assert (
        json.loads(discord.body(over))["embeds"][0]["color"]
        != json.loads(discord.body(message()))["embeds"][0]["color"]
    )


def test_a_subject_fits_into_an_index_and_stays_distinct() -> None:
    long = "x" * 4_000
    assert subject_of("agent", "a") == "agent/a"
    assert len(subject_of("agent", long)) < 200
    assert subject_of("agent", long + "1") != subject_of("agent", long + "2")
