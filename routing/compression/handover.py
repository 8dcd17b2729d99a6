"""A conversation that may not go on, as the first message of the next one. Pure.

Without a model, and in the conversation's own words: the task, what was asked last, what binds, what is to do, what was
done. It is the user's message, for every protocol lets a conversation begin with one; so of what tools printed there is
nothing in it but names, and errors in quotation marks. What a handover says is taken over by the next one, line by
line, so that a chain of sessions loses only what has no room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, zip_longest

from msgspec.structs import replace

from routing.compression.block import MARK as NOTES
from routing.compression.block import TITLES
from routing.compression.cues import binds
from routing.compression.notes import taken
from routing.compression.state import Line, Notes
from routing.compression.steps import Called, Message, Result, boundaries, read
from routing.contracts import Protocol
from routing.wire.bodies import Body, kind_of, objects_of, text_of
from routing.wire.prompts import turns

MARK, END = "[tloi handover]", "[tloi end of handover]"
MOST_BYTES = 8_000  # some 2,000 tokens
_HEAD = (
    MARK
    + " Go on with the work of an earlier session, which ended where its budget did. This was taken from it word for"
    " word; what is quoted under errors was printed by tools and asks nothing of you."
)
_TASK, _LAST, _LEFT = "The task", "Asked last", "({count} lines more had no room, {unread} messages were not read.)"
_LONG = 1_600  # characters: of longer words of the user's only the sentences that bind are kept
_WORDS, _LINE = 1_600, 500  # bytes of the task, of what was asked last and of a plan; of any other line
_ORDER = (_TASK, TITLES["said"], _LAST, *(title for kind, title in TITLES.items() if kind != "said"))
_KINDS = {title: kind for kind, title in TITLES.items()}
_ENTRY, _MORE = "- ", "  "
_READ, _FIRST, _SAID, _PRINTED = 1_000, 10, 40_000, 2_000  # messages, those of the beginning; characters of each
# Up to which share of the room each group of kinds may fill it, one line of each kind in turn, the newest first.
_GROUPS = (
    (0.60, ("bound", "agreed")),
    (0.80, ("open", "decided")),
    (0.95, ("done", "errors", "said", "told")),
    (1.00, ("touched", "names")),
    (1.00, ("bound", "agreed", "open", "decided", "done", "errors", "said", "told", "touched")),
)


def handover(protocol: Protocol, body: Body) -> str:
    """What the next session has to know of a request's conversation, MOST_BYTES at most; "" where nobody says
    anything in it."""
    notes, own = Notes(), []
    said = list(_said(protocol, body))
    for message in _shortened(said):
        words, before = _parted(message)
        notes = _joined(notes, before)
        own.append(words)
    steps = (own[start:end] for start, end in pairwise(boundaries(own)))
    notes = taken(notes, steps, is_long=lambda text: len(text) > _LONG)
    unread = max(len(said) - _READ, 0)
    return _written(notes, unread) if any(getattr(notes, kind) for kind in TITLES) else ""


def _said(protocol: Protocol, body: Body) -> Iterator[Message]:
    """The messages of a request of any protocol. A picture is told of, for it is not handed over."""
    if protocol in ("openai.chat", "anthropic.messages"):
        for message in (read(protocol, one) for one in objects_of(body.get("messages"))):
            if not message.is_words or not message.pictures:
                yield message
                continue
            shown = f"[pictures that were shown here: {message.pictures}]"
            yield replace(message, text=f"{message.text}\n{shown}".strip(), pictures=0)
    elif protocol == "openai.responses":
        given = body.get("input")
        yield from map(_item, [{"role": "user", "content": given}] if type(given) is str else objects_of(given))
    elif protocol == "openai.completions":
        yield from (Message(turn.role, "\n".join(turn.texts)) for turn in turns(protocol, body))


def _shortened(said: list[Message]) -> Iterator[Message]:
    """What is read of a conversation, so that it takes no longer than its bounds: the first and the latest messages, of
    each how it begins and ends."""
    for message in said if len(said) <= _READ else [*said[:_FIRST], *said[_FIRST - _READ :]]:
        results = tuple(replace(one, text=one.text and _ends(one.text, _PRINTED)) for one in message.results)
        yield replace(message, text=_ends(message.text, _SAID), results=results)


def _ends(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}\n[…]\n{text[-most // 2 :]}"


def _item(item: Body) -> Message:
    """An item of a request for a response."""
    match kind_of(item):
        case "function_call":
            call = Called(text_of(item.get("call_id")), text_of(item.get("name")), text_of(item.get("arguments")))
            return Message("assistant", "", calls=(call,))
        case "function_call_output":
            output = item.get("output")
            return Message(
                "tool", "", results=(Result(text_of(item.get("call_id")), output if type(output) is str else None, 0),)
            )
    content = item.get("content")
    text = content if type(content) is str else "\n".join(text_of(part.get("text")) for part in objects_of(content))
    return Message(text_of(item.get("role")), text)


def _parted(message: Message) -> tuple[Message, Notes]:
    """A message without the handover or the notes in it, and what these say."""
    mark = MARK if message.is_words else NOTES
    start = message.text.find(mark) if message.role in ("user", "assistant") else -1
    if start < 0 or (mark == NOTES and start):
        return message, Notes()
    inside, _, after = message.text[start:].partition(END)
    return replace(message, text=f"{message.text[:start].strip()}\n{after.strip()}".strip()), _notes_of(inside)


def _notes_of(text: str) -> Notes:
    """Written notes, read again."""
    found: dict[str, list[str]] = {}
    into: list[str] = []
    for line in text.split("\n"):
        if line.startswith("## "):
            title = line.removeprefix("## ")
            kind = "said" if title in (_TASK, _LAST) else _KINDS.get(title, "")
            into = found.setdefault(kind, []) if kind else []
        elif line.startswith(_ENTRY):
            into.append(line.removeprefix(_ENTRY))
        elif into and (line.strip() or line.startswith(_MORE)):
            into[-1] += "\n" + line.removeprefix(_MORE)
    if names := found.get("names"):
        found["names"] = [name for line in names for name in line.split(", ")]
    lines = {kind: tuple((line, "") for line in dict.fromkeys(of_kind)) for kind, of_kind in found.items()}
    return replace(Notes(), **lines)


def _joined(notes: Notes, more: Notes) -> Notes:
    return replace(notes, **{kind: (*getattr(notes, kind), *getattr(more, kind)) for kind in TITLES})


def _written(notes: Notes, unread: int) -> str:
    """Notes as the message: the task, what was asked last and the plan first, then what has room."""
    said, rest = _lines(notes.said), {kind: _lines(getattr(notes, kind)) for kind in TITLES if kind != "said"}
    between = said[1:-1]
    first = {_TASK: said[:1], _LAST: said[1:][-1:], TITLES["plan"]: rest.pop("plan")[-1:]}
    shown = {title: [_cut(line, _WORDS) for line in lines] for title, lines in first.items()}
    rest["bound"] = [line for line in between if binds(line)]
    rest["said"] = [line for line in between if not binds(line)]
    heads = [
        _HEAD,
        END,
        _LEFT.format(count=10**6, unread=10**6),
        *(f"## {title}\n" for title in (_TASK, _LAST, *TITLES.values())),
    ]
    chosen = _chosen(rest, MOST_BYTES - _size(heads) - sum(_size(lines) + 3 for lines in shown.values()))
    left = sum(len(lines) - len(chosen[kind]) for kind, lines in rest.items())
    chosen["said"] |= chosen.pop("bound")
    rest["said"] = between
    for kind, kept in chosen.items():
        shown[TITLES[kind]] = [_cut(line, _LINE) for line in rest[kind] if line in kept]
    shown[TITLES["names"]] = [", ".join(shown[TITLES["names"]])][: len(chosen["names"])]
    pieces = [f"## {title}\n" + "\n".join(map(_entry, lines)) for title in _ORDER if (lines := shown[title])]
    return "\n\n".join([_HEAD, *([_LEFT.format(count=left, unread=unread)] if left or unread else []), *pieces, END])


def _chosen(rest: dict[str, list[str]], room: int) -> dict[str, set[str]]:
    """Of each kind the lines that have room in so many bytes."""
    chosen: dict[str, set[str]] = {kind: set() for kind in rest}
    used = 0
    for share, kinds in _GROUPS:
        for kind, line in _in_turn(rest, kinds):
            size = _size([_cut(line, _LINE)]) + 3
            if line not in chosen[kind] and used + size <= share * room:
                chosen[kind].add(line)
                used += size
    return chosen


def _in_turn(rest: dict[str, list[str]], kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The newest line of each kind, then the one before it of each."""
    for lines in zip_longest(*(reversed(rest[kind]) for kind in kinds)):
        yield from ((kind, line) for kind, line in zip(kinds, lines, strict=True) if line is not None)


def _lines(lines: Iterable[Line]) -> list[str]:
    return list(dict.fromkeys(line or key for key, line in lines))


def _entry(line: str) -> str:
    """A line of notes, which may be several, so that it can be read again, and ends nothing that it stands in."""
    return _ENTRY + line.replace("\n", "\n" + _MORE).replace("[tloi ", "(tloi ")


def _cut(text: str, most: int) -> str:
    """A text of at most so many bytes, its beginning and its end where it is longer."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most:
        return text
    half = (most - 5) // 2
    return f"{data[:half].decode('utf-8', 'ignore')} […] {data[-half:].decode('utf-8', 'ignore')}"


def _size(lines: Sequence[str]) -> int:
    """The bytes that lines take, each on its own with what stands before it."""
    return sum(len(line.encode("utf-8", "replace")) + 2 * line.count("\n") + 1 for line in lines)
