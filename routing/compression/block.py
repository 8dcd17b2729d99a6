"""Notes as the one message that stands for what was folded. Pure.

It is the model's own: what a tool said must not gain the weight of a user's word, and two messages of the user in a row
are refused by some servers. Where the model speaks next, a word of the user stands between.
"""

from __future__ import annotations

from collections.abc import Sequence

from routing.compression.blobs import REF
from routing.compression.state import Line, Notes
from routing.wire.bodies import Body

MARK = "[tloi notes]"
TOOL = "tloi_retrieve"
GO_ON: Body = {"role": "user", "content": "[tloi] Go on from these notes."}
_HEAD = (
    MARK + " My notes of the work so far, in place of the messages themselves. The whole of it, with every result: "
    '{tool}(ref="{ref}", query="…").'
)
TITLES = {
    "said": "The user said, in these words (it holds unless taken back later)",
    "agreed": "I asked, and the user answered",
    "decided": "Decided and found",
    "open": "To do, as it was said",
    "plan": "The plan as it stood last",
    "done": "Done (newest last)",
    "touched": "Looked at (newest last)",
    "errors": "Errors that tools gave",
    "told": "Told the user",
    "names": "Names and figures that were met",
}


def written(notes: Notes, history: str) -> str:
    """The text of notes, with the reference of what they stand for."""
    pieces = [_HEAD.format(tool=TOOL, ref=history[:REF])]
    for name, title in TITLES.items():
        lines: tuple[Line, ...] = getattr(notes, name)
        if name == "names" and lines:
            pieces.append(f"## {title}\n" + ", ".join(line or key for key, line in lines))
        elif lines:
            pieces.append(f"## {title}\n" + "\n".join(f"- {line or key}" for key, line in lines))
    return "\n\n".join(pieces)


def messages(text: str, pinned: Sequence[Body], follows: str) -> list[Body]:
    """What is sent: the notes, what was pinned among the messages that they stand for, and where a message of the role
    `follows` needs it, a word of the user."""
    block: Body = {"role": "assistant", "content": text}
    speaks = follows == "user" or any(message.get("role") == "user" for message in pinned)
    return [block, *pinned] if speaks else [block, *pinned, GO_ON]


def is_notes(message: Body) -> bool:
    """Whether a message is notes of ours, or the word after them."""
    content = message.get("content")
    is_block = message.get("role") == "assistant" and type(content) is str and content.startswith(MARK)
    return is_block or message == GO_ON
