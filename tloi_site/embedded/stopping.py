"""Stop signals as an exception, which waits where something is begun that must not be lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked this process to end (Ctrl-C, SIGTERM, a closed terminal)."""


class _State:
    """Of the main thread, the only one that signals interrupt."""

    holders = 0
    asked = False


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Inside, a stop signal raises Stopped once; the ones after it change nothing, because stopping has begun."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for name in STOPS:
            signal.signal(name, signal.SIG_IGN)
        if _State.holders:
            _State.asked = True
        else:
            raise Stopped

    wanted = [name for name in STOPS if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN]  # nohup
    before = {name: signal.signal(name, stop) for name in wanted}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def held() -> Iterator[None]:
    """Inside, a stop signal is only noted; Stopped is raised at the end. For what takes no time, as starting a process
    and keeping hold of it: one that nobody holds would neither be stopped nor waited for."""
    _State.holders += 1
    try:
        yield
    finally:
        _State.holders -= 1
        if _State.asked and not _State.holders:
            _State.asked = False
            raise Stopped
