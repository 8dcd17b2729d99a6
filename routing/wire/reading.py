"""A client's request: its bytes to what the gateway and the ladder ask of it. Pure.

The body is parsed once and kept as it came. Only what we rely on is looked at; whether the rest pleases is the
provider's to say, in its own words.
"""

from __future__ import annotations

import re

from msgspec import Struct

from routing.contracts import Capability, Features, Protocol
from routing.wire.bodies import BadRequest, Body, count_of, object_of, objects_of, read_request, text_of
from routing.wire.prompts import Turn, schema_of, turns

__all__ = ["BadRequest", "Request", "read"]

_LONGEST_SESSION = 200  # characters: as telemetry keeps
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_LISTS = {
    "openai.chat": "messages",
    "anthropic.messages": "messages",
    "anthropic.count_tokens": "messages",
}
_SESSIONS = ("session_id", "prompt_cache_key", "conversation", "user", "safety_identifier")
_CLAUDE_CODE = re.compile(r"_session_([0-9a-fA-F-]{8,})$")
_SYSTEM = frozenset(("system", "developer"))


class Request(Struct, kw_only=True):
    """What a client asks for. `session_field` is what the client itself calls its session or its user, "" where it says
    nothing; `conversation_root` is its system prompt and first user message, by which a session is known otherwise.
    `turn` counts the messages that are the user's own words, results of tools not among them; `question` is the last
    message of the user that has words."""

    protocol: Protocol
    body: Body
    features: Features
    session_field: str
    conversation_root: bytes
    turn: int
    question: str


def read(protocol: Protocol, body: bytes) -> Request:
    """The request of a body. Raises BadRequest, which names the field where one is to blame."""
    parsed = read_request(body)
    _check(protocol, parsed)
    said = turns(protocol, parsed)
    return Request(
        protocol=protocol,
        body=parsed,
        features=_features(protocol, parsed, said),
        session_field=_session(parsed),
        conversation_root=_root(said),
        turn=sum(turn.role == "user" and not turn.has_tool for turn in said),
        question=_question(said),
    )


def _check(protocol: Protocol, body: Body) -> None:
    """That what we rely on has the type it should have. Raises BadRequest."""
    if type(body.get("model", "")) is not str:
        raise BadRequest("`model` must be a text.", "model")
    if type(body.get("stream")) not in (bool, type(None)):
        raise BadRequest("`stream` must be true or false.", "stream")
    if type(body.get("stream_options")) not in (dict, type(None)):
        raise BadRequest("`stream_options` must be an object.", "stream_options")
    if (name := _LISTS.get(protocol)) is not None:
        _check_messages(name, body.get(name))
    elif protocol == "openai.responses":
        if not isinstance(body.get("input", ""), str | list):
            raise BadRequest("`input` must be a text or a list of items.", "input")
    else:
        name = "prompt" if protocol == "openai.completions" else "input"
        if not body.get(name):
            raise BadRequest(f"`{name}` is missing.", name)
    for name in ("tools", "stop_sequences"):
        if type(body.get(name)) not in (list, type(None)):
            raise BadRequest(f"`{name}` must be a list.", name)


def _check_messages(name: str, messages: object) -> None:
    if type(messages) is not list or not messages:
        raise BadRequest(f"`{name}` must be a list of at least one message.", name)
    for number, message in enumerate(messages):
        if type(message) is not dict or type(message.get("role")) is not str:
            raise BadRequest(f"`{name}[{number}]` must be an object with a `role`.", f"{name}[{number}]")
        if type(message.get("content")) not in (str, list, type(None)):
            raise BadRequest(f"`{name}[{number}].content` must be a text or a list.", f"{name}[{number}].content")


def _features(protocol: Protocol, body: Body, said: list[Turn]) -> Features:
    last = next((turn for turn in reversed(said) if turn.role == "user"), None)
    return Features(
        protocol=protocol,
        model=body.get("model", ""),
        is_streamed=body.get("stream") is True,
        prompt_chars=sum(len(text) for turn in said for text in turn.texts),
        max_output=next((limit for name in _LIMITS if (limit := count_of(body.get(name))) is not None), None),
        needs=_needs(protocol, body, said),
        messages=len(said),
        tools=len(objects_of(body.get("tools"))),
        last_user_chars=sum(map(len, last.texts)) if last else 0,
    )


def _needs(protocol: Protocol, body: Body, said: list[Turn]) -> frozenset[Capability]:
    needs: set[Capability] = set()
    if protocol == "openai.embeddings":
        needs.add("embeddings")
    if body.get("tools") or body.get("functions") or any(turn.has_tool for turn in said):
        needs.add("tools")
    if any(turn.has_image for turn in said):
        needs.add("vision")
    if schema_of(protocol, body) is not None:
        needs.add("json")
    return frozenset(needs)


def _session(body: Body) -> str:
    """The client's own session: Claude Code's, which stands in `metadata.user_id`; else Codex's and OpenRouter's
    fields; else the user."""
    metadata = object_of(body.get("metadata"))
    user = text_of(metadata.get("user_id"))
    if user.startswith("{"):  # Claude Code since 2.1: an object as text
        user = text_of(object_of(_inner(user)).get("session_id")) or user
    elif found := _CLAUDE_CODE.search(user):
        user = found[1]
    session = text_of(metadata.get("session_id")) or user
    for name in _SESSIONS:
        if session:
            break
        said = body.get(name)
        session = text_of(said) or text_of(object_of(said).get("id"))
    return session[:_LONGEST_SESSION]


def _inner(text: str) -> Body:
    try:
        return read_request(text.encode())
    except BadRequest:
        return {}


def _question(said: list[Turn]) -> str:
    last = next((turn for turn in reversed(said) if turn.role == "user" and turn.texts), None)
    return "\n".join(last.texts) if last else ""


def _root(said: list[Turn]) -> bytes:
    system = [text for turn in said if turn.role in _SYSTEM for text in turn.texts]
    first = next((turn.texts for turn in said if turn.role == "user"), [])
    return "\0".join([*system, *first]).encode()
