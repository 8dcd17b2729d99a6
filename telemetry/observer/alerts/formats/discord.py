"""Discord's webhooks: one embed, and nobody is mentioned. Pure.

An embed's title holds 256 characters, its description 4,096, a field's name 256 and value 1,024, at most 25 fields, and
all of them together 6,000 (docs.discord.com, "Embed limits"). `allowed_mentions` with an empty `parse` turns every
mention off, and a backslash before what Markdown acts on leaves it as text.
"""

from __future__ import annotations

import json
import re

from telemetry.observer.alerts.message import Message, clip

TYPE = "application/json"
_COLOURS = {"high": 0xC62828, "medium": 0xB26A00, "resolved": 0x2E7D32}
_MARKDOWN = re.compile(r"([\\`*_~|<>\[\](){}#@:+\-=])")
_TITLE, _TEXT, _FIELDS, _WHOLE = 256, 4_096, 25, 6_000


def body(message: Message) -> bytes:
    """What Discord is sent."""
    title, footer = escaped(message.headline, _TITLE), f"TLOI · {clip(message.project_name, 120)}"
    links = _links(message, room=_TEXT)
    left = _WHOLE - len(title) - len(footer) - len(links)
    embed = {
        "title": title,
        "description": links,
        "color": _COLOURS["resolved" if message.event == "resolved" else message.severity],
        "fields": _fields(message, room=left),
        "footer": {"text": footer},
        "timestamp": message.created,
    }
    return json.dumps({"embeds": [embed], "allowed_mentions": {"parse": []}}).encode()


def escaped(text: str, most: int) -> str:
    """A text that Discord shows as it is, of at most so many characters; no backslash stands alone at its end."""
    safe = _MARKDOWN.sub(r"\\\1", text)
    while len(safe) > most:
        text = clip(text, max(2, len(text) - max(1, (len(safe) - most) // 2)))
        safe = _MARKDOWN.sub(r"\\\1", text)
    return safe


def _links(message: Message, *, room: int) -> str:
    found: list[str] = []
    for link in message.links:
        one = f"[{escaped(link.title, 120)}]({link.path})"
        room -= len(one) + 1
        if room < 0 or len(found) == 5:
            break
        found.append(one)
    return "\n".join(found)


def _fields(message: Message, *, room: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for fact in message.facts[:_FIELDS]:
        name, value = escaped(fact.name, _TITLE), escaped(fact.value, 1_024) or "–"
        room -= len(name) + len(value)
        if room < 0:
            break
        found.append({"name": name, "value": value, "inline": len(value) < 40})
    return found
