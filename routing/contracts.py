"""The records that pass between the parts of routing, and through its door. Pure: neither Django nor the network.

Frozen `msgspec.Struct`s, as in telemetry. Tokens stand in telemetry's five disjoint input buckets and one output
bucket; money is an integer of nano-dollars; times are UTC; durations are seconds where a name ends in `_s`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

# What a client speaks, and what a provider is spoken to in.
Protocol = Literal[
    "openai.chat",
    "openai.completions",
    "openai.responses",
    "openai.embeddings",
    "anthropic.messages",
    "anthropic.count_tokens",
]
# What a provider understands: the family of protocols that reach it without translation.
Family = Literal["openai", "anthropic"]
# What a request needs of a model beyond text in and text out.
Capability = Literal["tools", "vision", "json", "embeddings"]

# Why an attempt gave no answer that may be used. gateways.md §6.3: what follows from each is decided in one place,
# routing.ladder.
FaultKind = Literal[
    "connect",  # no connection, or it was reset before the head of an answer
    "no_answer",  # connected, and the head of an answer never came
    "slow_first_token",  # the head came, the first token did not
    "silence",  # the stream went silent
    "cut",  # the stream ended without its end
    "malformed",  # an answer that is none: not JSON, or none of what the protocol asks for
    "server",  # 5xx
    "rate_limited",  # 429 for this account
    "upstream_limited",  # 429 of a provider behind the provider: the account is well
    "quota",  # our own count says that the account's free calls are used up
    "context_length",  # 400: the request is too long for this model
    "content_filter",  # refused for what it says: never routed around
    "bad_request",  # another 4xx: the caller's own mistake
    "unfit",  # refused for what this model or its server cannot take: another may
    "account",  # 401, 402, 403: the provider's key or purse
    "model_missing",  # 404: the tier's model is gone
    "busy",  # the tier's own queue is full
    "forbidden_address",  # the upstream is none that we may speak to
    "gate",  # an answer came, and the quality gate did not let it pass
    "cancelled",  # the caller asked for no more
]


class Caller(Struct, frozen=True, kw_only=True):
    """Whose call it is: the key's project, and who is told by request headers or found (docs/gateway.md)."""

    project_id: int
    key_id: int
    session: str
    session_type: str = ""
    agent: str = ""
    task_type: str = ""
    execution: str = ""
    objective: str = ""


class Features(Struct, frozen=True, kw_only=True):
    """What the ladder may know of a request: no text of it. Tokens are counted or estimated before the call."""

    protocol: Protocol
    model: str  # as asked for; empty where none was
    is_streamed: bool = False
    prompt_tokens: int = 0
    prompt_chars: int = 0
    max_output: int | None = None  # tokens, as the client limits it
    needs: frozenset[Capability] = frozenset()
    messages: int = 0
    tools: int = 0
    last_user_chars: int = 0


class Limits(Struct, frozen=True, kw_only=True):
    """How long a tier may take, in seconds: for a connection, the head and first token, between two tokens, in all; and
    for all of an answer that is not streamed, of which nothing is heard before it is there."""

    connect_s: float = 5.0
    first_token_s: float = 10.0
    silence_s: float = 20.0
    total_s: float = 600.0
    whole_s: float = 120.0


class Secret(str):
    """A text that opens something: no repr shows it, nor those of what holds it or of a frame's variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[secret]'"


class Provider(Struct, frozen=True, kw_only=True):
    """Where models are asked. `base_url` is written as the family's client libraries have it: OpenAI's ends in /v1, and
    Anthropic's does not. `secret` is the key itself, opened for use: never in a repr, a log or a page. What a provider
    on a machine of our own generates for nobody is cancelled."""

    id: int
    name: str
    family: Family
    base_url: str
    secret: str = ""
    is_local: bool = False
    speaks: frozenset[Protocol] | None = None  # None: what every provider of its family speaks

    def __repr__(self) -> str:
        return f"Provider(id={self.id}, name={self.name!r}, base_url={self.base_url!r})"


class Quota(Struct, frozen=True):
    """Calls that one account may make of all the tiers that bear it, such as those of OpenRouter's free models."""

    group: str
    a_minute: int | None = None
    a_day: int | None = None  # of UTC


class Tier(Struct, frozen=True, kw_only=True):
    """One step of the ladder: a model of a provider. `position` 1 is the lowest. Shares are parts of 1. `trouble` says
    why it cannot be asked as it is set up (no key, a model that is gone); empty where it can."""

    id: int
    position: int
    name: str
    provider: Provider
    model: str
    context_window: int
    max_output: int | None = None
    capabilities: frozenset[Capability] = frozenset()
    share: float = 0.0  # the part of all calls that it should have
    is_free: bool = False
    input_nanousd: int | None = None  # a token; None: as the price book says
    output_nanousd: int | None = None
    concurrency: int | None = None  # calls at once, over all processes
    queue: int = 0  # calls that may wait for one of them
    quota: Quota | None = None
    limits: Limits = Limits()
    trouble: str = ""


