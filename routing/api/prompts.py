"""Prompts made shorter for agents that ask models past the gateway, and what was left out of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from msgspec import Struct
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from routing.api.holding import holder_of
from routing.compression import blobs, retrieving
from routing.compression.blobs import Folded, Lost
from routing.compression.policy import Policy
from routing.contracts import Caller
from routing.gateway.shortening import AWAY, WRITE_S, Asked, Made, Work, booked_prices, conversation_of
from routing.originals import keeping
from routing.originals.keeping import Overtaken
from routing.wire.bodies import Body
from routing.wire.reading import BadRequest as BadBody
from routing.wire.reading import read

MOST_BYTES = 32 * 2**20
BYTES_A_TOKEN = 4.0
_LONGEST_SESSION = 200
_Wish = TypeVar("_Wish", bound=Struct)


class BadRequest(exceptions.APIException):
    """It cannot be done as it is asked."""

    status_code = 400
    default_code = "bad_request"


class Wanted(Struct, forbid_unknown_fields=True):
    """What is asked: a request of the client's, as it would send it, and whose it is. Sizes are tokens."""

    body: Body
    session: str
    protocol: Literal["openai.chat", "anthropic.messages"] = "openai.chat"
    session_tokens: int = 50_000
    turns: int = 20
    result_tokens: int = 5_000
    remaining: int | None = None
    is_due: bool = False


class Part(Struct, forbid_unknown_fields=True):
    """Which part of what was left out: of a reference the lines that hold words, a range of lines, what is at a path
    of JSON; or all of it, as it came."""

    ref: str
    query: str = ""
    lines: str = ""
    path: str = ""
    whole: bool = False


class CompressView(APIView):
    """A request made shorter."""

    scope = "gateway"

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT, operation_id="compress_prompt")
    def post(self, request: Request) -> Response:
        """The `body` to send in place of the one that is given, of OpenAI's chat or Anthropic's messages (`protocol`).
        The conversation is known by `session` and first message; send its own messages each time, or go on from ours.
        What is left out is kept first: `POST /api/v1/retrieve/` gives it (docs/compression.md)."""
        wanted = _decoded(request, Wanted)
        if not 0 < len(wanted.session) <= _LONGEST_SESSION:
            raise BadRequest(f"`session` has 1 to {_LONGEST_SESSION} characters.")
        project_id, now = holder_of(request).project_id, datetime.now(UTC)
        asked = _asked(wanted, project_id, now)
        made = Work(asked, None)()
        if made is None:  # the database is away
            return Response(_told(wanted.body, None))
        if not made.is_written:
            _write(made, project_id, now)
        return Response(_told(made.shortened.request.body, made))


class RetrieveView(APIView):
    """What was left out of a prompt."""

    scope = "gateway"

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT, operation_id="retrieve_original")
    def post(self, request: Request) -> Response:
        """A part of it, as `tloi_retrieve` asks for: `ref`, and `query`, `lines` or `path`; `text` is 8,000 characters
        at most, or says why there is none. With `whole` it is `original`: the content of a tool's result, or the
        messages that notes stand for."""
        part = _decoded(request, Part)
        find = keeping.finding(holder_of(request).project_id)
        if not part.whole:
            asked = {name: said for name in ("ref", "query", "lines", "path") if (said := getattr(part, name))}
            return Response({"text": retrieving.answer(asked, find)})
        try:
            return Response({"original": _whole(part.ref, find)})
        except Lost:
            raise exceptions.NotFound("There is nothing under this reference, or no longer.") from None


def _asked(wanted: Wanted, project_id: int, now: datetime) -> Asked:
    try:
        raw = msgspec.json.encode(wanted.body)
        prompt = read(wanted.protocol, raw)
    except (BadBody, RecursionError) as error:
        raise BadRequest(f"body: {error}") from None
    policy = Policy(
        session_tokens=wanted.session_tokens,
        turns=wanted.turns,
        result_tokens=wanted.result_tokens,
        remaining=wanted.remaining,
        is_due=wanted.is_due,
        prices=booked_prices(prompt.features.model, wanted.protocol),
    )
    caller = Caller(project_id=project_id, key_id=0, session=f"api:{wanted.session}")
    return Asked(
        request=prompt,
        size=len(raw),
        caller=caller,
        policy=policy,
        is_shadow=False,
        is_free=False,
        bytes_a_token=BYTES_A_TOKEN,
        has_own_tool=False,
        now=now,
        conversation=conversation_of(prompt, caller),
    )


def _write(made: Made, project_id: int, now: datetime) -> None:
    """What is known of the conversation now; where another request of it was faster, that holds."""
    known, state = made.known, made.known.state
    try:
        keeping.keep(project_id, made.shortened.conversation, known, state, (), now=now, within_s=WRITE_S)
    except (Overtaken, *AWAY):
        return


def _told(body: Body, made: Made | None) -> dict[str, Any]:
    saves = made.shortened.saves if made else None
    return {
        "body": body,
        "changes": list(saves.changes) if saves else [],
        "came_tokens": saves.came_tokens if saves else None,
        "sent_tokens": saves.sent_tokens if saves else None,
        "saved_nanousd": saves.saved_nanousd if saves else None,
    }


def _whole(ref: str, find: blobs.Find) -> Any:
    """The content of a result, or messages. Raises Lost."""
    value = msgspec.json.decode(blobs.fetch(find, ref))
    if type(value) is dict and value.keys() == {"before", "steps"}:
        return [message for step in blobs.history(find, ref) for message in step]
    if type(value) is dict and "messages" in value:
        return blobs.filled(msgspec.convert(value, Folded), find)
    return value


def _decoded(request: Request, kind: type[_Wish]) -> _Wish:
    raw = b"" if request.stream is None else request.stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise BadRequest(f"A body may have {MOST_BYTES:,} bytes.")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(str(error)[:300]) from None
