"""OrchestrateOS's own files: `data/token_telemetry.json` and `execution_log.json`. Pure.

Each is a list of entries, or an object that has for each task its entry or a list of them. An entry is one run of a
task, in the words of OrchestrateOS's telemetry: `task_id`, `tool`, `action`, `model`, `started_at` or `timestamp`,
`execution_time` in seconds, `tokens_input` and `tokens_output` or `tokens: {input, output}`, `status`, `errors` and
so on. Source: the issue that asks for this reader, and the samples of a daily report.

An entry without an `execution_id` gets one made of its task and its moment, so that the same run is one execution
whichever of the two files it stands in; tool and action are no part of it, because one of the files may leave them
out. A moment without a zone is UTC: the files do not name one, and any other choice would depend on the machine that
reads. Fields that an execution does not have are kept as attributes, but for those that hold what was said.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from telemetry.contracts import Execution
from telemetry.sources import Reading, Unreadable, reason_of

_PREFIX = "orchestrate"
FOLDER_VARIABLE = "ORCHESTRATE_DIR"
NAMES = ("token_telemetry.json", "execution_log.json")
_FIELDS = frozenset(Execution.__struct_fields__) - {"attributes"}
_KEYS = ("execution_id", "session_id", "task_id")  # texts, which some write as numbers
_MOMENTS = ("started_at", "timestamp")
_SAID = frozenset(
    {"completion", "content", "input", "messages", "output", "prompt", "response", "result", "transcript"}
)
_ATTRIBUTES = 40
_TEXT_LENGTH = 300
_ERROR_LENGTH = 4_000
_MILLISECONDS = 10**11  # seconds of the year 5138, and milliseconds of 1973


def folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """ORCHESTRATE_DIR; else a folder of the system's name at home, for the files stand wherever it was set up."""
    named = environment.get(FOLDER_VARIABLE, "").strip()
    return [Path(named).expanduser() if named else home / "OrchestrateOS"]


def matches(path: Path) -> bool:
    """Whether a file is one of the two."""
    return path.name in NAMES


def reading_order(path: Path) -> tuple[bool, str]:
    """The telemetry first, which has the tokens; the log completes it."""
    return path.name != NAMES[0], str(path)


def read_document(data: bytes, *, file_name: str, host: str) -> Reading:
    """The executions of one file. An entry that cannot be read is counted with its reason; the others are read."""
    if not data.strip():
        return Reading()
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Reading(unreadable={"not JSON": 1})
    executions: dict[str, Execution] = {}
    unreadable: Counter[str] = Counter()
    for task, entry in _entries(document):
        try:
            execution = _execution(task, entry)
        except (msgspec.ValidationError, RecursionError, Unreadable) as error:
            unreadable[reason_of(error)] += 1
            continue
        known = executions.get(execution.execution_id)
        executions[execution.execution_id] = _fuller(known, execution) if known else execution
    return Reading(executions=tuple(executions.values()), unreadable=dict(unreadable))


def _entries(document: Any) -> Iterator[tuple[str, Any]]:
    """Entries, each with the task that it stands under, or "". One entry alone is a document too."""
    if isinstance(document, dict) and not any(name in document for name in _MOMENTS):
        for task, found in document.items():
            yield from ((task, entry) for entry in (found if isinstance(found, list) else [found]))
    else:
        yield from (("", entry) for entry in (document if isinstance(document, list) else [document]))


def _execution(task: str, entry: Any) -> Execution:
    """Raises msgspec.ValidationError and Unreadable."""
    if not isinstance(entry, dict):
        raise Unreadable("an entry must be an object")
    fields = {name: value for name, value in entry.items() if value is not None and name not in _MOMENTS}
    tokens = fields.pop("tokens", None)
    if isinstance(tokens, dict):
        fields = {f"tokens_{name}": tokens[name] for name in ("input", "output") if name in tokens} | fields
    known = {name: str(value) if name in _KEYS else value for name, value in fields.items() if name in _FIELDS}
    known["task_id"] = known.get("task_id") or task
    known["started_at"] = moment = _moment(next((entry[name] for name in _MOMENTS if entry.get(name)), None))
    known["execution_id"] = known.get("execution_id") or _derived(known["task_id"], entry, moment)
    known["errors"] = _errors(known.get("errors", fields.pop("error", None)))
    known["skills"] = _words(known.get("skills"))
    known["attributes"] = _attributes(fields)
    execution = msgspec.convert(known, Execution, strict=False)
    if b"\\u0000" in msgspec.json.encode(execution):
        raise Unreadable("a NUL character in a field")
    return execution


def _moment(said: Any) -> datetime:
    """In UTC, of ISO 8601, or of seconds or milliseconds since 1970. Raises Unreadable."""
    if not isinstance(said, str | int | float) or isinstance(said, bool):
        raise Unreadable("an entry without started_at or timestamp")
    try:
        if isinstance(said, str):
            moment = datetime.fromisoformat(said.strip())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromtimestamp(said / 1000 if said > _MILLISECONDS else said, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("a moment that is none") from None


def _derived(task: str, entry: Mapping[str, Any], moment: datetime) -> str:
    """An id of the run that is the same in both files."""
    named = task or f"{entry.get('tool')}:{entry.get('action')}"
    said = f"{named}\n{moment.isoformat()}"
    return f"{_PREFIX}:{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:32]}"


def _errors(said: Any) -> tuple[str, ...]:
    """Errors are a list, a text, or nothing; what is no text is shown as JSON."""
    found = said if isinstance(said, list) else [said] if said else []
    return tuple((one if isinstance(one, str) else msgspec.json.encode(one).decode())[:_ERROR_LENGTH] for one in found)


def _words(said: Any) -> tuple[Any, ...]:
    """A list, or a text with commas."""
    if isinstance(said, str):
        return tuple(word for part in said.split(",") if (word := part.strip()))
    return tuple(said) if isinstance(said, list) else ()


def _attributes(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """What else an entry says: numbers, switches and short texts, of which at most 40."""
    kept = {
        name[:_TEXT_LENGTH]: value[:_TEXT_LENGTH] if isinstance(value, str) else value
        for name, value in fields.items()
        if name not in _FIELDS and name not in _SAID and isinstance(value, str | int | float | bool)
    }
    return dict(list(kept.items())[:_ATTRIBUTES]) or None


def _fuller(first: Execution, second: Execution) -> Execution:
    """Of two entries about one run the one with more tokens, completed by what only the other says."""
    more = ((second.tokens_input or 0) + (second.tokens_output or 0)) > (
        (first.tokens_input or 0) + (first.tokens_output or 0)
    )
    best, other = (second, first) if more else (first, second)
    missing = {
        name: getattr(other, name)
        for name in _FIELDS
        if getattr(best, name) in (None, "", ()) and getattr(other, name) not in (None, "", ())
    }
    return msgspec.structs.replace(best, **missing)
