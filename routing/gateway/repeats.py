"""Which requests may be answered by what was answered before, for how long, and which of them are the same. Pure.

Only what is declared to be always answered alike: by a rule of the admin where the request itself asks for no chance
(temperature 0, or vectors), or by the caller, for each request, by a header. Never what reads or changes something
outside of itself: tools that the provider runs, files and pictures by address, conversations that it keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from routing.cache.fingerprint import Unfit, canonical
from routing.cache.lookups import Question
from routing.contracts import KeepRule, Tier
from routing.wire.bodies import Body, object_of, objects_of
from routing.wire.reading import Request

HEADER = b"x-tloi-cache"
USUAL_HOURS = 24.0
LONGEST_S = 30 * 86_400
# Raise it when an answer is put together in another way, so that what was kept before is not given.
VERSION = 2
_SHAPING = (b"anthropic-version", b"anthropic-beta", b"openai-beta")  # headers that go along and change an answer
_ANSWERED = frozenset(
    ("openai.chat", "openai.completions", "openai.responses", "openai.embeddings", "anthropic.messages")
)
# Client-run tools: whoever asked does what they say. Of others the provider does it.
_CLIENTS_TOOLS = frozenset((None, "function", "custom"))
_OUTSIDE = frozenset(
    (
        "file_id",
        "file_url",
        "previous_response_id",
        "conversation",
        "container",
        "mcp_servers",
        "web_search_options",
    )
)
_ADDRESSES = frozenset(("url", "image_url", "video_url", "audio_url"))
_NESTED = (dict, list)
_DEEPEST = 100
_last_ladder: tuple[Sequence[Tier], str] = ((), "")


class BadWish(ValueError):
    """A header that says nothing that is known; the text says what is."""


def hours_of(request: Request, said: str, ruled: float) -> float:
    """For how many hours an answer to this request may be given again; 0: it may not. `said` is what the header says,
    `ruled` what the rules give its caller. Raises BadWish."""
    wished = _wish(said)
    hours = wished if wished is not None and said != "on" else ruled or wished or 0.0
    if wished is None and not _is_settled(request):
        return 0.0
    return hours if hours and _stands_alone(request) else 0.0


def ruled_hours(rules: Sequence[KeepRule], *, project: str, key_id: int, task_type: str) -> float:
    """What the rules give a caller: the one for its key before its project's and everybody's, and of these the one for
    its type of task before those for all; 0 without any."""
    mine = [
        rule
        for rule in rules
        if rule.project in ("", project) and rule.key_id in (None, key_id) and rule.task_type in ("", task_type)
    ]
    chosen = max(mine, key=lambda rule: (rule.key_id is not None, rule.project, rule.task_type), default=None)
    return chosen.hours if chosen else 0.0


def question_of(
    request: Request,
    headers: Mapping[bytes, bytes],
    first: Tier,
    tiers: Sequence[Tier],
    *,
    is_pinned: bool = False,
    hours: float,
    project_id: int,
    project: str,
) -> Question:
    """What is asked: all of the body, by a project, of the tier that is asked `first`, on the ladder as it is set up. A
    streamed answer is another one than a whole one, so that each is given again as it was, to the byte."""
    shaping = [(name.decode(), headers[name].decode("latin-1")) for name in _SHAPING if name in headers]
    asked = ("gateway", VERSION, project_id, request.protocol, first.id, is_pinned, _ladder(tiers), shaping)
    digest = hashlib.sha256(msgspec.json.encode(asked))
    digest.update(_written(request.body))
    seconds = hours * 3600
    return Question(key=digest.hexdigest(), ttl_s=seconds, grace_s=seconds, tags=tags_of(project))


def tags_of(project: str) -> tuple[str, ...]:
    """By which names the answers of a project can be made to be forgotten: all projects', and its own."""
    return ("answers", f"answers of {project}")


def _written(body: Body) -> bytes:
    """A body as JSON that no other one is written as but for the order of its names. Raises Unfit."""
    try:
        return msgspec.json.encode(body, order="deterministic")
    except RecursionError:
        raise Unfit("It is nested too deeply.") from None


def _ladder(tiers: Sequence[Tier]) -> str:
    """The digest of a ladder, made once for all requests that are asked of it."""
    global _last_ladder  # noqa: PLW0603 (a memory of one)
    if _last_ladder[0] is not tiers:
        _last_ladder = tiers, hashlib.sha256(canonical([_as_set_up(tier) for tier in tiers])).hexdigest()
    return _last_ladder[1]


def _as_set_up(tier: Tier) -> tuple[Any, ...]:
    provider = tier.provider
    return (tier.id, tier.position, tier.model, tier.max_output, provider.id, provider.family, provider.base_url)


def _wish(said: str) -> float | None:
    """Hours, 0 for never, None where nothing is said. Raises BadWish."""
    match said:
        case "":
            return None
        case "off":
            return 0.0
        case "on":
            return USUAL_HOURS
    if said.isascii() and said.isdigit() and len(said) < 9 and 0 < int(said) <= LONGEST_S:
        return int(said) / 3600
    raise BadWish(
        f"x-tloi-cache is on, off, or for how many seconds an answer may be given again, {LONGEST_S:,} at most."
    )


def _stands_alone(request: Request) -> bool:
    """Whether an answer depends on the request alone, and does nothing but answer."""
    body = request.body
    if request.protocol not in _ANSWERED or body.get("n") not in (None, 1) or body.get("background") is True:
        return False
    if any(tool.get("type") not in _CLIENTS_TOOLS for tool in objects_of(body.get("tools"))):
        return False
    return not object_of(body.get("prompt")) and not _reaches_out(body, 0)


def _is_settled(request: Request) -> bool:
    """Whether the request itself leaves nothing to chance, and nobody is to do anything."""
    if request.protocol == "openai.embeddings":
        return True
    temperature = request.body.get("temperature")
    return type(temperature) in (int, float) and temperature == 0 and "tools" not in request.features.needs


def _reaches_out(value: Any, depth: int) -> bool:
    """Whether something is named that lies elsewhere, and may be another thing tomorrow."""
    if depth > _DEEPEST:
        return True
    if type(value) is dict:
        if any(value[name] for name in _OUTSIDE & value.keys()):
            return True
        if any(_is_address(value[name]) for name in _ADDRESSES & value.keys()):
            return True
        value = value.values()
    return any(_reaches_out(each, depth + 1) for each in value if type(each) in _NESTED)


def _is_address(value: object) -> bool:
    return type(value) is str and not value.startswith("data:")
