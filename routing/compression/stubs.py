"""Long results of tools, replaced before they first enter a prompt, so that nothing has to be rewritten. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from routing.compression import blobs
from routing.compression.blobs import REF, Blob
from routing.compression.block import TOOL
from routing.compression.digest import digest
from routing.compression.policy import Policy
from routing.compression.state import Stub
from routing.compression.steps import Message, as_content, content_of, unmarked, with_content
from routing.compression.view import SHORTEST, Count, View, digest_of, know

_MOST = 1_200  # characters of a digest: some 300 tokens
MARK = "[tloi ref="
_HEAD = MARK + "{ref} tool={tool} tokens={tokens} lines={lines}] The result is kept, and this is what tells what it is:"
_TAIL = '[{tool}(ref="{ref}", query | lines | path) returns the rest.]'


class Found(Struct, frozen=True):
    """A result that is new and too long: where it stands, what would stand for it, and the tokens that this saves."""

    message: int
    place: int
    stub: Stub
    blob: Blob
    removed: int


def find(view: View, start: int, policy: Policy, count: Count) -> list[Found]:
    """The long results among the messages from `start` on. What our own tool fetched is never among them."""
    called = _tools(view.said)
    found = []
    for at in range(start, len(view.said)):
        for result in view.said[at].results:
            text, tool = result.text, called.get(result.id, "")
            if text is None or len(text) < SHORTEST or tool == TOOL or text.startswith(MARK):
                continue
            tokens = count(text)
            if tokens <= policy.result_tokens:
                continue
            content = content_of(unmarked(view.messages[at]), result.place)
            kept = blobs.blob("result", content)
            stub = Stub(result.id, digest_of(text), _text(text, tool, tokens, kept.sha256[:REF]), kept.sha256)
            if 2 * (shown := count(stub.text)) < tokens:
                found.append(Found(at, result.place, stub, kept, tokens - shown))
    return found


def put(view: View, found: Sequence[Found]) -> None:
    """Send the stubs."""
    for one in found:
        know(view, one.stub)
        before = content_of(view.messages[one.message], one.place)
        content = as_content(one.stub.text, before)
        view.replace(one.message, with_content(view.messages[one.message], one.place, content))


def _text(text: str, tool: str, tokens: int, ref: str) -> str:
    head = _HEAD.format(ref=ref, tool=tool or "unknown", tokens=tokens, lines=text.count("\n") + 1)
    return "\n".join((head, digest(text, most=_MOST), _TAIL.format(tool=TOOL, ref=ref)))


def _tools(said: Sequence[Message]) -> dict[str, str]:
    return {call.id: call.name for message in said for call in message.calls}
