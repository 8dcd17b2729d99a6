"""The loader of named SQL: one statement, one file `sql/<name>.sql`, one function of the same name that runs it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import LiteralString


@cache
def statement(package: str, name: str) -> LiteralString:
    """The text of `<package>/sql/<name>.sql`. Raises FileNotFoundError.

    >>> statement("telemetry.series", "usage_by")
    """
    return (files(package) / "sql" / f"{name}.sql").read_text("utf-8")
