"""Whether a value keeps to a JSON schema that somebody else wrote. Pure, and in bounded time.

A schema comes with a request, so it is hostile: nothing is fetched for a `$ref`; patterns and formats are not looked at
(a regular expression can take for ever), nor whether items are unique (each is compared with each); and after some
thousand steps through references nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

_STEPS = 2_000
_DEEPEST = 64
_UNREAD = frozenset({"pattern", "patternProperties", "format", "uniqueItems", "$schema", "$id"})


class _TooMuch(Exception):
    pass


def breach(value: object, schema: dict[str, Any]) -> str:
    """Where and how a value does not keep to a schema, in a few words; empty where it does, and where that cannot be
    found out: a schema that is none, or too large a one, is nothing that an answer can be blamed for."""
    try:
        error = next(_errors(value, _readable(schema, 0)), None)
    except (_TooMuch, RecursionError):
        return ""
    except Exception as unusable:  # a schema that is none fails in as many ways as there are keywords
        if isinstance(unusable, MemoryError):
            raise
        return ""
    if error is None:
        return ""
    return f"{error.json_path}: {error.validator}"[:200]


def _errors(value: object, schema: object) -> Iterator[Any]:
    steps = 0
    checker, registry, follow = _checker()

    def counted(validator: Any, ref: Any, instance: Any, here: Any) -> Iterator[Any]:
        nonlocal steps
        steps += 1
        if steps > _STEPS:
            raise _TooMuch
        yield from follow(validator, ref, instance, here) or ()

    bounded = import_module("jsonschema.validators").extend(checker, {"$ref": counted, "$dynamicRef": counted})
    found: Iterator[Any] = bounded(schema, registry=registry).iter_errors(value)
    return found


@cache
def _checker() -> tuple[Any, Any, Any]:
    """The validator, a registry that fetches nothing, and how `$ref` is followed. Loaded when first asked for: a
    gateway that sees no schema does not hold them."""
    checker = import_module("jsonschema").Draft202012Validator
    return checker, import_module("referencing").Registry(), checker.VALIDATORS["$ref"]


def _readable(schema: Any, depth: int) -> Any:
    """The schema without what is not looked at. _TooMuch where it is too deep."""
    if depth > _DEEPEST:
        raise _TooMuch
    if isinstance(schema, dict):
        return {key: _readable(part, depth + 1) for key, part in schema.items() if key not in _UNREAD}
    if isinstance(schema, list):
        return [_readable(part, depth + 1) for part in schema]
    return schema
