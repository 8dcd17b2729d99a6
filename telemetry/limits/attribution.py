"""Which objective a piece of work counts towards, and the split of its cost, to the nano-dollar. Pure.

    run ▸ tag ▸ work item ▸ its parent, its parent's parent … ▸ rule        the first that says anything has it alone

So two ways that lead to one key result never count twice. A run that is named comes before its tag (the `objective` of
telemetry), an attribution of a tag before the key that it spells, the nearest of an item's parents before those above
it, the rule that asks for more before the one that asks for less. What is left of the shares is in no objective.

What was said in time comes before all that was written down later: on a day on which links that were there by then
attribute some work, later ones change nothing. Days are those of the project's zone. Source: methods.md §10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

WHOLE = 10_000  # weights are counted in ten-thousandths
Level = Literal["run", "tag", "work item", "parent", "rule", "none"]
LEVELS: tuple[Level, ...] = ("run", "tag", "work item", "parent", "rule", "none")
Kind = Literal["run", "tag", "work_item", "rule"]
MOST_PARENTS = 100


class Target(NamedTuple):
    """A key result, or an objective as a whole where `key_result` is 0."""

    objective: int
    key_result: int = 0


@dataclass(frozen=True, slots=True)
class Valid:
    """From when to when something holds, both days inclusive, None: no limit; and the day on which it was said."""

    first: date | None
    last: date | None
    recorded_on: date

    def holds(self, day: date, *, is_late: bool) -> bool:
        """Whether it holds on a day, and was said by then; `is_late`: whenever it was said."""
        began = self.first is None or self.first <= day
        return began and (self.last is None or day <= self.last) and (is_late or self.recorded_on <= day)


class Rule(NamedTuple):
    """What work must be like; an empty text asks for nothing. In `pattern` a * stands for anything."""

    task_type: str = ""
    agent: str = ""
    pattern: str = ""

    def fits(self, work: Work) -> bool:
        """Whether a piece of work is like this."""
        return (
            self.task_type in ("", work.task_type)
            and self.agent in ("", work.agent)
            and (not self.pattern or matches(self.pattern, work.task))
        )

    @property
    def rank(self) -> tuple[int, int, Rule]:
        """Its place: those that ask for more first, then those whose pattern spells more; else by what they say."""
        return -sum(map(bool, self)), -len(self.pattern.replace("*", "")), self


ANYTHING = Rule()


@dataclass(frozen=True, slots=True)
class Link:
    """So many ten-thousandths of the work that it names count towards a target. `name` is empty for a rule."""

    kind: Kind
    name: str
    target: Target
    parts: int
    valid: Valid
    rule: Rule = ANYTHING


@dataclass(frozen=True, slots=True)
class Stands:
    """A work item stands below another."""

    key: str
    parent: str
    valid: Valid


@dataclass(frozen=True, slots=True)
class Spelled:
    """The key of a key result or objective, which a tag may spell."""

    key: str
    target: Target
    recorded_on: date


class Work(NamedTuple):
    """What attribution looks at: the local day, the run's id, its tag, its task's id, and so on; empty: unknown."""

    day: date
    run: str = ""
    tag: str = ""
    task: str = ""
    task_type: str = ""
    agent: str = ""


class Found(NamedTuple):
    """Where a piece of work counts, by which level, in ten-thousandths; none where nothing names it."""

    level: Level
    shares: tuple[tuple[Target, int], ...]


NOTHING = Found("none", ())


@dataclass(slots=True)
class Book:
    """All that was said of one project's work."""

    links: Sequence[Link] = ()
    stands: Sequence[Stands] = ()
    spelled: Sequence[Spelled] = ()
    _named: dict[tuple[str, str], list[Link]] = field(default_factory=dict, init=False)
    _rules: list[tuple[Rule, list[Link]]] = field(default_factory=list, init=False)
    _stands: dict[str, list[Stands]] = field(default_factory=dict, init=False)
    _found: dict[Work, Found] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Sort everything by what it names."""
        rules: dict[Rule, list[Link]] = {}
        for link in self.links:
            if link.kind == "rule":
                rules.setdefault(link.rule, []).append(link)
            else:
                self._named.setdefault((link.kind, link.name), []).append(link)
        self._rules = sorted(rules.items(), key=lambda one: one[0].rank)
        for one in self.spelled:
            whole = Link("tag", one.key, one.target, WHOLE, Valid(None, None, one.recorded_on))
            self._named.setdefault(("key", one.key), [whole])  # a key result comes before an objective of its key
        for item in self.stands:
            self._stands.setdefault(item.key, []).append(item)

    @property
    def runs(self) -> list[str]:
        """The runs that are named."""
        return sorted(name for kind, name in self._named if kind == "run")

    @property
    def items(self) -> list[str]:
        """The work items of which anything is known."""
        return sorted({name for kind, name in self._named if kind == "work_item"} | self._stands.keys())

    @property
    def patterns(self) -> list[str]:
        """The patterns of task ids that rules ask for."""
        return sorted({rule.pattern for rule, _ in self._rules if rule.pattern})

    def find(self, work: Work) -> Found:
        """Where a piece of work counts."""
        found = self._found.get(work)
        if found is None:
            found = self._found[work] = self._first(work)
        return found

    def _first(self, work: Work) -> Found:
        for is_late in (False, True):
            for level, links in self._levels(work, is_late=is_late):
                held = [link for link in links if link.valid.holds(work.day, is_late=is_late)]
                if held:
                    return Found(level, _shares(held))
        return NOTHING

    def _levels(self, work: Work, *, is_late: bool) -> Iterator[tuple[Level, list[Link]]]:
        """What names a piece of work, in the order of who has it."""
        yield "run", self._of("run", work.run)
        yield "tag", self._of("tag", work.tag)
        yield "tag", self._of("key", work.tag)
        items = [name for name in (work.tag, work.task) if name]
        for item in items:
            yield "work item", self._of("work_item", item)
        for item in items:
            for parent in self._parents(item, work.day, is_late=is_late):
                yield "parent", self._of("work_item", parent)
                yield "parent", self._of("key", parent)
        for rule, links in self._rules:
            if rule.fits(work):
                yield "rule", links

    def _of(self, kind: str, name: str) -> list[Link]:
        return self._named.get((kind, name), []) if name else []

    def _parents(self, item: str, day: date, *, is_late: bool) -> Iterator[str]:
        """The items above one on a day, nearest first; a ring is gone around once."""
        seen = {item}
        while len(seen) <= MOST_PARENTS:
            held = [one for one in self._stands.get(item, ()) if one.valid.holds(day, is_late=is_late)]
            if not held:
                return
            item = max(held, key=lambda one: (one.valid.first or date.min, one.valid.recorded_on, one.parent)).parent
            if not item or item in seen:
                return
            seen.add(item)
            yield item


def split(amount: int, found: Found) -> tuple[list[tuple[Target, int]], int]:
    """An amount cut by shares, and what is left of it: whole numbers that add up to the amount. Shares that exceed the
    whole, as no editor lets them, are shares of their sum."""
    whole = max(WHOLE, sum(parts for _, parts in found.shares))
    parts_given, given, cut = 0, 0, []
    for target, parts in found.shares:
        parts_given += parts
        up_to = amount * parts_given // whole
        cut.append((target, up_to - given))
        given = up_to
    return cut, amount - given


def overfull(spans: Iterable[tuple[date | None, date | None, int]]) -> date | None:
    """The first day on which shares that hold from one day to another exceed the whole; None where none does.
    `date.min` stands for ever since."""
    known = list(spans)
    for day in sorted({first or date.min for first, _, _ in known}):
        held = (parts for first, last, parts in known if (first or date.min) <= day <= (last or date.max))
        if sum(held) > WHOLE:
            return day
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether a text is like a pattern, in which a * stands for any number of any characters."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for word in middle:
        place = text.find(word, place, end)
        if place < 0:
            return False
        place += len(word)
    return True


def _shares(links: Sequence[Link]) -> tuple[tuple[Target, int], ...]:
    """Each target once, in one order, whatever the order of links."""
    parts: dict[Target, int] = {}
    for link in links:
        parts[link.target] = parts.get(link.target, 0) + link.parts
    return tuple(sorted(parts.items()))
