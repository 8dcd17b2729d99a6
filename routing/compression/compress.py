"""One request made shorter: what was left out before is left out again, and more only where that saves money. Pure.

By the rules of docs/compression.md. Nothing that came is changed: the body that is returned is another.
"""

from __future__ import annotations

import operator
from functools import cached_property
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from routing.compression import folding, stubs
from routing.compression.blobs import Blob
from routing.compression.block import TOOL
from routing.compression.policy import Edit, Policy, cost_nanousd, is_triggered, pays, purse, rent
from routing.compression.retrieving import definition, offered
from routing.compression.state import State
from routing.compression.steps import Running, running
from routing.compression.view import Count, Meter, Seen, look
from routing.contracts import Protocol
from routing.wire.bodies import Body, as_text
from routing.wire.prompts import tools_of

Change = Literal["stub", "offer", "fold"]


class TakesLong(Exception):
    """To look what may be left out takes tens of milliseconds, for which an event loop has no time."""


class Saved(Struct, frozen=True):
    """What this request is beside the client's own: so many tokens less, and nano-dollars with the provider's cache
    counted, below zero where it pays for what later ones save; None without prices."""

    tokens: int
    nanousd: int | None
    of_nanousd: int = 0  # what the client's own costs


class Outcome(Struct, frozen=True):
    """What to send, what to remember for the conversation's next request, what to keep under its hash before that is
    sent, and what was changed that had been sent otherwise: the cache is behind `offer` and `fold`, never `stub`."""

    body: Body
    state: State
    blobs: tuple[Blob, ...]
    changes: tuple[Change, ...]
    saved: Saved
    seen: Seen | None = None  # for the conversation's next request, if one likes


def compress(
    protocol: Protocol,
    body: Body,
    state: State,
    policy: Policy,
    *,
    count: Count,
    idle_s: float | None = None,
    seen: Seen | None = None,
    is_brief: bool = False,
) -> Outcome:
    """A request of a chat or for a message. `count` counts the tokens of a text; `idle_s` is how long ago the last
    request of the conversation was, None where that is not known. A request that says nothing new is sent as before.
    With what was `seen` of the last request it is faster, and comes to the same. Where it is to be brief it raises
    TakesLong rather than read what may newly be left out."""
    if protocol not in ("openai.chat", "anthropic.messages"):
        return Outcome(body, state, (), (), Saved(0, None))
    return _Compressing(protocol, body, state, policy, count, idle_s, seen, is_brief=is_brief).outcome()


