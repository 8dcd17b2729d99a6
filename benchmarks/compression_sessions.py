"""Long sessions of an agent at work on this project: made from a seed, with results of real commands, and with facts,
decisions and orders planted at every depth.

What a tool answers was made by running it, over this project and what it stands on, and cut where coding agents cut it.
A call's arguments are often something that an earlier result said, as with a real agent.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

from benchmarks.harness import ROOT
from routing.contracts import Protocol

Message = dict[str, Any]
LONGEST = 30_000  # characters of a result: where coding agents cut it
PACKAGES = Path(json.__file__).parent.parent / "site-packages"
_PATH = re.compile(r"\b[\w./-]+\.py\b")
_WORDS = (
    "project_id",
    "started_at",
    "def read",
    "raise ",
    "import re",
    "tokens",
    "nanousd",
    "Protocol",
    "cached",
    "lease",
)
_FOLDERS = (
    "routing",
    "telemetry/observer",
    "telemetry/series",
    "tests/unit",
    "tests/db",
    "docs",
    "benchmarks",
    "templates",
)
_THOUGHTS = (
    "Let me look at this file next.",
    "The call above shows where this is read; the caller passes it on unchanged.",
    "That looks right. Checking who else uses it.",
    "Now the tests that cover it.",
    "This is what I expected from the name, so on to the next place.",
    "I see: the value is computed once and handed down, so nothing else is affected by it as far as I can tell.",
)
_SUBJECTS = (
    "the importer",
    "the rollup fold",
    "the price book",
    "the gateway's journal",
    "the alert rules",
    "the CSV export",
)


@dataclass(frozen=True, slots=True)
class Needle:
    """Something planted: in whose words, what it is, and the text by which it is found again."""

    kind: Literal["fact", "decision", "order", "to do"]
    where: Literal["user", "model", "tool"]
    text: str
    at: int  # the message


@dataclass(slots=True)
class Session:
    """All messages of a session, and before which of them the model is asked."""

    protocol: Protocol
    system: str
    tools: list[Message]
    messages: list[Message] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    needles: list[Needle] = field(default_factory=list)
    live: list[tuple[int, str]] = field(default_factory=list)  # a call's argument that an earlier result said, by call

    def body(self, number: int) -> Message:
        """The request of a call, as the client sends it."""
        messages = self.messages[: self.asked[number]]
        if self.protocol == "openai.chat":
            return {
                "model": "m",
                "messages": [{"role": "system", "content": self.system}, *messages],
                "tools": self.tools,
            }
        return {"model": "m", "max_tokens": 8000, "system": self.system, "messages": messages, "tools": self.tools}


def session(seed: int, calls: int) -> Session:
    """A session of so many calls. Odd seeds speak Anthropic's messages, even ones OpenAI's chat."""
    return _Agent(seed, "anthropic.messages" if seed % 2 else "openai.chat").work(calls)


@cache
def outputs() -> dict[str, tuple[tuple[str, dict[str, str], str], ...]]:
    """What tools gave, by tool: its name, its arguments and its result. Each command is run once."""
    python = sys.executable
    shell = [
        f"grep -rn --include=*.py {word!r} {where}" for word in _WORDS for where in ("routing", "telemetry", "tests/db")
    ]
    shell += [f"ls -R {folder}" for folder in _FOLDERS] + ["git log --stat -n 30", "git log --oneline -n 200"]
    shell += [
        f"{python} -m pytest --collect-only -q -p no:cacheprovider {where}"
        for where in ("tests/unit/routing", "tests/house")
    ]
    shell += [f"wc -l {folder}/*" for folder in ("docs", "routing/gateway", "telemetry/ledger")]
    shell += [
        f"grep -rn --include=*.py {word!r} {PACKAGES / name}" for word in _WORDS[2:5] for name in ("celery", "aiohttp")
    ]
    ran = [("bash", {"command": command.replace(python, "python")}, _run(command)) for command in shell]
    ran.append(
        ("fetch", {"url": "/api/v1/schema/?format=json"}, _run(f"{python} manage.py spectacular --format openapi-json"))
    )
    ran.append(("fetch", {"url": "/installed.json"}, _run(f"{python} -m pip list --format json")))
    return {"run": tuple(one for one in ran if one[2])}


def read_file(path: str) -> str:
    """A file as a coding agent reads it: numbered lines."""
    lines = (ROOT / path).read_text("utf-8", "replace").splitlines()
    return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, 1))[:LONGEST]


def _run(command: str) -> str:
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)  # noqa: S602
    return (done.stdout or done.stderr)[:LONGEST]


class _Agent:
    """A scripted agent."""

    def __init__(self, seed: int, protocol: Protocol) -> None:
        self.dice = Random(seed)
        tools = [_tool(protocol, *about) for about in _TOOLS]
        self.made = Session(protocol, _SYSTEM, tools)
        self.seen: list[str] = []  # paths that results named
        self.number = 0

    def work(self, calls: int) -> Session:
        """Tasks of the user, one after the other, until the model was asked so often."""
        while len(self.made.asked) < calls:
            self._say_user()
            for _ in range(min(self.dice.randint(6, 24), calls - len(self.made.asked))):
                self.made.asked.append(len(self.made.messages))
                self._step()
            if len(self.made.asked) < calls:
                self.made.asked.append(len(self.made.messages))
                self._say(
                    f"Done with {self.dice.choice(_SUBJECTS)}: {self._needle('fact', 'model')}. Shall I commit it?"
                )
        return self.made

    def _say_user(self) -> None:
        words = [f"Have a look at {self.dice.choice(_SUBJECTS)} and tell me why it is slow on Mondays."]
        if self.made.messages:
            words.insert(
                0, self.dice.choice(("Yes.", "Thanks, looks good!", "No, leave it uncommitted for now.", "ok"))
            )
        if self.dice.random() < 0.8:
            words.append(f"{self._needle('order', 'user')}.")
        if self.dice.random() < 0.5:
            words.append(f"For the record: {self._needle('fact', 'user')}.")
        if self.dice.random() < 0.2:
            words.append("This is the log of last night:\n" + self._result()[2][:6_000])
        self.made.messages.append({"role": "user", "content": "\n".join(words)})

    def _step(self) -> None:
        """The model calls a tool, or two, and is given what came of it."""
        words = [self.dice.choice(_THOUGHTS)]
        if self.dice.random() < 0.12:
            words.append(f"{self._needle('decision', 'model')}.")
        if self.dice.random() < 0.08:
            words.append(f"{self._needle('to do', 'model')}.")
        results = [self._result() for _ in range(2 if self.dice.random() < 0.15 else 1)]
        self._say(" ".join(words), [(name, arguments) for name, arguments, _ in results])
        self._answer([text for _, _, text in results])
        for _, _, text in results:
            self.seen += [path for path in _PATH.findall(text) if len(path) < 80][:40]

    def _result(self) -> tuple[str, dict[str, str], str]:
        chance = self.dice.random()
        if chance < 0.5 and self.seen:
            path = self.dice.choice(self.seen[-60:] if self.dice.random() < 0.7 else self.seen)
            if (ROOT / path).is_file():
                self.made.live.append((len(self.made.asked) - 1, path))
                whole = read_file(path)
                start = self.dice.randrange(1, 200) if self.dice.random() < 0.6 else 1
                lines = whole.splitlines()[start - 1 : start + self.dice.choice((30, 80, 2000))]
                return "read_file", {"path": path, "offset": str(start)}, self._with_fact("\n".join(lines) or "(empty)")
        if chance < 0.62 and self.seen:
            path = self.dice.choice(self.seen[-60:])
            self.made.live.append((len(self.made.asked) - 1, path))
            change = {"path": path, "old": "x" * self.dice.randint(20, 200), "new": "y" * self.dice.randint(20, 300)}
            return "edit_file", change, f"The file {path} has been updated."
        name, arguments, text = self.dice.choice(outputs()["run"])
        if name == "bash" and self.dice.random() < 0.6:
            most = self.dice.choice((5, 20, 60))
            arguments = {"command": f"{arguments['command']} | head -n {most}"}
            text = "\n".join(text.splitlines()[:most])
        return name, arguments, self._with_fact(text)

    def _with_fact(self, text: str) -> str:
        if self.dice.random() > 0.1 or text.startswith(("{", "[")):
            return text
        lines = text.splitlines()
        lines.insert(self.dice.randint(0, len(lines)), f"# {self._needle('fact', 'tool')}")
        return "\n".join(lines)

    def _needle(
        self, kind: Literal["fact", "decision", "order", "to do"], where: Literal["user", "model", "tool"]
    ) -> str:
        self.number += 1
        thing = f"{self.dice.choice('abcdefgh')}{self.dice.randint(1000, 9999)}n{self.number}"
        text = self.dice.choice(_PLANTED[kind]).format(thing=thing, amount=self.dice.randint(1000, 99999))
        self.made.needles.append(Needle(kind, where, text, len(self.made.messages)))
        return text

    def _say(self, text: str, calls: Sequence[tuple[str, dict[str, str]]] = ()) -> None:
        named = [(f"call_{len(self.made.messages)}_{place}", *call) for place, call in enumerate(calls)]
        if self.made.protocol == "openai.chat":
            made = [
                {"id": id_, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
                for id_, name, arguments in named
            ]
            self.made.messages.append({"role": "assistant", "content": text} | ({"tool_calls": made} if made else {}))
            return
        blocks: list[Message] = [{"type": "text", "text": text}]
        blocks += [{"type": "tool_use", "id": id_, "name": name, "input": inner} for id_, name, inner in named]
        self.made.messages.append({"role": "assistant", "content": blocks})

    def _answer(self, texts: Sequence[str]) -> None:
        asked = len(self.made.messages) - 1
        ids = [f"call_{asked}_{place}" for place in range(len(texts))]
        if self.made.protocol == "openai.chat":
            for id_, text in zip(ids, texts, strict=True):
                self.made.messages.append({"role": "tool", "tool_call_id": id_, "content": text})
            return
        blocks = [
            {"type": "tool_result", "tool_use_id": id_, "content": text} for id_, text in zip(ids, texts, strict=True)
        ]
        self.made.messages.append({"role": "user", "content": blocks})


_PLANTED = {
    "fact": (
        "host {thing} answers in {amount} ms",
        "invoice {thing} is over {amount} euros",
        "build {thing} has {amount} tests",
    ),
    "decision": (
        "I decided to keep {thing} as it is, because {amount} rows depend on it",
        "We will use {thing} instead of the old table",
        "The root cause is {thing}, so I am going with {amount} as the limit",
    ),
    "order": (
        "Do not touch {thing}",
        "Never run the migration {thing} without asking me",
        "You must keep {thing} below {amount} ms",
        "Leave the file {thing}.py alone, it is only for the auditors",
    ),
    "to do": (
        "TODO: remove {thing} once {amount} is out",
        "Still to be done: the test for {thing}",
        "Next step: measure {thing}",
    ),
}
_TOOLS = (
    ("bash", "Runs a command in the project's folder and returns what it printed.", ("command",)),
    ("read_file", "Returns a file's lines with their numbers, from `offset` on.", ("path", "offset")),
    ("edit_file", "Replaces a text in a file by another.", ("path", "old", "new")),
    ("fetch", "Gets a document of the running site.", ("url",)),
)
_SYSTEM = (
    "You are a careful engineer who works on the project in the current folder. Read before you write, run the tests "
    "of what you change, keep changes small, and say what you did not do. Answer in plain words.\n" * 12
)


def _tool(protocol: Protocol, name: str, about: str, fields: Sequence[str]) -> Message:
    schema = {"type": "object", "properties": {one: {"type": "string"} for one in fields}, "required": list(fields)}
    if protocol == "openai.chat":
        return {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}
    return {"name": name, "description": about, "input_schema": schema}


def bodies(made: Session) -> Iterator[Message]:
    """The requests of a session, in order."""
    return map(made.body, range(len(made.asked)))
