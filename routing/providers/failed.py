"""What is raised where a provider gave no answer that may be used. Pure."""

from __future__ import annotations

from routing.contracts import Fault, FaultKind


class Failed(Exception):
    """An attempt that failed; `fault` says how, in words that a caller may read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def failed(kind: FaultKind, message: str, *, status: int = 0, retry_after_s: float | None = None) -> Failed:
    """A failure of a kind, to be raised."""
    return Failed(Fault(kind=kind, message=message, status=status, retry_after_s=retry_after_s))
