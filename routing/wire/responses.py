"""What an answer of OpenAI's responses says. Pure. Source: openai 3.57 `types/responses/response_*_event.py`."""

from __future__ import annotations

from routing.contracts import Family
from routing.wire.bodies import Body, kind_of, object_of, objects_of, place_of, text_of
from routing.wire.listening import Listener
from routing.wire.refusals import fault_in
from routing.wire.usage import of_openai

_FAMILY: Family = "openai"
_TEXTS = frozenset(("response.output_text.delta", "response.refusal.delta"))
_THOUGHTS = frozenset(("response.reasoning_text.delta", "response.reasoning_summary_text.delta"))
_ENDS = frozenset(("response.completed", "response.incomplete", "response.failed"))
_CALLS = frozenset(("function_call", "custom_tool_call"))
_ARGUMENTS = frozenset(("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"))
_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


class ResponseListener(Listener):
    """Hears a response."""

    __slots__ = ()

    def event(self, event: Body) -> None:
        kind = kind_of(event)
        if kind in _ENDS:
            self._end(object_of(event.get("response")))
        elif kind == "response.output_item.added":
            item = object_of(event.get("item"))
            if kind_of(item) in _CALLS:
                self.calls(place_of(event.get("output_index")), id=item.get("call_id"), name=item.get("name"))
        elif kind == "response.created":
            self.provider_call_id = text_of(object_of(event.get("response")).get("id"))
        elif kind == "error" or event.get("error"):
            self.fault = fault_in(_FAMILY, event)
        elif piece := text_of(event.get("delta")):
            self._piece(kind, event, piece)

    def _piece(self, kind: str, event: Body, piece: str) -> None:
        if kind in _TEXTS:
            self.says(piece)
        elif kind in _THOUGHTS:
            self.thinks(piece)
        elif kind in _ARGUMENTS:
            self.calls(place_of(event.get("output_index")), arguments=piece)

    def body(self, body: Body) -> bool:
        if type(body.get("output")) is not list:
            self.fault = fault_in(_FAMILY, body) if body.get("error") else None
            return self.fault is not None
        for place, item in enumerate(objects_of(body.get("output"))):
            self._item(place, item)
        self._end(body)
        return True

    def _item(self, place: int, item: Body) -> None:
        if kind_of(item) in _CALLS:
            arguments = item.get("arguments", item.get("input"))
            self.calls(place, id=item.get("call_id"), name=item.get("name"), arguments=arguments)
        for part in objects_of(item.get("content")):
            if text := text_of(part.get("text")) or text_of(part.get("refusal")):
                (self.says if kind_of(item) == "message" else self.thinks)(text)

    def _end(self, response: Body) -> None:
        self.is_over = True
        self.provider_call_id = text_of(response.get("id")) or self.provider_call_id
        self.usage = of_openai(response.get("usage")) or self.usage
        if response.get("status") == "failed" or response.get("error"):
            self.fault = fault_in(_FAMILY, response)
            return
        reason = text_of(object_of(response.get("incomplete_details")).get("reason"))
        self.finish_reason = _INCOMPLETE.get(reason, reason) or ("tool_calls" if self._calls else "stop")
        self.is_whole = True