class _Compressing:
    """One request, on its way through the rules."""

    def __init__(
        self,
        protocol: Protocol,
        body: Body,
        state: State,
        policy: Policy,
        count: Count,
        idle_s: float | None,
        seen: Seen | None,
        *,
        is_brief: bool,
    ) -> None:
        self.protocol, self.body, self.policy, self.count = protocol, body, policy, count
        self.is_brief = is_brief
        self.meter = Meter(protocol, count)
        self.view, self.state = look(protocol, body, state, seen)
        if seen is not None and seen.count == count:
            self.meter.know(self.view.came[: self.view.same], seen.tokens)
        self.before = self.state
        self.has_tool = any(tool.name == TOOL for tool in tools_of(body))
        self.frame = self.meter.frame(body)
        self.tool = 0 if self.has_tool else count(as_text(definition(protocol)))
        self.blobs: list[Blob] = []
        self.changes: list[Change] = []
        self.counted: dict[int, int] = {}
        sent, whole = self.state.sent, len(self.view.messages)
        before = self._running(seen)
        self.goes_on = 0 < sent <= whole and self.state.last == before.hexdigest()
        self.running = running(self.view.messages[sent:], before)
        answered = max((at + 1 for at, said in enumerate(self.view.said) if said.role == "assistant"), default=0)
        # What the provider may have kept. Of a conversation that is not known: all up to its last answer.
        self.kept = sent if self.goes_on else answered
        self.new = max(self.kept, answered)
        self.is_cold = not self.kept or (idle_s is not None and idle_s > policy.cache_s)

    def outcome(self) -> Outcome:
        """Through all of them."""
        if self.goes_on and self.kept == len(self.view.messages) and not self.policy.is_due:
            return Outcome(self._body(), self.state, (), (), self._saved(), self._seen())
        self.state = replace(self.state, calls=self.state.calls + 1)
        self._stub()
        self._fold()
        if self.changes:
            self.running = running(self.view.messages)
        saved = self._saved()
        self.state = replace(
            self.state,
            sent=len(self.view.messages),
            last=self.running.hexdigest(),
            came_tokens=self._came,
            sent_tokens=self._sent(),
            saved_tokens=self.state.saved_tokens + saved.tokens,
            came_nanousd=self.state.came_nanousd + saved.of_nanousd,
            saved_nanousd=self.state.saved_nanousd + (saved.nanousd or 0),
        )
        return Outcome(self._body(), self.state, tuple(self.blobs), tuple(self.changes), saved, self._seen())

    def _stub(self) -> None:
        """Replace long results that are new."""
        if self.is_brief and stubs.are_due(self.view, self.new, self.policy, self.count):
            raise TakesLong
        found = stubs.find(self.view, self.new, self.policy, self.count)
        if not found:
            return
        if not self._offers():
            removed = sum(one.removed for one in found) - self.tool
            edit = Edit(removed, self._first(len(self.view.messages)), is_unsent=True)
            if not pays(self.policy, edit, purse(self.policy, self.state, is_cold=self.is_cold)):
                return
        stubs.put(self.view, found)
        self.blobs += [one.blob for one in found]
        self.changes.append("stub")
        self.state = replace(self.state, stubs=(*self.state.stubs, *(one.stub for one in found)))
        self._offer()

    def _fold(self) -> None:
        """Fold the oldest steps where the prompt is long enough and it pays."""
        view, policy = self.view, self.policy
        end = folding.cut_place(view, policy, self.meter)
        if end <= view.behind:
            return
        removable = self.meter.of(view.messages[view.behind : end])
        self.state = replace(self.state, held=self.state.held + rent(policy, removable))
        turns = sum(said.role == "assistant" for said in view.said[view.behind :])
        if not is_triggered(policy, tokens=self._sent(), turns=turns):
            return
        if not self._is_worth(Edit(removable, self.meter.of(view.messages[end : self.kept]))):
            return
        if self.is_brief:
            raise TakesLong
        made = folding.cut(view, end, self.state, policy, kept=self.kept, meter=self.meter, count=self.count)
        if not self._is_worth(made.edit):
            return
        folding.apply(view, made)
        self.blobs += made.blobs
        self.changes.append("fold")
        self.state = replace(self.state, fold=made.fold, held=0)
        self._offer()

    def _is_worth(self, edit: Edit) -> bool:
        """Whether a cut pays, with the tool that it may need first."""
        if not self._offers():
            edit = Edit(edit.removed - self.tool, edit.rewritten + self._first(self.view.head))
        is_cold = self.is_cold or "offer" in self.changes  # then all is rewritten anyway
        return pays(self.policy, edit, purse(self.policy, self.state, is_cold=is_cold))

    def _first(self, end: int) -> int:
        """What the tool among the tools would have rewritten of the messages up to `end`, and before them."""
        return self.tool + self.frame + self.meter.of(self.view.messages[: min(end, self.kept)])

    def _offers(self) -> bool:
        return self.state.is_offered or self.has_tool

    def _offer(self) -> None:
        if not self._offers() and self.kept:
            self.changes.append("offer")
        self.state = replace(self.state, is_offered=True)

    def _body(self) -> Body:
        came = self.view.came
        is_same = len(came) == len(self.view.messages) and all(map(operator.is_, came, self.view.messages))
        body = self.body if is_same else {**self.body, "messages": self.view.messages}
        return offered(self.protocol, body) if self.state.is_offered else body

    def _seen(self) -> Seen:
        seen = self.view.seen
        return replace(seen, tokens=self._each_came, count=self.count, state=self.state, sent=self.running)

    def _running(self, seen: Seen | None) -> Running:
        """The hash of as many messages as were sent last: where all that came then came again, it is known."""
        if seen is None or seen.sent is None or seen.state is not self.state or self.view.same < len(seen.came):
            return running(self.view.messages[: self.state.sent])
        return seen.sent

    @cached_property
    def _each_came(self) -> list[int]:
        return self.meter.each(self.view.came)

    @cached_property
    def _came(self) -> int:
        return self.frame + sum(self._each_came)

    def _sent(self) -> int:
        if len(self.changes) not in self.counted:  # what is sent changes with them
            self.counted[len(self.changes)] = self.meter.of(self.view.messages)
        return self.frame + self.tool * self.state.is_offered + self.counted[len(self.changes)]

    def _saved(self) -> Saved:
        """What this request is beside the client's own, whose cache nothing would have spoiled."""
        came, sent = self._came, self._sent()
        if (prices := self.policy.prices) is None:
            return Saved(came - sent, None)
        came_kept, sent_kept = self.before.came_tokens, self.before.sent_tokens
        if not self.goes_on:
            came_kept = sent_kept = self.frame + self.meter.of(self.view.messages[: self.kept])
        if self.is_cold:
            came_kept = sent_kept = 0
        elif "offer" in self.changes:
            sent_kept = 0
        elif "fold" in self.changes:
            sent_kept = self.frame + self.tool + self.meter.of(self.view.messages[: self.view.head])
        spent = cost_nanousd(prices, tokens=sent, kept=min(sent, sent_kept))
        whole = cost_nanousd(prices, tokens=came, kept=min(came, came_kept))
        return Saved(came - sent, whole - spent, whole)
