"""Which call is this? 16 bytes that are a pure function of what the sender sent, never of our clock. Pure.

The first 6 bytes keep the order of the provider's own ids where those begin with time (`req_011C…`, UUID 7), the
other 10 are SHA-256: ids that arrive in order keep the index in memory (docs/design.md). A call without an id is
known by its content, ordered by its own time. Source: sql.md §1.
"""

from __future__ import annotations

import hashlib
import string
from binascii import a2b_base64
from datetime import UTC, datetime

import msgspec

from telemetry.contracts import Call, Execution

_RANKED = string.digits + string.ascii_uppercase + "_" + string.ascii_lowercase + "~"
_BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_ORDER = bytes(
    ord(_BASE64[sum(chr(code) > ranked for ranked in _RANKED[:-1])]) if code < 128 else ord("/") for code in range(256)
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_sha256 = hashlib.sha256


def call_id(call: Call) -> bytes:
    """The 16 bytes by which a call is known within its project; the table keeps them as a uuid."""
    if call.id:
        return key_id(call.id)
    in_utc = msgspec.structs.replace(call, started_at=call.started_at.astimezone(UTC))
    content = _sha256(msgspec.json.encode(in_utc)).digest()
    return _milliseconds(call.started_at) + content[:10]


def key_id(key: str) -> bytes:
    """The identity of a provider's key, the same by whatever route it comes."""
    raw = key.encode()
    start = max(raw.find(b"_"), raw.find(b"-")) + 1 if raw[:1].isalpha() else 0
    order = a2b_base64(raw[start : start + 8].translate(_ORDER).ljust(8, b"A"))
    return order + _sha256(raw).digest()[:10]


def execution_key(execution: Execution) -> str:
    """The sender's id of an execution, else one derived from what makes the run this run."""
    if execution.execution_id:
        return execution.execution_id
    parts = (execution.task_id, execution.agent, execution.tool, execution.action)
    moment = execution.started_at.astimezone(UTC).isoformat()
    return "derived:" + _sha256(msgspec.json.encode((*parts, moment))).hexdigest()[:40]


def _milliseconds(moment: datetime) -> bytes:
    return int((moment - _EPOCH).total_seconds() * 1000).to_bytes(6, "big", signed=True)
