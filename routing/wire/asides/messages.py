"""Calls of our tool, taken out of an answer of Anthropic's messages. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from routing.contracts import ToolCall
from routing.wire.asides.rounds import END, Round
from routing.wire.asides.shown import Said, Shown
from routing.wire.bodies import Body, as_text, kind_of, object_of, objects_of, place_of, read_object, text_of, written
from routing.wire.sse import data_of, event_of

_THOUGHTS = frozenset(("thinking", "redacted_thinking"))
_CALLS = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))


class MessageHiding(Round):
    """Takes our calls out of one round of a stream of messages. `may_go_on`: another round may follow this one."""

    def __init__(self, tool: str, shown: Shown, *, may_go_on: bool) -> None:
        super().__init__(tool, shown, may_go_on=may_go_on)
        self._blocks: dict[int, Body] = {}
        self._arguments: dict[int, list[str]] = {}

    @property
    def _is_ours_alone(self) -> bool:
        has_ours = any(place is None for place in self._places.values())
        return has_ours and not any(
            kind_of(block) == "tool_use" and self._places[index] is not None for index, block in self._blocks.items()
        )

    def said(self) -> Said:
        """What the round came to."""
        blocks = [self._whole(index) for index in sorted(self._blocks)]
        return replace(_said(self._tool, blocks, goes_on=self.goes_on, shown=self._before), shown=self._so_far())

    def _so_far(self) -> Shown:
        if not (self._before.is_begun or self.is_visible):
            return Shown()
        return Shown(is_begun=True, id=self._id, blocks=self._before.blocks + self._others, usage=self._usage)

    def _passed(self, event: bytes) -> bytes:
        data = data_of(event)
        parsed = read_object(data) if data else None
        if parsed is None:
            return event + END
        shown = self._shown(parsed)
        if shown is parsed:
            return event + END
        return b"" if shown is None else event_of(written(shown), text_of(shown.get("type")))

    def _shown(self, event: Body) -> Body | None:
        """An event as the client gets it: itself where nothing has to be changed, None where it gets nothing of it."""
        match event.get("type"):
            case "message_start":
                self._id = self._id or text_of(object_of(event.get("message")).get("id"))
                return None if self._before.is_begun else event
            case "content_block_start":
                return self._started(event)
            case "content_block_delta":
                return self._went_on(event)
            case "content_block_stop":
                return self._placed(event)
            case "message_delta":
                return self._ended(event)
            case "message_stop":
                return None if self.goes_on else event
        return event

    def _started(self, event: Body) -> Body | None:
        index, block = place_of(event.get("index")), object_of(event.get("content_block"))
        is_ours = kind_of(block) == "tool_use" and block.get("name") == self._tool
        self._blocks[index] = dict(block)
        self._places[index] = None if is_ours else self._before.blocks + self._others
        self.is_visible |= not is_ours and kind_of(block) in _CALLS
        return self._placed(event)

    def _went_on(self, event: Body) -> Body | None:
        index, delta = place_of(event.get("index")), object_of(event.get("delta"))
        block = self._blocks.setdefault(index, {})
        match delta.get("type"):
            case "text_delta":
                block["text"] = text_of(block.get("text")) + text_of(delta.get("text"))
            case "thinking_delta":
                block["thinking"] = text_of(block.get("thinking")) + text_of(delta.get("thinking"))
            case "signature_delta":
                block["signature"] = text_of(block.get("signature")) + text_of(delta.get("signature"))
            case "input_json_delta":
                self._arguments.setdefault(index, []).append(text_of(delta.get("partial_json")))
        self.is_visible |= self._places.get(index, index) is not None
        return self._placed(event)

    def _placed(self, event: Body) -> Body | None:
        """An event of a block, at the place where the block stands for the client."""
        index = place_of(event.get("index"))
        place = self._places.get(index, index)
        if place is None:
            return None
        return event if place == index else {**event, "index": place}

    def _ended(self, event: Body) -> Body | None:
        self._has_ended = True
        if not self._before.is_begun:
            self._usage = object_of(event.get("usage"))
        if self.goes_on:
            return None
        if self._is_ours_alone:
            event = {**event, "delta": {**object_of(event.get("delta")), "stop_reason": "end_turn"}}
        return {**event, "usage": self._usage} if self._before.is_begun and self._usage else event

    def _whole(self, index: int) -> Body:
        """A block with what came of it."""
        block = self._blocks[index]
        if (pieces := self._arguments.get(index)) is None:
            return block
        return {**block, "input": read_object("".join(pieces).encode() or b"{}") or {}}


def message_taken(tool: str, body: Body, shown: Shown, *, may_go_on: bool) -> tuple[Body, Said]:
    """A whole answer as the client gets it, with what was said in the rounds before it, and what it came to."""
    blocks = objects_of(body.get("content"))
    others = any(kind_of(block) == "tool_use" and block.get("name") != tool for block in blocks)
    has_ours = any(_is_ours(tool, block) for block in blocks)
    said = _said(tool, blocks, goes_on=may_go_on and has_ours and not others, shown=shown)
    if not has_ours and not shown.texts:
        return body, said
    before = [{"type": "text", "text": text} for text in shown.texts]
    thoughts = [block for block in blocks if kind_of(block) in _THOUGHTS]
    rest = [block for block in blocks if not _is_ours(tool, block) and kind_of(block) not in _THOUGHTS]
    made = {**body, "content": [*thoughts, *before, *rest]}
    return {**made, "stop_reason": "end_turn"} if has_ours and not others else made, said


def _said(tool: str, blocks: list[Body], *, goes_on: bool, shown: Shown) -> Said:
    ours = [block for block in blocks if _is_ours(tool, block)]
    texts = tuple(text for block in blocks if kind_of(block) == "text" and (text := text_of(block.get("text"))))
    kept = [block for block in blocks if kind_of(block) != "text" or block.get("text")]
    return Said(
        ours=tuple(map(_call, ours)),
        goes_on=goes_on,
        message={"role": "assistant", "content": kept},
        aside={"role": "assistant", "content": [one for one in blocks if one in ours or kind_of(one) in _THOUGHTS]},
        shown=replace(shown, texts=(*shown.texts, *texts)),
    )


def _is_ours(tool: str, block: Body) -> bool:
    return kind_of(block) == "tool_use" and block.get("name") == tool


def _call(block: Body) -> ToolCall:
    return ToolCall(
        id=text_of(block.get("id")), name=text_of(block.get("name")), arguments=as_text(object_of(block.get("input")))
    )
