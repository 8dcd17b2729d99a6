"""What an answer of OpenAI's chat completions says, and of its elder sister completions and of embeddings. Pure.

Source: openai 3.57 `types/chat`; OpenRouter's `reasoning` and errors inside a stream; `reasoning_content` of DeepSeek,
vLLM, llama.cpp and mlx-lm; parts of content as Mistral sends them.
"""

from __future__ import annotations

from routing.contracts import Family
from routing.wire.bodies import Body, object_of, objects_of, place_of, text_of
from routing.wire.listening import Listener
from routing.wire.refusals import fault_in
from routing.wire.usage import of_openai

_FAMILY: Family = "openai"


class ChatListener(Listener):
    """Hears a chat. Of several choices the first is kept, and it is whole when each has its end."""

    __slots__ = ("_choices", "_ended")

    def __init__(self, choices: int = 1) -> None:
        super().__init__()
        self._choices = choices
        self._ended: set[int] = set()

    def event(self, event: Body) -> None:
        if event.get("error"):
            self.fault = fault_in(_FAMILY, event)
            return
        self._about(event)
        for choice in objects_of(event.get("choices")):
            self._choice(choice, object_of(choice.get("delta")))

    def body(self, body: Body) -> bool:
        if body.get("error"):
            self.fault = fault_in(_FAMILY, body)
            return True
        self._about(body)
        choices = objects_of(body.get("choices"))
        for choice in choices:
            self._choice(choice, object_of(choice.get("message")))
        self.is_whole = self.is_over = bool(choices) and self.fault is None
        return bool(choices)

    def _about(self, event: Body) -> None:
        if not self.provider_call_id:
            self.provider_call_id = text_of(event.get("id"))
        if usage := event.get("usage"):
            self.usage = of_openai(usage) or self.usage

    def _choice(self, choice: Body, said: Body) -> None:
        place = place_of(choice.get("index"))
        self._piece(said, is_first=place == 0)
        if reason := text_of(choice.get("finish_reason")):
            self._end(place, reason, choice)

    def _piece(self, said: Body, *, is_first: bool) -> None:
        say = self.says if is_first else self.spends
        if text := plain(said.get("content")):
            say(text)
        if text := text_of(said.get("refusal")):
            say(text)
        if text := text_of(said.get("reasoning_content")) or text_of(said.get("reasoning")):
            (self.thinks if is_first else self.spends)(text)
        for number, call in enumerate(objects_of(said.get("tool_calls"))):
            function = object_of(call.get("function"))
            if is_first:
                place = place_of(call.get("index"), number)
                self.calls(place, id=call.get("id"), name=function.get("name"), arguments=function.get("arguments"))
            else:
                self.spends(text_of(function.get("arguments")))
        if (function := object_of(said.get("function_call"))) and is_first:
            self.calls(-1, name=function.get("name"), arguments=function.get("arguments"))

    def _end(self, place: int, reason: str, choice: Body) -> None:
        if reason == "error":  # OpenRouter, whose event bears the error, or the choice does
            self.fault = fault_in(_FAMILY, choice)
            return
        if place == 0:
            self.finish_reason = "tool_calls" if reason == "function_call" else reason
        self._ended.add(place)
        self.is_whole = len(self._ended) >= self._choices


class CompletionListener(ChatListener):
    """Hears a completion: a choice bears its text itself."""

    __slots__ = ()

    def _piece(self, said: Body, *, is_first: bool) -> None:
        if text := text_of(said.get("text")):
            (self.says if is_first else self.spends)(text)

    def _choice(self, choice: Body, said: Body) -> None:
        super()._choice(choice, choice)


class EmbeddingListener(ChatListener):
    """Hears embeddings, which have no text and no stream."""

    __slots__ = ()

    def body(self, body: Body) -> bool:
        if body.get("error"):
            self.fault = fault_in(_FAMILY, body)
            return True
        self._about(body)
        self.is_whole = self.is_over = bool(objects_of(body.get("data")))
        self.finish_reason = "stop" if self.is_whole else ""
        return self.is_whole


def plain(content: object) -> str:
    """The text of content: a text, or the texts of its parts."""
    if type(content) is str:
        return content
    return "".join(text_of(part.get("text")) for part in objects_of(content))
