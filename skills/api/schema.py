"""What the OpenAPI document says of skills."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

_HEADER: dict[str, Any] = {
    name: {"type": "string"} for name in ("name", "description", "version", "license", "compatibility", "root")
} | {name: {"type": "array", "items": {"type": "string"}} for name in ("tags", "allowed_tools")}
_BROKEN = {name: {"type": "string"} for name in ("name", "root", "reason")}
_REFUSED = {
    404: OpenApiResponse(OpenApiTypes.OBJECT, "there is none of that name"),
    422: OpenApiResponse(OpenApiTypes.OBJECT, "there is one that cannot be given out, and why"),
}

SKILLS = {
    200: {
        "type": "object",
        "properties": {
            "skills": {"type": "array", "items": {"type": "object", "properties": _HEADER}},
            "broken": {"type": "array", "items": {"type": "object", "properties": _BROKEN}},
        },
    }
}
SKILL = {
    200: {
        "type": "object",
        "properties": _HEADER
        | {
            "digest": {"type": "string", "description": "SHA-256 of its SKILL.md"},
            "tokens": {"type": "integer", "description": "of its body, in o200k_base"},
            "body": {"type": "string"},
            "files": {"type": "array", "items": {"type": "string"}},
        },
    },
    **_REFUSED,
}
_CONTENT: dict[str, Any] = {
    "digest": {"type": "string"},
    **{name: {"type": "integer"} for name in ("tokens", "loads")},
    **{name: {"type": "string", "format": "date-time"} for name in ("first_at", "last_at")},
}
HISTORY = {
    200: {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "contents": {"type": "array", "items": {"type": "object", "properties": _CONTENT}},
        },
    }
}
_WORDS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_RUNS = {"type": ["object", "null"], "properties": {name: {"type": "integer"} for name in ("runs", "well")}}
_SHARE = {"type": ["number", "null"]}
_MATCH: dict[str, Any] = {
    "name": {"type": "string"},
    "score": {"type": "number", "description": "the share of the task's words, by rarity, that it accounts for"},
    "tokens": {"type": "integer"},
    "reason": {
        "type": "object",
        "properties": {"tags": _WORDS, "terms": _WORDS, "past": _RUNS, "success": _SHARE, "usual": _SHARE},
    },
}
MATCH_PARAMETERS = [OpenApiParameter("task", str, required=True, description="what is to be done, in words")]
MATCHES = {
    200: {
        "type": "object",
        "properties": {
            "tags": _WORDS,
            "matches": {"type": "array", "items": {"type": "object", "properties": _MATCH}},
            "best_score": {"type": "number", "description": "also where nothing is matched"},
            "not_loaded": {
                "type": "object",
                "properties": {name: {"type": "integer"} for name in ("skills", "tokens")},
            },
        },
    }
}
WHOSE_PARAMETERS = [
    OpenApiParameter(name, str, description="whose load it is; the header of that name does as well")
    for name in ("agent", "task_type", "session", "execution")
]
