"""Long results of tools, replaced before they first enter a prompt, so that nothing has to be rewritten. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from routing.compression import blobs
from routing.compression.blobs import REF, Blob
from routing.compression.block import TOOL
from routing.compression.digest import digest
from routing.compression.policy import Policy
from routing.compression.state import Stub
from routing.compression.steps import Message, Result, as_content, content_of, unmarked, with_content
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
    found = []
    for at, result, tool, tokens in _long(view, start, policy, count):
        text = result.text or ""
        content = content_of(unmarked(view.messages[at]), result.place)
        kept = blobs.blob("result", content)
        stub = Stub(result.id, digest_of(text), _text(text, tool, tokens, kept.sha256[:REF]), kept.sha256)
        if 2 * (shown := count(stub.text)) < tokens:
            found.append(Found(at, result.place, stub, kept, tokens - shown))
    return found


def are_due(view: View, start: int, policy: Policy, count: Count) -> bool:
    """Whether there are any to read."""
    return next(_long(view, start, policy, count), None) is not None


def _long(view: View, start: int, policy: Policy, count: Count) -> Iterator[tuple[int, Result, str, int]]:
    """The long results from `start` on: in which message each stands, its tool, and its tokens."""
    called: dict[str, str] | None = None
    for at in range(start, len(view.said)):
        for result in view.said[at].results:
            text = result.text
            if text is None or len(text) < SHORTEST or text.startswith(MARK):
                continue
            called = _tools(view.said) if called is None else called
            tool, tokens = called.get(result.id, ""), count(text)
            if tool != TOOL and tokens > policy.result_tokens:
                yield at, result, tool, tokens


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
