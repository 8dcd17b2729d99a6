"""The records that pass telemetry's door. Pure: neither Django nor the network.

Records are frozen `msgspec.Struct`s: dataclasses that decode and validate themselves in C (docs/design.md). They
hold nothing that could hold them, so the garbage collector need not look at them (`gc=False`).
Tokens stand in five disjoint input buckets and one output bucket; money is an integer of nano-dollars.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

MAX_TOKENS = 2**53
Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]
Milliseconds = Annotated[int, Meta(ge=0, le=10**12)]
Label = Annotated[str, Meta(max_length=200)]
Key = Annotated[str, Meta(max_length=300)]
Instant = Annotated[datetime, Meta(tz=True)]

CostKind = Literal["provider", "client_estimate"]
Quality = Literal[
    "output_lower_bound",
    "ttl_unknown",
    "model_fallback",
    "no_request_id",
    "cost_outlier",
    "turn_level",
    "execution_total",
    "output_suspect",
    "exclusive_input",
    "usage_counted",
    "usage_reserved",
]

MeterBucket = Literal["input", "input_and_cache", "cache_read", "cache_write", "output"]


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One billed request to a model: the only thing that is counted.

    `id` is the provider's identity of the request; empty: derived from the content. `aliases` are other ids of the
    same request, under which another route may bring it. `likeness` is for a route whose records bear no id of the
    request: whatever comes by another route with the same likeness is the same call. `output` includes `reasoning`.
    `cost_usd` is what somebody else says it cost, `cost_kind` who. Source: formats.md §0.
    """

    started_at: Instant
    model: Annotated[str, Meta(min_length=1, max_length=200)]
    id: Key = ""
    aliases: Annotated[tuple[Key, ...], Meta(max_length=8)] = ()
    likeness: Key = ""
    provider: Label = ""
    input_uncached: Tokens = 0
    cache_read: Tokens = 0
    cache_write_5m: Tokens = 0
    cache_write_1h: Tokens = 0
    cache_write_unknown: Tokens = 0
    output: Tokens = 0
    reasoning: Tokens | None = None
    cost_usd: Decimal | None = None
    cost_kind: CostKind = "client_estimate"
    duration_ms: Milliseconds | None = None
    ttft_ms: Milliseconds | None = None
    agent: Label = ""
    host: Label = ""
    session_id: Label = ""
    subagent_id: Label = ""
    session_type: Label = ""
    execution_id: Label = ""
    task_type: Label = ""
    objective: Label = ""
    skill: Label = ""
    tier: Label = ""
    service_tier: Label = ""
    error_type: Label = ""
    quality: tuple[Quality, ...] = ()
    attributes: Mapping[str, Any] | None = None


class Execution(Struct, frozen=True, kw_only=True, gc=False):
    """One run of a task. Tokens given here count only while the execution has no calls of its own.

    `tokens_input` is all input, of which `cache_read` and `cache_write` are parts (OTel's convention).
    `execution_time` in seconds, as OrchestrateOS's telemetry writes it; `errors` are texts.
    """

    started_at: Instant
    execution_id: Label = ""
    task_id: Label = ""
    tool: Label = ""
    action: Label = ""
    model: Label = ""
    execution_time: Annotated[float, Meta(ge=0, le=10**9)] | None = None
    tokens_input: Tokens | None = None
    tokens_output: Tokens | None = None
    cache_read: Tokens | None = None
    cache_write: Tokens | None = None
    status: Label = ""
    errors: tuple[Annotated[str, Meta(max_length=4000)], ...] = ()
    task_type: Label = ""
    agent: Label = ""
    session_id: Label = ""
    session_type: Label = ""
    skills: tuple[Label, ...] = ()
    objective: Label = ""
    attributes: Mapping[str, Any] | None = None


class MeterReading(Struct, frozen=True, kw_only=True, gc=False):
    """What a session's counter of tokens of one kind showed: since `started_at`, or (`is_delta`) from then to `at`.

    `series` names the counter among those of its session. Of the buckets, `input` leaves the cache out, and
    `input_and_cache` holds what others count as `cache_read`. Counts only while the session has no calls of its own.
    """

    series: str
    session_id: Label
    model: Label
    agent: Label
    bucket: MeterBucket
    started_at: Instant
    at: Instant
    value: Tokens
    is_delta: bool


class Rejection(Struct, frozen=True):
    """Why one item of a batch was not stored: its place in the batch, its id where it had one, a reason."""

    index: int
    id: str
    reason: str


class Receipt(Struct, frozen=True):
    """What became of a batch. accepted + duplicates + quarantined + len(rejected) = items sent."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: tuple[Rejection, ...] = ()


class UsageRow(Struct, frozen=True, kw_only=True):
    """Sums over calls. `key` names the group, empty for a total or an unset dimension; cost in nano-dollars."""

    key: str = ""
    calls: int = 0
    input_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_write_unknown: int = 0
    output: int = 0
    reasoning: int = 0
    cost_nanousd: int = 0
    unpriced_calls: int = 0

    @property
    def input_total(self) -> int:
        """All input tokens: OTel's gen_ai.usage.input_tokens."""
        return self.input_uncached + self.cache_read + self.cache_write

    @property
    def cache_write(self) -> int:
        """Input written to a cache, whatever its time to live."""
        return self.cache_write_5m + self.cache_write_1h + self.cache_write_unknown

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_total + self.output


