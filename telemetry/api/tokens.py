"""How many tokens a text is, asked before it is sent to a model; and what the provider then said, told afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry.api import schema
from telemetry.api.auth import holder_of
from telemetry.api.errors import BadBody, TooLarge
from telemetry.api.parsers import read_body
from telemetry.contracts import MAX_TOKENS
from telemetry.database import connection
from telemetry.outlook import tokens

MAX_CHARACTERS = 2**20  # of all texts of a request: counted in a fraction of a second, at worst in seconds
MAX_TEXTS = 10_000


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """Texts that are about to be sent to a model. `input_tokens`: they were, and this is what the provider said."""

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    text: str | Annotated[list[str], Meta(max_length=MAX_TEXTS)]
    input_tokens: Annotated[int, Meta(ge=0, le=MAX_TOKENS)] | None = None


class TokenCountView(APIView):
    """Count the tokens of a text before they are spent."""

    scope = "ingest"

    @extend_schema(request=schema.TOKEN_COUNT_BODY, responses=schema.TOKEN_COUNT)
    def post(self, request: Request) -> Response:
        """The tokens of one text, or of several in all. `how` says whether they were counted, which is exact, or
        estimated, as for models whose tokenizer is not public: then nine of ten lie from `low` to `high`. Only text is
        counted, not what the provider adds around messages and tools. A body with `input_tokens`, what the provider
        said of these texts when they were sent, makes the next estimates for this model better."""
        asked = _read(read_body(request))
        project_id = holder_of(request).project_id
        texts = [asked.text] if isinstance(asked.text, str) else asked.text
        if sum(map(len, texts)) > MAX_CHARACTERS:
            raise TooLarge(f"The texts have more than {MAX_CHARACTERS} characters; send fewer at a time.")
        counted = tokens.count(connection(), project_id=project_id, model=asked.model, texts=texts)
        answer = {"model": asked.model, **{name: getattr(counted, name) for name in counted.__slots__}}
        if asked.input_tokens is not None:
            answer["learned"] = tokens.learn(
                connection(),
                project_id=project_id,
                model=asked.model,
                texts=texts,
                said=asked.input_tokens,
                now=datetime.now(UTC),
            )
        return Response(answer)


def _read(body: bytes) -> Text:
    """What was asked. Raises BadBody."""
    try:
        asked = msgspec.json.decode(body, type=Text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(f"The body is not {{model, text}}: {error}.") from None
    if "\0" in asked.model:
        raise BadBody("The model holds the character NUL, which no model can bear.")
    return asked
