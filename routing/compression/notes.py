"""Steps to notes: intent, constraints, decisions and what is to do in words, the rest in a line each. Pure.

Notes are added to, never summed up again, so that nothing wears away. What a tool gave is never taken for what the user
or the model said: of it only errors and names are noted, quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from routing.compression.cues import binds, fails, is_empty, question, remains, sentences
from routing.compression.names import names
from routing.compression.state import Line, Notes
from routing.compression.steps import Called, Message, Result
from routing.wire.bodies import as_text, object_of

# How many lines are kept of what has a bound, and how many characters of a line.
BOUNDS = {"done": 40, "touched": 40, "errors": 12, "told": 8, "names": 120}
_LINE, _SHORT_ANSWER, _NAMES_OF_ONE, _SEARCHED = 200, 60, 12, 20_000
_LOOKS = re.compile(
    r"(?:^|[_.\-/ ]|(?<=[a-z])(?=[A-Z]))(?:read|get|list|ls|search|find|grep|glob|cat|view|fetch|query|show|status|log|"
    r"diff|head|tail|look|open|describe|inspect|check|count|calculate|think|tree|wc|pwd|which|explore)(?![a-z])",
    re.IGNORECASE,
)
_PLANS = re.compile(r"todo|plan", re.IGNORECASE)
_SUBJECTS = (
    "file_path",
    "path",
    "notebook_path",
    "filename",
    "file",
    "url",
    "uri",
    "pattern",
    "query",
    "command",
    "cmd",
    "id",
)
_SHELLS = frozenset(("bash", "shell", "exec", "run_command", "terminal", "execute", "run"))
_STUB, _KEPT = re.compile(r"\[tloi ref=([0-9a-f]+) "), " → ref="  # of routing.compression.stubs
_KINDS = [name for name in Notes.__struct_fields__ if name != "asked"]
_ID = re.compile(r"\d+")


@dataclass(slots=True)
class Taking:
    """Notes while they are taken; by kind, lines by key, in the order of when each was last written."""

    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: str = ""  # the last question to the user

    def note(self, kind: str, key: str, line: str) -> None:
        """Write a line under a key: at the end, in the place of what stood there."""
        of_kind = self.lines.setdefault(kind, {})
        of_kind.pop(key, None)
        of_kind[key] = line

    def once(self, kind: str, line: str) -> None:
        """Write a line where it is not there yet."""
        self.lines.setdefault(kind, {}).setdefault(line, line)


def taken(notes: Notes, steps: Iterable[Sequence[Message]], *, is_long: Callable[[str], bool]) -> Notes:
    """Notes with those of more steps. `is_long` tells of which user's words only the sentences that bind are kept."""
    before = {name: {key: line or key for key, line in getattr(notes, name)} for name in _KINDS}
    taking = Taking(before, notes.asked)
    for step in steps:
        results = {result.id: result for message in step for result in message.results}
        for message in step:
            if message.is_pinned:
                continue
            if message.role == "user":
                _words(taking, message, is_long)
            else:
                _model(taking, message, results)
    kept: dict[str, tuple[Line, ...]] = {}
    for name, lines in taking.lines.items():
        pairs = tuple((key, "" if line == key else line) for key, line in lines.items())
        kept[name] = pairs[-BOUNDS[name] :] if name in BOUNDS else pairs
    return replace(notes, asked=taking.asked, **kept)


def _words(taking: Taking, message: Message, is_long: Callable[[str], bool]) -> None:
    """What the user said. Yes alone is worth nothing, but what it answers may be."""
    text, asked = message.text.strip(), taking.asked
    if not text:
        return
    taking.asked = ""
    if asked and len(text) <= _SHORT_ANSWER:
        taking.once("agreed", f"{asked} → {text}")
    elif not is_empty(text):
        taking.once("said", _binding(text) if is_long(text) else text)


def _binding(text: str) -> str:
    """Of a long text how it begins and ends, and every sentence that binds."""
    pieces = sentences(text)
    last = len(pieces) - 1
    kept = [at for at, piece in enumerate(pieces) if at < 2 or at == last or binds(piece)]
    shown: list[str] = []
    for before, at in zip([-1, *kept], kept, strict=False):
        shown += ["[…]", pieces[at]] if at > before + 1 else [pieces[at]]
    return "\n".join(shown)


def _model(taking: Taking, message: Message, results: dict[str, Result]) -> None:
    """What the model said beside its calls, and what it called."""
    pieces = sentences(message.text)
    for piece in pieces:
        if remains(piece):
            taking.once("open", piece)
        elif binds(piece):
            taking.once("decided", piece)
    if pieces and not message.calls:
        taking.note("told", pieces[0], _short(pieces[0]))
    taking.asked = question(message.text) if message.text else taking.asked
    for call in message.calls:
        _called(taking, call, results.get(call.id))


def _called(taking: Taking, call: Called, result: Result | None) -> None:
    arguments = _arguments(call)
    subject = next((str(arguments[name]) for name in _SUBJECTS if arguments.get(name)), "")
    outcome = _outcome(taking, call, result)
    if _PLANS.search(call.name):
        taking.note("plan", call.name, f"{call.name} {call.arguments}")
        return
    if looks(call, subject):
        key = subject or call.arguments
        line = f"{call.name} {key if subject else _cut(arguments)}"
        taking.note("touched", f"{call.name} {key}", _short(line) + outcome)
    else:
        taking.note("done", f"{call.name} {call.arguments}", f"{call.name} {_cut(arguments)}{outcome}")
    searched = "" if outcome.startswith(_KEPT) else (result.text or "" if result else "")[:_SEARCHED]
    for name in names(call.arguments[:_SEARCHED] + "\n" + searched, _NAMES_OF_ONE):
        taking.note("names", name, name)


def looks(call: Called, subject: str) -> bool:
    """Whether a call only looks: by its tool's name, or the command it runs. What is not known may change things."""
    if call.name.lower() in _SHELLS:
        return bool(subject) and all(_LOOKS.match(part.strip()) for part in re.split(r"&&|\|\||[;|]", subject))
    return _LOOKS.search(call.name) is not None


def _outcome(taking: Taking, call: Called, result: Result | None) -> str:
    """How a call ended, in a few words; what failed is noted."""
    if result is None:
        return " → no result"
    if result.text is None:
        return ""
    if found := _STUB.match(result.text):
        return f"{_KEPT}{found[1]}"
    lines = [line for line in result.text[:_SEARCHED].splitlines() if line.strip()]
    failed = [line for line in lines if fails(line)][:1]
    if not failed or not (result.is_error or lines[0] == failed[0] or lines[0].startswith("Traceback")):
        return ""
    line = _short(failed[0] if not lines[0].startswith("Traceback") else lines[-1])
    taking.note("errors", _ID.sub("#", line), f"{call.name}: {as_text_line(line)}")
    return " → failed"


def as_text_line(line: str) -> str:
    """A line of a tool's, quoted."""
    return msgspec.json.encode(line).decode()


def _arguments(call: Called) -> dict[str, Any]:
    try:
        return object_of(msgspec.json.decode(call.arguments))
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return {}


def _cut(arguments: dict[str, Any]) -> str:
    """Arguments as JSON, long texts in them cut: what was written to a file is in the file."""
    return as_text({name: _short(value) if type(value) is str else value for name, value in arguments.items()})[:1_000]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LINE else text[: _LINE - 1] + "…"
