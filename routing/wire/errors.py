"""Errors as the client's own library understands them: whole bodies, and events inside a stream. Pure.

Source: openai 3.57 `_exceptions.py`, `_streaming.py`; anthropic 2.14 `types/shared/error_object.py`. Both libraries
choose the exception by the status of an answer; inside a stream, which has status 200, by the event.
"""

from __future__ import annotations

from routing.contracts import Protocol
from routing.wire.bodies import Body, written
from routing.wire.sse import event_of

_OPENAI = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_body(protocol: Protocol, status: int, code: str, message: str, **extra: object) -> bytes:
    """The body of an answer of this status. `code` names the cause; `extra` are further fields of the error."""
    return written(_error(protocol, status, code, message, extra))


def error_event(protocol: Protocol, code: str, message: str, *, status: int = 502) -> bytes:
    """An event that makes the client's library raise, in a stream that has begun. It is the last."""
    error = _error(protocol, status, code, message, {})
    if protocol.startswith("anthropic."):
        return event_of(written(error), "error")
    if protocol == "openai.responses":
        return event_of(written({"type": "error", "code": code, "message": message, "param": None, **error}), "error")
    return event_of(written(error))


def _error(protocol: Protocol, status: int, code: str, message: str, extra: Body) -> Body:
    if protocol.startswith("anthropic."):
        kind = _ANTHROPIC.get(status, "api_error" if status >= 500 else "invalid_request_error")
        details = {"error_code": code}
        return {"type": "error", "error": {"type": kind, "message": message, "details": details, **extra}}
    kind = _OPENAI.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **extra}}
