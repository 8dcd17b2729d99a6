"""The prices that people set: which of them holds for a call. Pure.

An override names a project or none (the whole instance), a provider or none (any), a model or the beginning of its
name (`house-*`), and days in UTC. Of those that fit a call, a project's own comes before the instance's, then a whole
name before a beginning, then the longer beginning, then a named provider before any. Overrides that would tie are
refused where they are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from telemetry.usage import provider_of

ANY = "*"
_MOST_ANSWERS = 20_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Nano-dollars per million tokens of each bucket for calls whose input exceeds `above`; `a_call` per request."""

    above: int
    input_uncached: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    output: int
    a_call: int


@dataclass(frozen=True, slots=True)
class Override:
    """A price that a person set. `project_id` None: the whole instance; `provider` empty: any; both days inclusive."""

    id: int
    project_id: int | None
    provider: str
    model: str
    first_day: date | None
    last_day: date | None
    rates: Rates

    @property
    def version(self) -> str:
        """What a call that it priced bears as its price version."""
        return f"override {self.id}"

    def fits(self, provider: str, model: str, day: date) -> bool:
        """Whether it holds for a model of a provider (as `provider_of` names it) on a UTC day."""
        return (
            (not self.provider or provider_of(self.provider) == provider)
            and matches(self.model, model)
            and (self.first_day is None or self.first_day <= day)
            and (self.last_day is None or day <= self.last_day)
        )


@dataclass(frozen=True, slots=True)
class PriceBook:
    """The overrides that a project's calls may meet, those that come first first. Make it by `book_of`."""

    overrides: tuple[Override, ...] = ()
    _answers: dict[tuple[str, str, int], Override | None] = field(default_factory=dict, repr=False, compare=False)

    def find(self, provider: str, model: str, at: datetime) -> Override | None:
        """The override that prices a call, or None where the price table does."""
        moment = at if at.tzinfo is UTC else at.astimezone(UTC)
        key = (provider, model, moment.toordinal())
        try:
            return self._answers[key]
        except KeyError:
            pass
        name, day = provider_of(provider), moment.date()
        found = next((one for one in self.overrides if one.fits(name, model, day)), None)
        if len(self._answers) >= _MOST_ANSWERS:
            self._answers.clear()
        self._answers[key] = found
        return found


NO_OVERRIDES = PriceBook()


def book_of(overrides: Iterable[Override], *, project_id: int) -> PriceBook:
    """The price book of a project: its own overrides and the instance's, in the order in which they are asked."""
    mine = [one for one in overrides if one.project_id in (None, project_id)]
    return PriceBook(tuple(sorted(mine, key=_precedence))) if mine else NO_OVERRIDES


def matches(pattern: str, model: str) -> bool:
    """Whether a model bears the name, or begins as a pattern that ends in `*` says."""
    return model.startswith(pattern[:-1]) if pattern.endswith(ANY) else model == pattern


def _precedence(one: Override) -> tuple[bool, bool, int, bool, int]:
    return one.project_id is None, one.model.endswith(ANY), -len(one.model), not one.provider, one.id
