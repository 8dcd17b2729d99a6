"""The header of a SKILL.md: between two lines of `---`, YAML of which only a bounded part is taken. Pure.

It is the Agent Skills standard (agentskills.io: name, description, license, compatibility, metadata, allowed-tools)
and OpenClaw's dialect of it, which has keys of its own and writes metadata in braces. Keys that mean nothing here are
passed over. Every scalar is a text, so that `no` is no False and `1.10` no 1.1. Anchors, aliases, tags and keys given
twice are refused: they let a small text stand for a large one, or for an object. Nothing is ever executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from skills.contracts import Header

MOST_BYTES = 16_384
MOST_DESCRIPTION = 1_024  # characters, by the standard, as are the next three
MOST_COMPATIBILITY = 500
MOST_NAME = 64
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MOST_TAGS = 20
_MOST_TAG = 40
_MOST_LIST = 2_000  # characters of a list that is written as one text
_MOST_NODES = 500
_MOST_DEPTH = 8
_FENCED = re.compile(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_UNQUOTED = re.compile(r"^([A-Za-z][\w-]*):[ \t]+(?![\"'|>\[{&*!#%@`])(.*:(?:[ \t].*)?)$", re.MULTILINE)
_NO_TAG = re.compile(r"[^a-z0-9+#.]+")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where the package has it, is twenty times as fast


class BadHeader(ValueError):
    """The header cannot be used; the text says why, for a person who can mend it."""


def cut(raw: bytes) -> tuple[bytes, int]:
    """The header of a SKILL.md, or of its first MOST_BYTES, and where its body begins. Raises BadHeader."""
    fenced = _FENCED.match(raw[:MOST_BYTES])
    if fenced:
        return fenced.group(1), fenced.end()
    if raw.lstrip(b"\xef\xbb\xbf")[:3] != b"---":
        raise BadHeader("it does not begin with a line of three hyphens, after which its name and description stand")
    raise BadHeader(f"its header has no end: a second line of three hyphens in the first {MOST_BYTES:,} bytes")


def read(header: bytes, *, folder: str) -> Header:
    """What a header says; its name must be that of its folder. Raises BadHeader."""
    said = parse(header)
    name = _text(said, "name", most=MOST_NAME)
    if not NAME.fullmatch(name):
        raise BadHeader("its name is not made of lower-case letters, digits and single hyphens between them")
    if name != folder:
        raise BadHeader(f"its name is {name}, but its folder is called otherwise")
    description = _text(said, "description", most=MOST_DESCRIPTION)
    if not description:
        raise BadHeader("it has no description, by which a task would find it")
    kept = said.get("metadata")
    metadata: dict[str, Any] = kept if isinstance(kept, dict) else {}
    return Header(
        name=name,
        description=" ".join(description.split()),
        tags=_tags(said.get("tags") or metadata.get("tags")),
        version=_text(said, "version") or _text(metadata, "version"),
        license=_text(said, "license"),
        compatibility=_text(said, "compatibility", most=MOST_COMPATIBILITY),
        allowed_tools=_words(said.get("allowed-tools")),
        is_offered=_text(said, "disable-model-invocation").lower() not in ("true", "yes", "on", "1"),
    )


def parse(header: bytes) -> dict[str, Any]:
    """A header as texts, lists and dicts of them. A colon in a line that nobody quoted belongs to its value, as most
    readers of skills have it. Raises BadHeader."""
    try:
        text = header.decode()
    except UnicodeDecodeError:
        raise BadHeader("its header is not UTF-8") from None
    try:
        said = _Tree(text).whole()
    except yaml.YAMLError as error:
        quoted = _UNQUOTED.sub(lambda line: f"{line[1]}: '{line[2].rstrip().replace(chr(39), chr(39) * 2)}'", text)
        if quoted == text:
            raise BadHeader(_why(error)) from None
        try:
            said = _Tree(quoted).whole()
        except yaml.YAMLError:
            raise BadHeader(_why(error)) from None
    if not isinstance(said, dict):
        raise BadHeader("its header is no list of keys and values")
    return said


class _Tree:
    """One document, made of a parser's events, with bounds."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._nodes = 0

    def whole(self) -> Any:
        """The document. Raises BadHeader, yaml.YAMLError."""
        found: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise BadHeader("its header holds more than one document")
                found = self._node(next(self._events), 0)
        return found

    def _node(self, event: Any, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES or depth > _MOST_DEPTH:
            raise BadHeader(f"its header has more than {_MOST_NODES} values, or nests deeper than {_MOST_DEPTH}")
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise BadHeader("its header uses an anchor or an alias (& or *)")
        if event.tag:
            raise BadHeader("its header uses a tag (!)")
        if isinstance(event, yaml.ScalarEvent):
            return event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(depth)
        return self._dict(depth)

    def _list(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, depth + 1))
        return found

    def _dict(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, str):
                raise BadHeader("its header has a key that is no word")
            if key in found:
                raise BadHeader(f"its header says {key[:40]!r} twice")
            found[key] = self._node(next(self._events), depth + 1)
        return found


def _why(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return f"its header is no YAML: {problem}" + (f", in line {mark.line + 2}" if mark else "")


def _text(said: dict[str, Any], key: str, most: int = 500) -> str:
    value = said.get(key, "")
    if not isinstance(value, str):
        raise BadHeader(f"its {key} is no text")
    if len(value) > most:
        raise BadHeader(f"its {key} has {len(value):,} characters, and {most:,} are the most")
    return value.strip()


def _words(value: Any) -> tuple[str, ...]:
    """A list of texts, or one text of words with spaces or commas between them, as far as it is no longer than one
    that somebody means: to split what stands in brackets takes the square of its length."""
    if isinstance(value, str):
        value = value[:_MOST_LIST]
        value = re.split(r"[,\s]+", value) if "(" not in value else re.split(r"\s+(?![^(]*\))|,", value)
    return tuple(word.strip() for word in value or () if isinstance(word, str) and word.strip())


def _tags(value: Any) -> tuple[str, ...]:
    """Tags as they are compared: in lower case, with hyphens for what is between their words, each once."""
    words = value.split(",") if isinstance(value, str) and "," in value else _words(value)
    tags = (_NO_TAG.sub("-", word.lower()).strip("-")[:_MOST_TAG] for word in words)
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:MOST_TAGS]
