"""A file of objectives, key results, their values, work items and attributions: JSON or CSV becomes records. Pure.

JSON nests: objectives hold `key_results`, which hold `values`; beside them `work_items` and `attributions`. A CSV has a
line each, with its `kind` in a column of that name. What the columns mean: docs/objectives.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

MOST_BYTES = 10 * 2**20
MOST_ROWS = 50_000
MOST_PROBLEMS = 20
Key = Annotated[str, Meta(min_length=1, max_length=80)]
Name = Annotated[str, Meta(max_length=200)]


class BadFile(ValueError):
    """A file that says something that cannot be kept. `problems` are sentences, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - MOST_PROBLEMS
        shown = problems[:MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
        super().__init__("; ".join(shown))
        self.problems = shown


class ObjectiveRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An objective."""

    key: Key
    title: Name
    priority: Literal["high", "normal", "low"] = "normal"
    owner: Annotated[str, Meta(max_length=120)] = ""
    first_day: date | None = None
    last_day: date | None = None


class KeyResultRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key result; its direction is that from start to target."""

    key: Key
    objective: Key
    title: Name
    metric: Annotated[str, Meta(max_length=120)] = ""
    unit: Annotated[str, Meta(max_length=40)] = ""
    start: Decimal | None = None
    target: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None


class ValueRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the metric of a key result was on a day."""

    key_result: Key
    day: date
    value: Decimal
    source: Annotated[str, Meta(max_length=80)] = ""


class WorkItemRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A work item, below another where it has a parent."""

    key: Annotated[str, Meta(min_length=1, max_length=200)]
    parent: Name = ""
    title: Name = ""
    source: Annotated[str, Meta(max_length=80)] = ""
    first_day: date | None = None


class AttributionRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Work that counts towards the key result or objective whose key is `to`."""

    to: Key
    run: Name = ""
    tag: Name = ""
    work_item: Name = ""
    task_type: Name = ""
    agent: Name = ""
    pattern: Name = ""
    weight: Decimal = Decimal(1)
    first_day: date | None = None
    last_day: date | None = None
    note: Annotated[str, Meta(max_length=300)] = ""

    @property
    def kind(self) -> str:
        """run, tag or work_item, whichever is named; else rule."""
        return next((kind for kind in ("run", "tag", "work_item") if getattr(self, kind)), "rule")

    @property
    def name(self) -> str:
        """What is named; empty for a rule."""
        return self.run or self.tag or self.work_item


Record = ObjectiveRow | KeyResultRow | ValueRow | WorkItemRow | AttributionRow
KINDS: Mapping[str, type[Record]] = {
    "objective": ObjectiveRow,
    "key_result": KeyResultRow,
    "value": ValueRow,
    "work_item": WorkItemRow,
    "attribution": AttributionRow,
}
COLUMNS = tuple(dict.fromkeys(name for kind in KINDS.values() for name in kind.__struct_fields__))


@dataclass(slots=True)
class Sheet:
    """What a file says: each record with its place, in the order of KINDS."""

    records: list[tuple[str, Record]] = field(default_factory=list)


def read(content: bytes, *, file_name: str) -> Sheet:
    """What a file says. Raises BadFile, with every problem that it has."""
    if len(content) > MOST_BYTES:
        raise BadFile([f"The file is larger than {MOST_BYTES // 2**20} MiB."])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(["The file is not UTF-8."]) from None
    if "\0" in text or "\\u0000" in text:
        raise BadFile(["The file holds the character NUL, which cannot be kept."])
    is_json = file_name.lower().endswith(".json") or text.lstrip()[:1] in ("{", "[")
    sheet, order = Sheet(), list(KINDS)
    problems: list[str] = []
    for place, kind, said in _json_rows(text) if is_json else _csv_rows(text):
        if len(sheet.records) + len(problems) >= MOST_ROWS:
            raise BadFile([f"The file says more than {MOST_ROWS:,} things."])
        try:
            sheet.records.append((place, _record(kind, said)))
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise BadFile(problems)
    sheet.records.sort(key=lambda one: order.index(_kind_of(one[1])))
    return sheet


def _record(kind: str, said: Mapping[str, Any]) -> Record:
    """Raises ValueError, of which msgspec's errors are a kind."""
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, but must be one of {', '.join(KINDS)}.")
    record: Record = msgspec.convert(said, KINDS[kind], strict=False)
    if isinstance(record, AttributionRow):
        named = [name for name in ("run", "tag", "work_item") if getattr(record, name)]
        is_ruled = bool(record.task_type or record.agent or record.pattern)
        if len(named) + is_ruled != 1:
            raise ValueError("Say one of run, tag or work_item; or for a rule task_type, agent or pattern.")
        if not (record.weight.is_finite() and 0 < record.weight <= 1):
            raise ValueError(f"weight is {record.weight}, but must lie above 0 and be 1 at most.")
    for number in (getattr(record, name, None) for name in ("start", "target", "value")):
        if number is not None and not (number.is_finite() and abs(number) < 10**16):
            raise ValueError(f"{number} is no number that can be kept.")
    return record


def _kind_of(record: Record) -> str:
    return next(kind for kind, made in KINDS.items() if isinstance(record, made))


def _csv_rows(text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The lines of a CSV. Raises BadFile."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        if unknown := [name for name in names if name not in ("kind", *COLUMNS)]:
            raise BadFile([f"line 1: {unknown[0]!r} is no column; columns are kind, {', '.join(COLUMNS)}."])
        if "kind" not in names:
            raise BadFile(["line 1: the column kind is missing, which says what each line is."])
        reader.fieldnames = names
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row:
                raise BadFile([f"{place}: there are more cells than columns."])
            said = {name: value.strip() for name, value in row.items() if value and value.strip()}
            if said:
                yield place, said.pop("kind", ""), said
    except csv.Error as error:
        raise BadFile([f"line {reader.line_num}: {error}"]) from None


def _json_rows(text: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """What a JSON document says, flat. Raises BadFile."""
    try:
        document = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadFile([f"The file is no JSON: {error}"]) from None
    lists = {"objectives": "objective", "work_items": "work_item", "attributions": "attribution"}
    if not isinstance(document, dict) or document.keys() - lists.keys():
        raise BadFile([f"The document must be an object with {', '.join(lists)}."])
    for name, kind in lists.items():
        for place, said in _listed(document, name, name):
            results = _listed(said, "key_results", place) if kind == "objective" else []
            yield place, kind, {word: value for word, value in said.items() if (kind, word) != _RESULTS}
            for at, result in results:
                values = _listed(result, "values", at)
                yield at, "key_result", _below(result, "values", "objective", said.get("key"))
                for of_day, value in values:
                    yield of_day, "value", _below(value, "", "key_result", result.get("key"))


_RESULTS = ("objective", "key_results")


def _below(said: Mapping[str, Any], nested: str, above: str, key: object) -> dict[str, Any]:
    return {word: value for word, value in said.items() if word != nested} | {above: key}


def _listed(said: Mapping[str, Any], name: str, place: str) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a list, each with its place. Raises BadFile."""
    items = said.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadFile([f"{place}: {name} must be a list of objects."])
    prefix = name if place == name else f"{place}.{name}"
    return [(f"{prefix}[{number}]", item) for number, item in enumerate(items)]
