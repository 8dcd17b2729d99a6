"""Who calls, and for what: the key's project, and what headers, the body or the conversation itself say of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from routing.contracts import Caller
from routing.gateway.accounting import label
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.holders import KeysAway
from routing.gateway.resources import Resources
from routing.wire.reading import BadRequest, Request, read
from telemetry.facade import BadKey, KeyHolder, TooManyRequests

SCOPE = "gateway"
_HEADERS = {
    "session": b"x-tloi-session",
    "session_type": b"x-tloi-session-type",
    "agent": b"x-tloi-agent",
    "task_type": b"x-tloi-task-type",
    "execution": b"x-tloi-execution",
    "objective": b"x-tloi-objective",
}


async def run(exchange: Exchange, resources: Resources) -> None:
    """Know the key, count the request, read it. Raises Refusal."""
    exchange.holder = await holder_of(exchange.headers, resources)
    try:
        exchange.request = read(exchange.protocol, exchange.body)
    except BadRequest as error:
        raise Refusal(400, "invalid_request", error.message, param=error.param) from None
    exchange.caller = _caller(exchange.holder, exchange.headers, exchange.request)


async def holder_of(headers: Mapping[bytes, bytes], resources: Resources) -> KeyHolder:
    """Whom the request's key speaks for, once it was counted. Raises Refusal."""
    plain = key_of(headers)
    if not plain:
        raise Refusal(401, "missing_api_key", "Send an API key of TLOI: Authorization: Bearer tloi_…, or x-api-key.")
    try:
        holder = await resources.keys.holder(plain)
    except BadKey as error:
        raise Refusal(401, "invalid_api_key", str(error)) from None
    except KeysAway:
        raise Refusal(503, "keys_away", "Keys cannot be looked up now; try again.", retry_after_s=5) from None
    if SCOPE not in holder.scopes:
        raise Refusal(403, "missing_scope", f"This key lacks the scope {SCOPE!r}; a person gives it in the admin.")
    try:
        await resources.rates.admit(holder.key_id)
    except TooManyRequests as error:
        raise Refusal(429, "rate_limit_exceeded", str(error), retry_after_s=error.retry_after) from None
    return holder


def key_of(headers: Mapping[bytes, bytes]) -> str:
    """The key of a request, as OpenAI's or Anthropic's library sends it; "" where there is none."""
    kind, _, plain = headers.get(b"authorization", b"").partition(b" ")
    found = plain if kind.lower() == b"bearer" else headers.get(b"x-api-key", b"")
    return found.strip().decode("latin-1")


def _caller(holder: KeyHolder, headers: Mapping[bytes, bytes], request: Request) -> Caller:
    given = ((name, headers.get(header)) for name, header in _HEADERS.items())
    said = {name: label(value.decode("utf-8", "replace")) for name, value in given if value}
    if not said.get("session"):
        said["session"] = label(request.session_field) or _conversation(holder, request)
    if not said.get("execution") and request.turn:
        said["execution"] = label(f"{said['session'][:180]}:turn {request.turn}")
    if not said.get("session_type"):
        said["session_type"] = holder.session_type
    return Caller(project_id=holder.project_id, key_id=holder.key_id, **said)


def _conversation(holder: KeyHolder, request: Request) -> str:
    """A name for a conversation that has none: of its key and its beginning, which all its requests have alike."""
    digest = hashlib.sha256(b"%d:" % holder.key_id + request.conversation_root)
    return "gateway:" + digest.hexdigest()[:24]
