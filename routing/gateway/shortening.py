"""One prompt made shorter, in a thread: what is known of its conversation is read, and what it now lacks is kept.

read ─▶ compress (pure) ─▶ nothing new: as it was sent before ─▶ written later
                        └▶ something left out: kept with the state that says so, and only then sent
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from sys import maxsize
from typing import TypeVar

import msgspec
import psycopg
from django.db import Error as DatabaseError
from msgspec import Struct
from msgspec.structs import replace

from routing.compression.compress import Outcome, compress
from routing.compression.policy import Policy, Prices
from routing.compression.rounds import with_rounds
from routing.compression.view import Seen
from routing.contracts import Caller, Compressed, Protocol, Shortening, Tier
from routing.gateway.exchange import Exchange, Shortened
from routing.originals import keeping
from routing.originals.keeping import Keeping, Known, Overtaken
from routing.roster import Roster
from routing.wire.bodies import Body, objects_of, written
from routing.wire.reading import Request
from telemetry import facade
from telemetry.contracts import Call

PROTOCOLS = frozenset(("openai.chat", "anthropic.messages"))
HEADER = b"x-tloi-compress"
LEAST_BYTES = 4_000  # of a body
WRITE_S = 0.25  # that a statement may take
PRESSED_TOKENS = 1_000  # of a result, where a budget is nearly used up
AWAY = (psycopg.Error, DatabaseError)
_Result = TypeVar("_Result")
_MILLION = 10**6
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # a call has a time, and its price does not depend on it
_TRIES = 3
_UNTRIGGERED = {"session_tokens": maxsize, "turns": maxsize, "result_tokens": maxsize, "is_due": False}


class ByBytes(Struct, frozen=True):
    """Counts the tokens of a text by its bytes."""

    bytes_a_token: float

    def __call__(self, text: str) -> int:
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        return int(size / self.bytes_a_token) + 1


class Asked(Struct, frozen=True, kw_only=True):
    """A request that may be made shorter, as the tier that is asked first counts and charges it."""

    request: Request
    size: int
    caller: Caller
    policy: Policy
    is_shadow: bool
    is_free: bool
    bytes_a_token: float
    has_own_tool: bool
    now: datetime
    conversation: bytes  # by what it is known


class Made(Struct, frozen=True):
    """What became of it. `known` is what is to be remembered of its conversation, which takes so many bytes; it is
    written already where `is_written`. `is_offered`: the model has a tool of ours that the client knows nothing of."""

    shortened: Shortened
    known: Known
    bytes: int
    is_written: bool
    is_offered: bool
    seen: Seen | None = None


@dataclass(slots=True)
class Work:
    """One request in its thread. `asking_since` is when the database was asked what it has not answered yet; where it
    is not asked (`asks`), what this process knows must do, and nothing new is left out."""

    asked: Asked
    known: Known | None
    seen: Seen | None = None
    asks: bool = True
    asking_since: float | None = None

    def keeping(self, found: Known, outcome: Outcome) -> Keeping | None:
        """What to ask to keep what is newly left out; None where a thread must."""
        asked = self.asked
        return keeping.may_keep_at_once(
            asked.caller.project_id, asked.conversation, found, outcome.state, outcome.blobs, now=asked.now
        )

    def __call__(self) -> Made | None:
        """None where nothing is known of the conversation: the request goes as it came."""
        found, may_keep = self.known, False
        if self.asks:
            try:
                found, may_keep = self._told(self._read)
            except AWAY:
                found = self.known
        if found is None:
            return None
        for _ in range(_TRIES):
            outcome = self.compressed(found, may_keep=may_keep)
            if not outcome.changes or self.asked.is_shadow:
                return self.made(outcome, found, is_written=False)
            try:
                return self.made(outcome, self._told(partial(self._kept, found, outcome)), is_written=True)
            except Overtaken:
                try:
                    found, may_keep = self._told(self._read)
                except AWAY:
                    return None
            except AWAY:
                may_keep = False
        return self.made(self.compressed(found, may_keep=False), found, is_written=False)

    def _read(self) -> tuple[Known, bool]:
        asked = self.asked
        project_id = asked.caller.project_id
        found = keeping.read(project_id, asked.conversation, self.known or Known())
        return found, asked.is_shadow or keeping.has_room(project_id)

    def _kept(self, found: Known, outcome: Outcome) -> Known:
        asked = self.asked
        return keeping.keep(
            asked.caller.project_id,
            asked.conversation,
            found,
            outcome.state,
            outcome.blobs,
            now=asked.now,
            within_s=WRITE_S,
        )

    def _told(self, ask: Callable[[], _Result]) -> _Result:
        self.asking_since = time.monotonic()
        try:
            return ask()
        finally:
            self.asking_since = None

    def compressed(self, found: Known, *, may_keep: bool, is_brief: bool = False) -> Outcome:
        """What a request comes to, of whose conversation this is known. Raises TakesLong where it is to be brief."""
        asked = self.asked
        body = asked.request.body
        messages = objects_of(body.get("messages"))
        whole = with_rounds(messages, found.state)
        policy = asked.policy if may_keep else replace(asked.policy, **_UNTRIGGERED)
        idle_s = None if found.seen_at is None else (asked.now - found.seen_at).total_seconds()
        return compress(
            asked.request.protocol,
            body if whole is messages else {**body, "messages": whole},
            found.state,
            policy,
            count=ByBytes(asked.bytes_a_token),
            idle_s=idle_s,
            seen=self.seen,
            is_brief=is_brief,
        )

    def made(self, outcome: Outcome, known: Known, *, is_written: bool) -> Made:
        """The same for the gateway, with what is known of the conversation after it."""
        asked, state, saved = self.asked, outcome.state, outcome.saved
        now_known = replace(known, state=state, seen_at=asked.now)
        is_same = _is_same(asked.request.body, outcome.body)
        shortened = Shortened(
            request=asked.request if is_same else replace(asked.request, body=outcome.body),
            size=asked.size if is_same else len(written(outcome.body)),
            conversation=asked.conversation,
            saves=Compressed(
                came_tokens=state.came_tokens,
                sent_tokens=state.came_tokens - saved.tokens,
                came_nanousd=0 if asked.is_free else saved.of_nanousd,
                saved_nanousd=0 if asked.is_free else saved.nanousd or 0,
                changes=outcome.changes,
                is_shadow=asked.is_shadow,
            ),
        )
        is_offered = state.is_offered and not asked.has_own_tool
        return Made(shortened, now_known, len(msgspec.json.encode(state)), is_written, is_offered, outcome.seen)


def conversation_of(request: Request, caller: Caller, *, is_shadow: bool = False) -> bytes:
    """By what a conversation is known: its session and first message, for sub-agents share a session. What is only
    measured is apart, for there the provider has prompts as they came."""
    named = f"{request.protocol}:{is_shadow}:{caller.session}:".encode()
    return hashlib.sha256(named + request.conversation_root).digest()


def wish(headers: Mapping[bytes, bytes]) -> str:
    """What a request says of its prompt: "off", or nothing."""
    return headers.get(HEADER, b"").decode("latin-1").strip().lower()


def may_be_shortened(exchange: Exchange, roster: Roster) -> bool:
    """Whether a prompt may be sent shorter than it came."""
    if wish(exchange.headers) or not is_fit(exchange):
        return False
    rule = roster.shortens(exchange.holder.project_slug)
    return rule is not None and rule.mode == "on"


def is_fit(exchange: Exchange) -> bool:
    """Whether a request is of those that can be made shorter: it asks for one answer, by messages, with tools as they
    are today, and is long enough to have something to leave out."""
    body = exchange.request.body
    is_one = body.get("n") in (None, 1) and "functions" not in body
    return exchange.protocol in PROTOCOLS and len(exchange.body) >= LEAST_BYTES and is_one


def policy_of(rule: Shortening, tier: Tier, *, is_pressed: bool) -> Policy:
    """When a prompt is made shorter, by a project's rule, for a tier. Where a budget is nearly used up that is at any
    size, and may cost at once what only later calls bring back."""
    policy = Policy(
        session_tokens=rule.session_tokens,
        turns=rule.turns,
        result_tokens=rule.result_tokens,
        prices=prices_of(tier),
    )
    if not is_pressed:
        return policy
    result_tokens = min(rule.result_tokens, PRESSED_TOKENS)
    return replace(policy, is_due=True, result_tokens=result_tokens, credit_percent=100)


def prices_of(tier: Tier) -> Prices:
    """What a tier's input costs by its own price, with the usual parts of it for what a cache keeps, or as the price
    book says. What costs nothing, or has no price, is taken for a nano-dollar a token: a model of one's own keeps
    prompts too, and computes the rest anew. Where a provider keeps nothing a cut is cheaper than it is held for."""
    is_anthropic = tier.provider.family == "anthropic"
    if not tier.is_free and tier.input_nanousd is None:
        return _booked(tier.model, tier.provider.name, is_anthropic) or _usual(1, is_anthropic=is_anthropic)
    return _usual(tier.input_nanousd or 1, is_anthropic=is_anthropic)


def booked_prices(model: str, protocol: Protocol) -> Prices:
    """What input of a model costs by the price book; of one that is not in it a nano-dollar a token."""
    is_anthropic = protocol == "anthropic.messages"
    return _booked(model, "", is_anthropic) or _usual(1, is_anthropic=is_anthropic)


def _usual(input_nanousd: int, *, is_anthropic: bool) -> Prices:
    each = input_nanousd * _MILLION
    return Prices(cache_write=each * 5 // 4 if is_anthropic else each, cache_read=each // 10)


@cache
def _booked(model: str, provider: str, is_anthropic: bool) -> Prices | None:
    """The price book's, of a million tokens."""
    write = {"cache_write_5m": _MILLION} if is_anthropic else {"input_uncached": _MILLION}
    told = [
        facade.cost_nanousd(Call(started_at=_EPOCH, model=model, provider=provider, **kind))  # type: ignore[arg-type]
        for kind in (write, {"cache_read": _MILLION})
    ]
    if told[0] is None or told[1] is None or not told[0]:
        return None
    return Prices(cache_write=told[0], cache_read=told[1])


def _is_same(came: Body, sent: Body) -> bool:
    return came is sent or (came.get("messages") is sent.get("messages") and came.get("tools") is sent.get("tools"))
