"""What one chunk of OpenAI's chat adds to the answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from routing.wire.bodies import Body, object_of, objects_of, place_of, text_of
from routing.wire.chat import plain


class Added(Struct, frozen=True):
    """A piece of text or of a thought, or of the call at `place`, whose id and name come with its first piece."""

    kind: Literal["text", "thought", "call"]
    text: str
    place: int = 0
    id: str = ""
    name: str = ""


def added(chunk: Body) -> Iterator[Added]:
    """What the first choice of a chunk adds, in order."""
    for choice in objects_of(chunk.get("choices")):
        if place_of(choice.get("index")) != 0:
            continue
        delta = object_of(choice.get("delta"))
        if text := text_of(delta.get("reasoning_content")) or text_of(delta.get("reasoning")):
            yield Added("thought", text)
        if text := plain(delta.get("content")) or text_of(delta.get("refusal")):
            yield Added("text", text)
        for number, call in enumerate(objects_of(delta.get("tool_calls"))):
            function = object_of(call.get("function"))
            yield Added(
                "call",
                text_of(function.get("arguments")),
                place_of(call.get("index"), number),
                text_of(call.get("id")),
                text_of(function.get("name")),
            )
