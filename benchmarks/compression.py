"""What compression saves of long sessions, in tokens and in money with the provider's cache counted, and what it loses.

Twelve made sessions of a coding agent (benchmarks/compression_sessions.py: half in OpenAI's chat, half in Anthropic's
messages), 40 to 160 calls each, whose results are those of real commands. Tokens are o200k_base's. The money is input
alone, by the ratios of Anthropic's prices (a write 1.25, a read 0.1), counted here and not by what is measured: a
request pays a read for what it has in common with the one before, message by message, and a write for the rest. The
trigger is 10,000 tokens; every parameter was chosen on seeds 101 to 112, and reported are 1 to 12.

Bars: `compression-tokens` ≥ 0.70 of all tokens saved; `compression-cost` ≥ 0.60 of the cost; `compression-worst` ≥ 0,
the smallest saving of cost of any one session; `compression-anytime` ≥ -0.05, the smallest that any of them has had
after any of its calls; `compression-lost` ≤ 0: planted facts, decisions, orders and things to do, and arguments of
calls that an earlier result had named, neither in the prompt nor given by the tool that fetches, and of decisions,
orders and things to do those that are not in the prompt itself. Beside them, with what they lose: a window of the last
20 messages, and masks for all results but the last ten. `compression-short` ≥ -0.05 is the same function on 36 sessions
of 3 to 30 calls; its ratio is the smallest saving of any, and the detail says how many lose.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import harness
from benchmarks.compression_sessions import Message, Session, bodies, session
from routing.compression.compress import compress
from routing.compression.policy import Policy, Prices
from routing.compression.retrieving import answer
from routing.compression.state import State
from routing.compression.steps import boundaries, read
from telemetry.outlook import encoding

WRITE, READ = 1.25, 0.1
REPORTED, CHOSEN_ON = range(1, 13), range(101, 113)
POLICY = Policy(session_tokens=10_000, prices=Prices(cache_write=3_750_000_000, cache_read=300_000_000))
_REF = re.compile(r"ref=\\?\"?([0-9a-f]{16})")
_tokens: dict[str, int] = {}
_took_ms: list[float] = []


@dataclass(slots=True)
class Tally:
    """What the requests of one session came to, and what was kept of what was planted."""

    tokens: int = 0
    cost: float = 0.0
    kept: int = 0
    fetched: int = 0
    lost: int = 0
    out_of_words: int = 0  # decisions, orders and things to do that are not in the prompt itself
    live_kept: int = 0
    live_fetched: int = 0
    live_lost: int = 0
    edits: int = 0
    costs: list[float] = field(default_factory=list)  # up to and with each call


Way = Callable[[Session], Iterator[tuple[Message, Callable[[str], bytes | None]]]]


def main() -> None:
    """Six JSON lines. `--choose` prints those of the seeds on which parameters were chosen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--choose", action="store_true")
    seeds = CHOSEN_ON if parser.parse_args().choose else REPORTED
    sessions = [session(seed, 40 + 120 * place // (len(seeds) - 1)) for place, seed in enumerate(seeds)]
    whole = [tally(one, as_it_came) for one in sessions]
    ours = [tally(one, compressed) for one in sessions]
    detail = _detail(sessions, whole, ours)
    harness.report("compression-tokens", 1 - _sum(ours, "tokens") / _sum(whole, "tokens"), at_least=0.70, **detail)
    harness.report("compression-cost", 1 - _sum(ours, "cost") / _sum(whole, "cost"), at_least=0.60)
    harness.report("compression-worst", min(_saved(whole, ours)), at_least=0.0)
    harness.report("compression-anytime", _least(whole, ours), at_least=-0.05)
    lost = sum(one.lost + one.live_lost + one.out_of_words for one in ours)
    beside: dict[str, Any] = {
        name: _beside(sessions, whole, way) for name, way in (("window", window), ("masks", masked))
    }
    harness.report("compression-lost", lost, at_most=0, **{**_kept(ours), **beside})
    _short(seeds)


def _short(seeds: range) -> None:
    short = [session(1000 * seed + place, 3 + 27 * place // 2) for seed in seeds for place in range(3)]
    before, after = ([tally(one, way) for one in short] for way in (as_it_came, compressed))
    saved = _saved(before, after)
    harness.report(
        "compression-short",
        min(saved),
        at_least=-0.05,
        sessions=len(saved),
        that_lose=sum(one < 0 for one in saved),
        all_of_them=round(1 - _sum(after, "cost") / _sum(before, "cost"), 3),
    )


def tally(made: Session, way: Way) -> Tally:
    """What a session costs, and what of it is kept, when its requests are sent in some way."""
    told, before = Tally(), list[str]()
    live: dict[int, list[str]] = {}
    for call, path in made.live:
        live.setdefault(call, []).append(path)
    known: tuple[Message, Callable[[str], bytes | None]] | None = None
    for number, (body, find) in enumerate(way(made)):
        units = [json.dumps({name: value for name, value in body.items() if name != "messages"})]
        units += map(json.dumps, body["messages"])
        common = next(
            (at for at, (a, b) in enumerate(zip(before, units, strict=False)) if a != b), min(len(before), len(units))
        )
        sizes = [tokens_of(unit) for unit in units]
        told.tokens += sum(sizes)
        told.cost += READ * sum(sizes[:common]) + WRITE * sum(sizes[common:])
        told.costs.append(told.cost)
        told.edits += common < len(before)
        before, known = units, (body, find)
        for path in live.get(number, ()):
            _judge_live(told, path, "".join(units), find)
    assert known is not None
    _judge(told, made, *known)
    return told


def _judge_live(told: Tally, path: str, prompt: str, find: Callable[[str], bytes | None]) -> None:
    if path in prompt:
        told.live_kept += 1
    elif _fetches(path, prompt, find):
        told.live_fetched += 1
    else:
        told.live_lost += 1


def _judge(told: Tally, made: Session, body: Message, find: Callable[[str], bytes | None]) -> None:
    """Where every needle is at the session's last request."""
    prompt = json.dumps(body)
    for needle in made.needles:
        if needle.at >= made.asked[-1]:
            continue
        if needle.text in prompt:
            told.kept += 1
            continue
        told.out_of_words += needle.kind != "fact"
        if _fetches(needle.text, prompt, find):
            told.fetched += 1
        else:
            told.lost += 1


def _fetches(text: str, prompt: str, find: Callable[[str], bytes | None]) -> bool:
    """Whether the tool, asked for a text under any reference of a prompt, answers with it."""
    refs = dict.fromkeys(_REF.findall(prompt))
    return any(text in answer({"ref": ref, "query": text}, find) for ref in refs)


def as_it_came(made: Session) -> Iterator[tuple[Message, Callable[[str], bytes | None]]]:
    """As the client sends it."""
    return ((body, _nothing) for body in bodies(made))


def compressed(made: Session, policy: Policy = POLICY) -> Iterator[tuple[Message, Callable[[str], bytes | None]]]:
    """By the function that is measured."""
    state, kept = State(), dict[str, bytes]()
    for body in bodies(made):
        began = time.perf_counter()
        outcome = compress(made.protocol, body, state, policy, count=tokens_of)
        _took_ms.append(1000 * (time.perf_counter() - began))
        state = outcome.state
        for one in outcome.blobs:
            kept[one.sha256[:16]] = kept[one.sha256] = one.content
        yield outcome.body, kept.get


def window(made: Session, last: int = 20) -> Iterator[tuple[Message, Callable[[str], bytes | None]]]:
    """The system prompt, the first message of the user and the last 20, cut between steps."""
    for body in bodies(made):
        said = [read(made.protocol, message) for message in body["messages"]]
        first = 1 + (made.protocol == "openai.chat")
        start = next(place for place in boundaries(said) if place >= max(first, len(said) - last))
        yield {**body, "messages": body["messages"][:first] + body["messages"][start:]}, _nothing


def masked(made: Session, last: int = 10) -> Iterator[tuple[Message, Callable[[str], bytes | None]]]:
    """All results but the last ten replaced by a word."""
    for body in bodies(made):
        text = [json.dumps(message) for message in body["messages"]]
        old = [at for at, one in enumerate(text) if '"tool_result"' in one or '"role": "tool"' in one][:-last]
        messages = list(body["messages"])
        for at in old:
            messages[at] = _mask(messages[at])
        yield {**body, "messages": messages}, _nothing


def _mask(message: Message) -> Message:
    if message["role"] == "tool":
        return {**message, "content": "[left out]"}
    return {**message, "content": [{**block, "content": "[left out]"} for block in message["content"]]}


def _nothing(_ref: str) -> bytes | None:
    return None


def tokens_of(text: str) -> int:
    """The tokens of a text, each text counted once."""
    if text not in _tokens:
        _tokens[text] = encoding.count(text, "o200k_base").tokens
    return _tokens[text]


def _sum(tallies: Sequence[Tally], name: str) -> float:
    return float(sum(getattr(one, name) for one in tallies))


def _saved(whole: Sequence[Tally], ours: Sequence[Tally]) -> list[float]:
    return [1 - after.cost / before.cost for before, after in zip(whole, ours, strict=True)]


def _least(whole: Sequence[Tally], ours: Sequence[Tally]) -> float:
    pairs = (
        (a, b)
        for before, after in zip(whole, ours, strict=True)
        for a, b in zip(before.costs, after.costs, strict=True)
    )
    return min(1 - after / before for before, after in pairs)


def _kept(tallies: Sequence[Tally]) -> dict[str, Any]:
    names = ("kept", "fetched", "lost", "out_of_words", "live_kept", "live_fetched", "live_lost")
    return {name: round(_sum(tallies, name)) for name in names}


def _beside(sessions: Sequence[Session], whole: Sequence[Tally], way: Way) -> dict[str, Any]:
    theirs = [tally(one, way) for one in sessions]
    return {
        "tokens": round(1 - _sum(theirs, "tokens") / _sum(whole, "tokens"), 3),
        "cost": round(1 - _sum(theirs, "cost") / _sum(whole, "cost"), 3),
        **_kept(theirs),
    }


def _detail(sessions: Sequence[Session], whole: Sequence[Tally], ours: Sequence[Tally]) -> dict[str, Any]:
    return {
        "sessions": len(sessions),
        "calls": sum(len(one.asked) for one in sessions),
        "longest_prompt": max(sum(tokens_of(json.dumps(m)) for m in one.messages) for one in sessions),
        "million_tokens": round(_sum(whole, "tokens") / 1e6, 1),
        "edits": round(_sum(ours, "edits")),
        "ms_a_call": round(statistics.median(_took_ms), 1),
        "longest_ms": round(max(_took_ms)),
        "cost_of_each": [round(one, 2) for one in _saved(whole, ours)],
    }


if __name__ == "__main__":
    main()