class TierState(Struct, frozen=True, kw_only=True):
    """How a tier is now. `closed` is well; `open` is left out until `until`; `probing` lets one call through."""

    tier_id: int
    breaker: Literal["closed", "open", "probing"] = "closed"
    until: datetime | None = None
    running: int = 0
    waiting: int = 0
    left_this_minute: int | None = None
    left_today: int | None = None


class Step(Struct, frozen=True):
    """A tier of a plan, and why it stands where it does: one clause for a person."""

    tier: Tier
    reason: str


class Odds(Struct, frozen=True):
    """What the ladder expects of a step: how likely a good answer is, and what a call of it costs in the same measure,
    so that the tiers keep their shares (routing.ladder.shares)."""

    p_good: float
    price: float = 0.0


class Plan(Struct, frozen=True, kw_only=True):
    """Which tiers to ask, in this order. `skipped` says of every other tier why it is not among them. `odds` has one
    for each step; an answer of which less than `floor` is expected is asked for again whatever the shares say.
    `is_makeshift`: the tier that would be asked first is left out for the moment."""

    steps: tuple[Step, ...]
    skipped: tuple[Step, ...] = ()
    is_pinned: bool = False
    is_makeshift: bool = False
    odds: tuple[Odds, ...] = ()
    floor: float = 0.0


class Usage(Struct, frozen=True, kw_only=True):
    """What one attempt used. `source`: the provider said so, we counted what came, or nothing better than what was
    reserved is known. An explicit 0 of a provider is a value."""

    input_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_write_unknown: int = 0
    output: int = 0
    reasoning: int | None = None
    cost_usd: Decimal | None = None  # as the provider reports it
    source: Literal["provider", "counted", "reserved"] = "provider"


class ToolCall(Struct, frozen=True, kw_only=True):
    """A tool that an answer calls. `arguments` is the text that the model wrote: JSON, if it wrote well."""

    id: str
    name: str
    arguments: str


class Fault(Struct, frozen=True, kw_only=True):
    """Why an attempt failed. `status` is the provider's, 0 where none came; `message` is what a caller may read."""

    kind: FaultKind
    message: str
    status: int = 0
    retry_after_s: float | None = None


class KeepRule(Struct, frozen=True, kw_only=True):
    """For how many hours an answer may be given again to who asks the same; 0: it may not. Of a project, an API key, a
    type of task; empty: of all of them."""

    project: str = ""
    key_id: int | None = None
    task_type: str = ""
    hours: float


class Shortening(Struct, frozen=True, kw_only=True):
    """How prompts of a project are made shorter, of every project where it is empty; sizes are tokens. `shadow`: it is
    measured what would be left out, and nothing is."""

    project: str = ""
    mode: Literal["off", "shadow", "on"]
    session_tokens: int = 50_000
    turns: int = 20
    result_tokens: int = 5_000


class Verdict(Struct, frozen=True, kw_only=True):
    """What the quality gate says of an answer: how likely it is good, and, where that was learned, how likely a higher
    tier's is while this one is not; the checks that fired, named; and what it looked like (`routing.ladder.signals`),
    from which is learned once its outcome is known."""

    passed: bool
    p_good: float
    p_helps: float | None = None
    findings: tuple[str, ...] = ()
    signals: tuple[float, ...] = ()


class Compressed(Struct, frozen=True, kw_only=True):
    """What making a prompt shorter changed, as it is estimated: its tokens as it came and as it was sent, what both
    cost with the provider's cache counted, where that is known, and what was taken out now (`stub`, `fold`, `offer`).
    `is_shadow`: it was sent as it came."""

    came_tokens: int
    sent_tokens: int
    came_nanousd: int = 0
    saved_nanousd: int = 0
    changes: tuple[str, ...] = ()
    is_shadow: bool = False


class Attempt(Struct, frozen=True, kw_only=True):
    """One call of one provider, over. `number` counts from 1 within a request, `fault` is None where it answered."""

    id: str
    request_id: str
    number: int
    tier_id: int
    tier: str
    position: int
    provider: str
    model: str
    reason: str
    started_at: datetime
    duration_s: float
    ttft_s: float | None
    usage: Usage
    provider_call_id: str = ""
    finish_reason: str = ""
    fault: Fault | None = None
    verdict: Verdict | None = None
    is_final: bool = False  # the answer that the caller got
    cost_nanousd: int | None = None  # by the tier's own prices; None: as the price book says
    prompt_chars: int = 0
    is_pinned: bool = False  # the caller named the tier, so it is no choice of the ladder's
    # The attempt whose answer this one was asked to better, or to check, and whether both say the same: 1, -1, or 0.
    climbed_from: str = ""
    agreement: float = 0.0
    is_audit: bool = False
    is_reserved: bool = False  # budgets hold something under its id
    compressed: Compressed | None = None
