"""Microsoft Teams: an Adaptive Card in a message, as webhooks of its Workflows take it. Pure.

Workflows show Adaptive Cards only, and refuse what is larger than 28 KB (learn.microsoft.com, "Create an Incoming
Webhook"). A `TextBlock` reads Markdown; the runs of a `RichTextBlock` do not, so texts of agents stand in those. A
mention needs an entry in `msteams.entities`, and there is none.
"""

from __future__ import annotations

import json
from typing import Any

from telemetry.observer.alerts.message import Message

TYPE = "application/json"
MOST_BYTES = 28 * 1024 - 512
_COLOURS = {"high": "attention", "medium": "warning", "resolved": "good"}


def body(message: Message) -> bytes:
    """What Teams is sent: with as many facts and links as fit."""
    for most in range(20, -1, -1):
        sent = json.dumps(_message(message, most), ensure_ascii=False).encode()
        if len(sent) <= MOST_BYTES:
            return sent
    return sent


def _message(message: Message, most: int) -> dict[str, Any]:
    colour = _COLOURS["resolved" if message.event == "resolved" else message.severity]
    facts = [_text([_run(f"{fact.name}: ", isSubtle=True), _run(fact.value)]) for fact in message.facts[:most]]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _text([_run(message.headline, size="medium", weight="bolder", color=colour)]),
            _text([_run(f"{message.severity} · {message.project_name}", isSubtle=True)]),
            *facts,
        ],
        "actions": [
            {"type": "Action.OpenUrl", "title": link.title, "url": link.path} for link in message.links[: min(most, 5)]
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **looks: object) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **looks}
