"""Results of functions, kept for who asks the same again: `@cache_with_ttl(hours=24)`.

For what is declared to be a matter of its arguments alone: it may be made once for all who ask, in whichever process.
Whatever is wrong with the cache, the function is called: it is slower then, and never wrong, and nothing is raised that
the function does not raise itself. What is kept is JSON, and only what comes back from it as it was, to the type.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import wraps
from pathlib import Path, PurePath
from typing import Any, ParamSpec, TypeVar, cast, get_type_hints

import msgspec

from routing.cache.fingerprint import Unfit, canonical, fingerprint
from routing.cache.leases import leases
from routing.cache.lookups import (
    MOST_BYTES,
    PATIENCE_S,
    Ask,
    Found,
    Pause,
    Question,
    finding,
    keep,
    rest,
    skip,
    tag_key,
)
from routing.cache.valkey import valkey

Asking = ParamSpec("Asking")
Result = TypeVar("Result")
Hours = float | Callable[[Mapping[str, Any]], float]
_TENANT = "project_id"  # the argument that says whose it is
_MAKE = object()
_Steps = Generator[Any, Any, Any]
_log = logging.getLogger(__name__)


def cache_with_ttl(
    *,
    hours: Hours,
    version: int = 1,
    grace_hours: float | None = None,
    tags: Sequence[str] = (),
    patience_s: float = PATIENCE_S,
) -> Callable[[Callable[Asking, Result]], Callable[Asking, Result]]:
    """Keep what a function returns, `async` or not, for so many hours, or what `hours` says of its arguments by name;
    0: not at all. A higher `version` forgets what older code made. For `grace_hours` more (as long as it held) an old
    result is given while it is made anew, or if that fails. `tags` may name arguments: `prices of {project_id}`; see
    `forget`. An argument that is a `Path` stands for what the file holds. `patience_s`: for how long a call waits for
    another one that makes the same."""

    def decorate(function: Callable[Asking, Result]) -> Callable[Asking, Result]:
        kept = _Kept(function, hours, version, grace_hours, tuple(tags), patience_s)
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def later(*args: Asking.args, **named: Asking.kwargs) -> Any:
                return await _awaited(kept.steps(args, named), function, args, named)

            return cast(Callable[Asking, Result], later)

        @wraps(function)
        def now(*args: Asking.args, **named: Asking.kwargs) -> Result:
            return cast(Result, _run(kept.steps(args, named), function, args, named))

        return now

    return decorate


def forget(tag: str) -> bool:
    """Forget every result that bears a tag, those that are being made too. False where the cache does not answer: then
    they may be given until they pass."""
    return valkey().drop(tag_key(tag))


class _Kept:
    """A function whose results are kept."""

    def __init__(
        self,
        function: Callable[..., Any],
        hours: Hours,
        version: int,
        grace_hours: float | None,
        tags: tuple[str, ...],
        patience_s: float,
    ) -> None:
        self._function, self._hours, self._version = function, hours, version
        self._grace_hours, self._tags, self._patience_s = grace_hours, tags, patience_s
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._signature = inspect.signature(function)
        self._kind: Any = None
        self._has_said = False

    def steps(self, args: Sequence[Any], named: Mapping[str, Any]) -> _Steps:
        """One call, as what is to be done: asked of Valkey, waited for, made."""
        files: dict[PurePath, bytes] = {}
        question = self._question(args, named, files)
        got = None if question is None else (yield from finding(question, patience_s=self._patience_s))
        if isinstance(got, Found):
            try:
                return self._read(got.value)
            except (TypeError, ValueError):  # another type than today's
                got = None
        if got is None:
            return (yield _MAKE)
        leases.hold(got)
        try:
            try:
                value = yield _MAKE
            except Exception:
                if got.old is None:
                    raise
                leases.forget(got)
                yield rest(got)
                _log.exception("%s failed, what it gave before is given", self._name)
                return self._read(got.old)
            said = self._said(value, files)
            yield skip(got) if said is None else keep(got, said)
            leases.forget(got)
            return value
        finally:
            leases.let_go(got)

    def _question(self, args: Sequence[Any], named: Mapping[str, Any], files: dict[PurePath, bytes]) -> Question | None:
        """What is asked; None where that cannot be told from another question, or is not to be kept."""
        try:
            bound = self._signature.bind(*args, **named)
            bound.apply_defaults()
            asked = bound.arguments
            hours = self._hours(asked) if callable(self._hours) else self._hours
            tenant = str(asked.get(_TENANT, ""))
            key = fingerprint(
                self._name,
                version=self._version,
                tenant=tenant,
                arguments=asked,
                content=lambda path: files.setdefault(path, _digest(path)),
            )
            tags = tuple(tag.format_map(asked) for tag in self._tags)
        except (TypeError, OSError, LookupError) as why:  # the function is asked, and says itself what is wrong
            self._tell("what it is asked", why)
            return None
        if hours <= 0:
            return None
        grace = hours if self._grace_hours is None else self._grace_hours
        return Question(key=key, ttl_s=hours * 3600, grace_s=grace * 3600, tags=tags)

    def _said(self, value: Any, files: Mapping[PurePath, bytes]) -> bytes | None:
        """A result as it is kept; None where it cannot be, or a file is another one than when it was asked."""
        try:
            said = msgspec.json.encode(value)
            if canonical(self._read(said)) != canonical(value):
                raise Unfit("It does not come back from JSON as it was.")
            if len(said) > MOST_BYTES:
                raise Unfit(f"It has more than {MOST_BYTES:,} bytes.")
            return said if all(_digest(path) == digest for path, digest in files.items()) else None
        except (TypeError, ValueError, OverflowError, RecursionError, OSError) as why:
            self._tell("what it returns", why)
            return None

    def _read(self, said: bytes) -> Any:
        """A result that was kept, of the type that the function says it returns. Raises ValueError, TypeError."""
        if self._kind is None:
            try:
                self._kind = get_type_hints(self._function).get("return", Any)
            except NameError as why:
                raise Unfit(f"The type that it returns is not known: {why}.") from why
        return msgspec.json.decode(said, type=self._kind)

    def _tell(self, what: str, why: Exception) -> None:
        if not self._has_said:
            self._has_said = True
            _log.warning("results of %s cannot be kept for %s: %s", self._name, what, why)


def _run(steps: _Steps, function: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Do what a call consists of, in this thread."""
    said: Any = None
    raised: BaseException | None = None
    while True:
        try:
            step = steps.send(said) if raised is None else steps.throw(raised)
        except StopIteration as over:
            return over.value
        said = raised = None
        match step:
            case Ask():
                said = valkey().ask(step)
            case Pause():
                time.sleep(step.seconds)
            case _:
                try:
                    said = function(*args, **named)
                except BaseException as error:  # noqa: BLE001 (it is raised in the steps)
                    raised = error


async def _awaited(steps: _Steps, function: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Do what a call consists of, in this loop."""
    said: Any = None
    raised: BaseException | None = None
    while True:
        try:
            step = steps.send(said) if raised is None else steps.throw(raised)
        except StopIteration as over:
            return over.value
        said = raised = None
        try:
            match step:
                case Ask():
                    said = await valkey().ask_from_loop(step)
                case Pause():
                    await asyncio.sleep(step.seconds)
                case _:
                    said = await function(*args, **named)
        except BaseException as error:  # noqa: BLE001 (it is raised in the steps)
            raised = error


def _digest(path: PurePath) -> bytes:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