class Rung(Struct, frozen=True, kw_only=True):
    """A tier of the gateway's ladder as a page shows it: what it should answer, what it did in some days, how it is.

    `share` is a part of 1; `answers` came, of which the gate `refused` some; `compared`: of how many a higher tier's
    answer was had as well, and of how many that was the better one; `is_well` is None where it was not asked.
    Prices are of a token, None as the price book says.
    """

    name: str
    position: int
    provider: str
    model: str
    share: float
    state: str
    is_well: bool | None
    quota: str
    input_nanousd: int | None
    output_nanousd: int | None
    answers: int = 0
    refused: int = 0
    failed: int = 0
    compared: int = 0
    bettered: int = 0


class Why(Struct, frozen=True):
    """A reason for which a tier was asked: how often, how many answers came, how many were given, and the sum of the
    chances that they are good."""

    tier: str
    reason: str
    asked: int
    answered: int
    given: int
    good: float


class Opened(Struct, frozen=True):
    """A tier was left out after a fault of that `kind`, or is asked again (empty)."""

    at: datetime
    tier: str
    kind: str


class Recalled(Struct, frozen=True, kw_only=True):
    """Kept answers of a tier: how often one would have done, how often there was one, and what those that were found
    had used and cost when they were made; `unpriced` of them at a cost that is not known."""

    tier: str
    asked: int
    found: int
    unpriced: int
    input_tokens: int
    output_tokens: int
    saved_nanousd: int


class Shortened(Struct, frozen=True, kw_only=True):
    """Prompts of a tier that were made shorter, or would have been (`is_shadow`): of how many that were `asked`, what
    they had and what that saved, as it is estimated, less what models `fetched` again, in so many parts."""

    tier: str
    is_shadow: bool
    asked: int
    shortened: int
    came_tokens: int
    saved_tokens: int
    came_nanousd: int
    saved_nanousd: int
    fetched: int


class Ladder(Struct, frozen=True):
    """What a gateway says of its ladder and of some UTC days of a project; tiers from the lowest."""

    rungs: tuple[Rung, ...] = ()
    whys: tuple[Why, ...] = ()
    opened: tuple[Opened, ...] = ()
    recalled: tuple[Recalled, ...] = ()
    shortened: tuple[Shortened, ...] = ()


class SkillLoad(Struct, frozen=True, kw_only=True, gc=False):
    """A skill that was loaded: which content of it, its tokens in o200k_base, and how many microseconds that took."""

    id: UUID
    loaded_at: Instant
    skill: Label
    digest: str
    tokens: int
    load_us: int
    route: Literal["api", "gateway", "task"]
    agent: Label = ""
    task_type: Label = ""
    session_id: Key = ""
    execution_id: Key = ""


class SkillContent(Struct, frozen=True, kw_only=True):
    """A content that a skill has had, as far as it was loaded: how often, and from when to when."""

    digest: str
    tokens: int
    loads: int
    first_at: datetime
    last_at: datetime


class SkillUse(Struct, frozen=True):
    """How often a skill was loaded in a range, and when first and last."""

    skill: str
    loads: int
    first_at: datetime
    last_at: datetime


class TaskRun(Struct, frozen=True, kw_only=True, gc=False):
    """A run of a task. `text` is what the task is called or described as; `is_well` how it ended, None where nobody
    said; `skills` those that it loaded, or says that it had."""

    at: datetime
    text: str
    agent: str = ""
    is_well: bool | None = None
    tokens: int = 0
    cost_nanousd: int = 0
    skills: tuple[str, ...] = ()


class SkillOffered(Struct, frozen=True):
    """A skill that could be loaded now, and the tokens that it would put into a context."""

    name: str
    description: str
    tags: tuple[str, ...]
    tokens: int
    root: str
    is_retired: bool = False


class SkillBroken(Struct, frozen=True):
    """What lies among skills and cannot be given out, and why."""

    name: str
    root: str
    reason: str


class SkillsAlike(Struct, frozen=True):
    """Two skills that say much the same: how alike they are, 1 being the same, and the tokens of the smaller one."""

    one: str
    other: str
    alike: float
    tokens: int


class SkillShelf(Struct, frozen=True):
    """What there is to be loaded now."""

    skills: tuple[SkillOffered, ...] = ()
    broken: tuple[SkillBroken, ...] = ()
    alike: tuple[SkillsAlike, ...] = ()


class SkillCounsel(Struct, frozen=True, kw_only=True):
    """A proposal of the concierge: a skill that is missing (`gap`), one that nobody needs (`idle`), or two that are the
    same (`double`). `about`: what the title names; `why` are sentences, `examples` what tasks said; `retirable` skills
    that it would retire; `draft` the SKILL.md to begin with, once it is accepted; `saved_*`: of the days looked at."""

    id: int
    kind: Literal["gap", "idle", "double"]
    state: Literal["open", "accepted", "dismissed"]
    about: str
    why: tuple[str, ...]
    examples: tuple[str, ...]
    retirable: tuple[str, ...]
    saved_tokens: int
    saved_nanousd: int
    draft: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None


class SkillRetired(Struct, frozen=True):
    """A skill that no task of the project is matched with, since when and by whom."""

    skill: str
    at: datetime
    by: str


class SkillCounsels(Struct, frozen=True):
    """What the concierge has to say of a project: after which day it looked last (None: never), over how many days."""

    counsels: tuple[SkillCounsel, ...] = ()
    retired: tuple[SkillRetired, ...] = ()
    looked_on: date | None = None
    days: int = 0
