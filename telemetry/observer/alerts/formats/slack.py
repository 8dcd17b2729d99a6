"""Slack's incoming webhooks: blocks, and a text for notifications. Pure.

`&`, `<` and `>` are the only characters that Slack acts on (`<!channel>`, `<@U1>`, `<https://…|…>`), and it asks for
them as entities (docs.slack.dev, "Formatting message text"); texts of ours are `plain_text`, which knows no emphasis
either. A header holds 150 characters, a section's text 3,000, counted as they are sent.
"""

from __future__ import annotations

import json

from telemetry.observer.alerts.message import Message

TYPE = "application/json"
_HEADER, _SECTION = 150, 3_000
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def body(message: Message) -> bytes:
    """What Slack is sent."""
    facts = "\n".join(f"{fact.name}: {fact.value}" for fact in message.facts)
    said = [f"{message.severity} · {message.project_name}", facts] if facts else [message.project_name]
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": escaped(message.headline, _HEADER), "emoji": False}},
        {
            "type": "section",
            "text": {"type": "plain_text", "text": escaped("\n".join(said), _SECTION), "emoji": False},
        },
    ]
    if links := _links(message):
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": links}})
    payload = {
        "text": escaped(message.headline, _SECTION),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return json.dumps(payload).encode()


def escaped(text: str, most: int) -> str:
    """A text that Slack shows as it is, of at most so many characters once escaped; no entity is cut in two."""
    found: list[str] = []
    length = 0
    for letter in text:
        safe = _ENTITIES.get(letter, letter)
        if length + len(safe) > most - 1:
            return "".join(found) + "\N{HORIZONTAL ELLIPSIS}"
        found.append(safe)
        length += len(safe)
    return "".join(found)


def _links(message: Message) -> str:
    """Our own addresses, which hold no character that Slack acts on but `&`; as many as a section holds."""
    found: list[str] = []
    length = 0
    for link in message.links:
        one = f"<{escaped(link.path, _SECTION)}|{escaped(link.title, _HEADER).replace('|', '¦')}>"
        length += len(one) + 1
        if length > _SECTION:
            break
        found.append(one)
    return "\n".join(found)
