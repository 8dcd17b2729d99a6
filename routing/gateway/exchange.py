"""One request on its way through the stages: what is known of it so far, and whom it answers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol as Shape

from msgspec import Struct

from routing.cache.lookups import MOST_BYTES, Claim
from routing.contracts import Attempt, Caller, Compressed, Fault, Plan, Protocol, Step, ToolCall, Usage, Verdict
from routing.ladder.faults import Tried
from routing.wire.asides.shown import Said, Shown
from routing.wire.bodies import Body
from routing.wire.reading import Request
from routing.wire.sending import Prepared
from telemetry.facade import BudgetHold, BudgetSpans, KeyHolder


class Refusal(Exception):
    """The gateway answers itself, and not with an answer: a status, a code that programs read, a message for people,
    the field that is to blame, where one is, and what else programs may want to know (`extra`)."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after_s: float | None = None,
        param: str = "",
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.retry_after_s, self.param = retry_after_s, param
        self.extra = {**(extra or {}), **({"param": param} if param else {})}


class Client(Shape):
    """Whom an exchange answers. A streamed answer is opened and written while it comes."""

    @property
    def is_gone(self) -> bool:
        """Whether nobody reads any more."""

    async def open(self, headers: Mapping[str, str]) -> None:
        """Begin a streamed answer of status 200."""

    async def write(self, piece: bytes) -> None:
        """Send a piece of it. Never raises because the client left."""

    def leave(self) -> None:
        """Do what is to be done when the client leaves."""

    def on_leaving(self, call: Callable[[], object] | None) -> None:
        """What to do as soon as the client leaves; None: nothing."""


class Trying(Struct, frozen=True, kw_only=True):
    """An attempt that was begun: of which step, with what was sent, when. Monotonic seconds in `began`; the prompt's
    tokens are estimated, as the step's tier is likely to count them."""

    id: str
    number: int
    step: Step
    prepared: Prepared
    started_at: datetime
    began: float
    prompt_tokens: int
    is_reserved: bool = False


class Outcome(Struct, frozen=True, kw_only=True):
    """What an attempt brought. `usage` None: the provider did not say; `came` counts output tokens by what came.
    `fault` None: it is an answer, and `body` is what a client gets that did not read it as it came."""

    body: bytes = b""
    usage: Usage | None = None
    input_usage: Usage | None = None
    came: int = 0
    ttft_s: float | None = None
    finish_reason: str = ""
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    provider_call_id: str = ""
    fault: Fault | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """An outcome that may be given to the client, of which attempt it is, and how it is charged. `climbed_from` is the
    attempt whose answer the gate refused before, `agreement` whether both say the same: 1, -1, or 0."""

    trying: Trying
    outcome: Outcome
    usage: Usage
    took_s: float
    verdict: Verdict | None = None
    climbed_from: str = ""
    agreement: float = 0.0


class Remembered(Struct, frozen=True, kw_only=True):
    """An answer that was given before, to the byte: of which attempt, what that had used, and how long ago it was."""

    body: bytes
    attempt_id: str
    tier: str
    position: int
    model: str
    input_tokens: int
    output_tokens: int
    cost_nanousd: int | None
    age_s: float = 0.0


class Shortened(Struct, frozen=True, kw_only=True):
    """A request that is sent in another form than it came in, or would be: of so many bytes, and what that saves.
    `conversation` is by what its state is known."""

    request: Request
    size: int
    conversation: bytes
    saves: Compressed


@dataclass(slots=True)
class Asides:
    """What the model fetches of what was left out, between a request and its answer: the rounds so far, what the client
    was shown of them, and what they come to. `said` is the latest round's."""

    shown: Shown = field(default_factory=Shown)
    said: Said | None = None
    rounds: int = 0
    begun: bytes = b""  # of a stream that is held back
    fetched: list[Body] = field(default_factory=list)
    cost_nanousd: int = 0


@dataclass(slots=True)
class Exchange:
    """One request. The stages fill it in from above to below."""

    protocol: Protocol
    headers: Mapping[bytes, bytes]
    body: bytes
    client: Client
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    id: str = ""
    # identify
    holder: KeyHolder = field(init=False)
    caller: Caller = field(init=False)
    request: Request = field(init=False)
    # equip
    skills: tuple[str, ...] = ()  # that entered the prompt
    skills_trouble: str = ""  # why others could not be looked for
    # plan
    prompt_tokens: int = 0
    plan: Plan = field(init=False)
    is_too_long: bool = False  # for some tier, as it came
    step: Step | None = None  # the one to ask next; None: nobody more
    # count
    told: bytes | None = None  # an answer of the gateway's own
    # budget
    spans: BudgetSpans | None = None
    is_pressed: bool = False  # a budget of this call is nearly used up: its prompt is made shorter whatever its size
    # recall
    claim: Claim | None = None
    remembered: Remembered | None = None
    # compress
    shortened: Shortened | None = None
    asides: Asides | None = None  # None: no tool of ours is offered
    # dispatch and gate
    past: list[Tried] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    held: BudgetHold | None = None  # of budgets, for the latest attempt
    answer: Answer | None = None
    sent_bytes: int = 0
    settled_bytes: int = 0  # of these in rounds that are over
    tape: list[bytes] | None = field(default_factory=list)  # what was sent, where it may be kept; None: not all of it

    def __post_init__(self) -> None:
        self.id = self.id or f"tloi_{int(self.received_at.timestamp() * 1000):012x}{secrets.token_hex(6)}"

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request came."""
        return time.monotonic() - self.began

    def sent(self, piece: bytes) -> None:
        """Note that the client is sent a piece of a stream."""
        self.sent_bytes += len(piece)
        if self.claim is None or self.sent_bytes > MOST_BYTES:
            self.tape = None
        elif self.tape is not None:
            self.tape.append(piece)

    @property
    def asked(self) -> Request:
        """The request as providers are sent it."""
        shortened = self.shortened
        return self.request if shortened is None or shortened.saves.is_shadow else shortened.request

    @property
    def size(self) -> int:
        """Its bytes."""
        shortened = self.shortened
        return len(self.body) if shortened is None or shortened.saves.is_shadow else shortened.size

    @property
    def is_streamed(self) -> bool:
        """Whether the client wants a stream."""
        return self.request.features.is_streamed

    @property
    def is_held(self) -> bool:
        """Whether nothing of an answer is sent before it has passed the gate: always where it is not streamed, and
        where the client allows it."""
        return not self.is_streamed or self.headers.get(b"x-tloi-buffer") in (b"1", b"true")
