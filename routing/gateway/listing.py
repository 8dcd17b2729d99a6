"""What GET /v1/models says, in words that both OpenAI's and Anthropic's library understand. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from routing.contracts import Tier

_SINCE = 1_764_288_000  # both libraries want a time of creation, and nobody reads it
_SINCE_TEXT = "2025-11-28T00:00:00Z"


def listing(tiers: Sequence[Tier], name: str = "") -> bytes:
    """`auto`, every tier and its model; or the one of that name, or an empty answer's body where it is none."""
    names = {"auto": "the ladder"}
    for tier in tiers:
        names[f"tier:{tier.position}"] = tier.name
        names[tier.model] = tier.provider.name
    if name in names:
        return msgspec.json.encode(_model(name, names[name]))
    data = [_model(each, owner) for each, owner in names.items()]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"], "has_more": False}
    return msgspec.json.encode({"object": "list", "data": data, **ends})


def _model(name: str, owner: str) -> dict[str, Any]:
    shown = {"type": "model", "display_name": name, "created_at": _SINCE_TEXT}
    return {"id": name, "object": "model", "created": _SINCE, "owned_by": owner, **shown}
