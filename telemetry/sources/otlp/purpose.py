"""What a record is for: the objective that its sender names, on the record or for all that a process sends. Pure.

`OTEL_RESOURCE_ATTRIBUTES=tloi.objective=O1-KR2` puts it on every record of an agent without changing it.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.records import Attributes, text

NAME = "tloi.objective"
Said = TypeVar("Said", bound=Call | Execution | None)


def with_purpose(record: Said, attributes: Attributes, resource: Attributes) -> Said:
    """The same record with its objective, where one is named and the dialect knew none."""
    if record is None or record.objective or not (NAME in attributes or NAME in resource):
        return record
    named = text(attributes, NAME) or text(resource, NAME)
    return replace(record, objective=named) if named else record
