"""The agents' SDK: an agent says when a task starts and what it used. One file, standard library only (docs/sdk.md).

    record_* ─▶ queue ─▶ a file of the spool ─▶ POST /api/v1/executions/ ─▶ acknowledged ─▶ the file is deleted
    agent's threads      └────────────────────── one background thread ───────────────────┘

A file of the spool never changes once named. Whoever renames it has it; what a dead process had is free again after a
while. So a file may be sent twice, which is harmless: the server counts the id of a run once. Nothing here stops or
breaks the agent: what goes wrong is said once through `logging`, as "tloi.client".
"""

from __future__ import annotations

import atexit
import functools
import gzip
import hashlib
import inspect
import json
import logging
import os
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

MAX_QUEUED, MAX_RUNNING = 10_000, 1_000  # records in memory, of about half a kB each; runs whose end is awaited
MAX_LINE = 128 * 2**10  # bytes; what is cut there is no JSON any more, so the server refuses it alone, with a reason
FILE_RECORDS, MAX_BATCH = 100, 512 * 2**10  # of a file; bytes of small files that are sent together, 20 MiB at most
MAX_SPOOL = 64 * 2**20  # bytes that wait for one key
GATHER_S, SEND_EVERY_S = 0.01, 0.2  # what comes together goes into one file
ASK_S, MAX_ASKING = 0.2, 8  # how long a forecast is waited for, and by how many at once
IDLE_S, STALE_S = 60.0, 120.0  # the longest pause of our own choice; for how long a file is somebody's at most
UNCLAIMED = "unclaimed"
_FILE = re.compile(r"(\w+)-(\d{20})-[0-9a-f]{12}\.(?:jsonl|(\d+))")  # whose key, when; since when it is taken
_LOOPBACK = re.compile(r"https?://(localhost|127(\.\d+){3}|\[::1\])(:|/|$)")
_current: ContextVar[Task | None] = ContextVar("tloi_task", default=None)
F = TypeVar("F", bound=Callable[..., Any])


class TokenTelemetry:
    """Records runs of tasks. Address and key: arguments, else TLOI_URL and TLOI_API_KEY; without them records wait in
    the spool. `spool_dir`: else TLOI_SPOOL_DIR, else ~/.tloi/spool. `timeout`: seconds, of each step of a request.
    `lost` counts records that were dropped here or refused by the server. Fields of runs: docs/sdk.md."""

    def __init__(
        self, url: str | None = None, api_key: str | None = None, *, spool_dir: str = "", timeout: float = 5.0
    ) -> None:
        url = (url or os.environ.get("TLOI_URL", "")).strip().rstrip("/")
        key = (api_key or os.environ.get("TLOI_API_KEY", "")).strip()
        self.lost, self._said = 0, set[str]()
        self._running: dict[str, tuple[dict[str, Any], float | None, int]] = {}  # a record, its moment, its thread
        self._server = _Server(url, key, timeout) if key and url.startswith(("http://", "https://")) else None
        self._spool = _Spool(spool_dir or os.environ.get("TLOI_SPOOL_DIR") or "~/.tloi/spool", key)
        self._unsent, self._due, self._asked, self._pause = True, 0.0, False, 1.0
        self._renew()
        if self._server is None:
            self._say(f"TLOI_URL or TLOI_API_KEY is missing or wrong, records wait in {self._spool.folder}")
        getattr(os, "register_at_fork", dict)(after_in_child=self._renew)  # Windows has no forks
        atexit.register(self.close, 2.0)
        self._put(None)

    def _renew(self) -> None:
        """Begin with nothing: a forked child has no thread, and what waits in memory is its parent's to send."""
        self._lock, self._disk = threading.RLock(), threading.RLock()  # a signal handler may record in a record
        self._queue: queue.SimpleQueue[dict[str, Any] | threading.Event | None] = queue.SimpleQueue()
        self._waiting: list[threading.Event] = []
        self._spool.memory.clear()
        self._worker: threading.Thread | None = None

    def record_start(self, task_id: str, tool: str = "", action: str = "", *, ask: bool = False, **fields: Any) -> Any:
        """A run of a task begins now. Returns its execution id; to who asks, its forecast, or None if that is late."""
        execution_id = str(fields.get("execution_id") or uuid.uuid4())
        with self._harmless():
            begun = {"started_at": datetime.now(UTC).isoformat(), "status": "started", "tool": tool, "action": action}
            record = _record(begun, fields, {"task_id": str(task_id), "execution_id": execution_id})
            with self._lock:
                self._running[execution_id] = record, time.monotonic(), threading.get_ident()
                if len(self._running) > MAX_RUNNING:
                    del self._running[next(iter(self._running))]
            self._put(record)
            return (self._server and self._server.forecast(self._line(record))) if ask else execution_id
        return None if ask else execution_id

    def record_completion(
        self,
        task_id: str,
        tokens_input: int | None = None,
        tokens_output: int | None = None,
        execution_time: float | None = None,
        **fields: Any,
    ) -> str:
        """A run has ended: that of `execution_id`, else the latest start of the task, in this thread if it has one.
        `execution_time` in seconds, else the time since the start. Returns the execution id."""
        execution_id = str(fields.get("execution_id") or "")
        with self._harmless():
            with self._lock:
                runs = [run for run in self._running.values() if run[0]["task_id"] == str(task_id)]
                runs = [run for run in runs if run[2] == threading.get_ident()] or runs
                execution_id = execution_id or (runs[-1][0]["execution_id"] if runs else str(uuid.uuid4()))
                begun, clock, _ = self._running.pop(execution_id, ({}, None, 0))
            if clock is None:
                started_at = datetime.now(UTC) - timedelta(seconds=float(execution_time or 0))
                begun = {"task_id": str(task_id), "started_at": started_at.isoformat()}
            elif execution_time is None:
                execution_time = time.monotonic() - clock
            ending = {"status": "failed" if fields.get("errors") else "done", "execution_time": execution_time}
            told = {"tokens_input": tokens_input, "tokens_output": tokens_output, **fields}
            self._put(_record(begun, ending, told, {"execution_id": execution_id}))
        return execution_id

    def task(self, task_id: str = "", tool: str = "", action: str = "", **fields: Any) -> Task:
        """A run as a context, or as a decorator: the task is then named after the function if it has no name here."""
        return Task(self, {**fields, "task_id": task_id, "tool": tool, "action": action})

    def usage(self, tokens_input: int = 0, tokens_output: int = 0, **fields: Any) -> None:
        """Task.usage of the innermost task around this line, if there is one."""
        if task := _current.get():
            task.usage(tokens_input, tokens_output, **fields)

    def flush(self, timeout: float = 5.0) -> bool:
        """Try to send all now. False after `timeout` seconds, or where the server takes nothing: then it is spooled."""
        done = threading.Event()
        self._put(done)
        if self._worker is not None and done.wait(timeout):
            return not self._unsent
        self._store()
        return False

    def close(self, timeout: float = 5.0) -> bool:
        """Flush, and end the background thread; a later record starts another. At exit this happens by itself."""
        delivered = self.flush(timeout)
        self._worker = None
        self._store()
        self._queue.put(None)
        return delivered

    def _put(self, item: dict[str, Any] | threading.Event | None) -> None:
        """Queue a record, or who waits until all before it is sent, or None to wake the thread."""
        if isinstance(item, dict) and self._queue.qsize() >= MAX_QUEUED:
            self._say("the queue is full, records are lost", 1)
            return
        self._queue.put(item)
        if self._worker is None:
            self._worker = worker = threading.Thread(target=self._work, name="tloi.client", daemon=True)
            try:
                worker.start()
            except RuntimeError:  # no more threads, or the interpreter is about to end
                self._worker = None
                self._store()

    def _work(self) -> None:
        while self._worker is threading.current_thread():
            wait_s = max(0.0, self._due - time.monotonic()) if self._unsent else IDLE_S
            first = None
            with suppress(queue.Empty):
                first = self._queue.get(timeout=0.0 if self._waiting else wait_s)
            with self._harmless():
                self._store(first)
                waiting, self._waiting = self._waiting, []
                if time.monotonic() >= self._due or (waiting and not self._asked):
                    self._deliver()
                for done in waiting:
                    done.set()
            time.sleep(GATHER_S)

    def _store(self, first: dict[str, Any] | threading.Event | None = None) -> None:
        with self._disk:
            items = [first]
            with suppress(queue.Empty):
                while True:
                    items.append(self._queue.get_nowait())
            self._waiting += [item for item in items if isinstance(item, threading.Event)]
            lines = [self._line(item) for item in items if isinstance(item, dict)]
            for place in range(0, len(lines), FILE_RECORDS):
                self._unsent = True
                self._say(*self._spool.put(b"".join(lines[place : place + FILE_RECORDS])))

    def _line(self, record: dict[str, Any]) -> bytes:
        with self._harmless():
            said = {name: _plain(value, 4000 if name == "errors" else 200) for name, value in record.items()}
            text = json.dumps(said, ensure_ascii=False, allow_nan=False, default=str)
            return text.encode("utf-8", "replace")[:MAX_LINE] + b"\n"
        return b""

    def _deliver(self) -> None:
        self._due, self._asked = time.monotonic() + IDLE_S, False
        while self._server is not None:
            self._unsent = False
            body, files = self._spool.take()
            if not body and not files:
                self._due, self._pause = time.monotonic() + SEND_EVERY_S, 1.0
                return
            why, refused, wait_s, unclaimed = self._server.post(body)
            if refused is None:
                self._unsent = True
                self._spool.give_back(body, files, unclaimed=unclaimed)
                self._say(f"TLOI takes no records ({why}), they wait in {self._spool.folder}")
                self._due, self._asked = time.monotonic() + (wait_s or self._pause), wait_s > 0
                self._pause = min(2 * self._pause, IDLE_S) * (1 - os.urandom(1)[0] / 1024)  # not all at once
                return
            for path in files:
                path.unlink(missing_ok=True)
            self._say(why, refused)
            self._store()

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 (whatever it is, the agent goes on)
            self._say(f"telemetry is lost: {error!r}", 1)

    def _say(self, text: str, lost: int = 0) -> None:
        self.lost += lost
        if text and text not in self._said and len(self._said) < 100:
            self._said.add(text)
            logging.getLogger("tloi.client").warning("%s", text)


class Task:
    """One run: from the beginning of a context to its end, or around each call of a function, async ones too. It has
    failed where an exception passes through, whose text goes with it."""

    def __init__(self, telemetry: TokenTelemetry, fields: dict[str, Any]) -> None:
        self._telemetry, self._fields = telemetry, fields
        self._told: dict[str, Any] = {}
        self.execution_id, self._asks = "", bool(fields.pop("ask", False))

    def usage(self, tokens_input: int = 0, tokens_output: int = 0, **fields: Any) -> None:
        """Add the tokens of a call to a model; of other fields the last word stays."""
        with self._telemetry._harmless(), self._telemetry._lock:
            for name, value in _record(fields, {"tokens_input": tokens_input, "tokens_output": tokens_output}).items():
                self._told[name] = self._told.get(name, 0) + value if name.startswith(("tokens_", "cache_")) else value

    def __enter__(self) -> Task:
        self._told, self._outer = {}, _current.get()
        self.execution_id = str(self._fields.get("execution_id") or uuid.uuid4())
        said = self._telemetry.record_start(**{**self._fields, "execution_id": self.execution_id}, ask=self._asks)
        self.forecast: dict[str, Any] | None = said if self._asks else None
        _current.set(self)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        _current.set(self._outer)
        failed = {"status": "failed", "errors": error} if error is not None else {}
        self._telemetry.record_completion(**{**self._fields, **self._told, **failed, "execution_id": self.execution_id})

    def __call__(self, function: F) -> F:
        fields = {**self._fields, "task_id": self._fields["task_id"] or function.__qualname__}

        def run(*args: Any, **kwargs: Any) -> Any:
            with Task(self._telemetry, fields):
                return function(*args, **kwargs)

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with Task(self._telemetry, fields):
                return await function(*args, **kwargs)

        return cast(F, functools.wraps(function)(run_async if inspect.iscoroutinefunction(function) else run))


class _Spool:
    """Records on disk, shared by all agents of an account. A name begins with a digest of the key that its records are
    for, or says that theirs is missing or was refused: those the next client takes. `x.jsonl` is free; `x.` and a
    second since 1970 has been somebody's since then."""

    def __init__(self, folder: str, key: str) -> None:
        self.folder = Path(os.path.expanduser(folder))  # noqa: PTH111 (Path's own fails for an account without a home)
        self._lane = hashlib.sha256(key.encode()).hexdigest()[:16] if key else UNCLAIMED
        self.memory: list[bytes] = []  # what could not be written

    def put(self, body: bytes) -> tuple[str, int]:
        """Keep lines. Returns what went wrong, and how many older ones were dropped."""
        dropped = 0
        try:
            with suppress(FileNotFoundError):  # somebody else takes files away, which makes room too
                files = self._free(self._lane, UNCLAIMED)
                while files and sum(path.stat().st_size for path in files) + len(body) > MAX_SPOOL:
                    dropped += files[0].read_bytes().count(b"\n")
                    files.pop(0).unlink()
            self._write(self._lane, f"{time.time_ns():020d}", body)
        except OSError as error:
            self.memory = [*self.memory, body][-MAX_QUEUED // FILE_RECORDS :]
            return f"the spool cannot be written, the latest records stay in memory: {error}", dropped
        return "the spool is full, the oldest records are dropped" if dropped else "", dropped

    def take(self) -> tuple[bytes, list[Path]]:
        """The oldest lines for one key, and the files that they are from, which are ours now."""
        if self.memory:
            return self.memory.pop(0), []
        body, files = b"", list[Path]()
        for path in self._free(self._lane) or self._free(UNCLAIMED):
            with suppress(OSError):  # somebody else was faster
                mine = path.rename(path.with_suffix(f".{time.time():.0f}"))
                body += mine.read_bytes().rpartition(b"\n")[0] + b"\n"  # without a torn last line
                files.append(mine)
            if len(body) > MAX_BATCH:
                break
        return body, files

    def give_back(self, body: bytes, files: list[Path], *, unclaimed: bool) -> None:
        """Lines that were not sent, in one file from now on."""
        if not files:
            self.memory.insert(0, body)
            return
        lane, when, _ = files[0].name.split("-")
        with suppress(OSError):  # otherwise the files are free again after a while
            self._write(UNCLAIMED if unclaimed else lane, when, body)
            for path in files:
                path.unlink(missing_ok=True)

    def _free(self, *lanes: str) -> list[Path]:
        named = [(path, _FILE.fullmatch(path.name)) for lane in {*lanes} for path in self.folder.glob(f"{lane}-*")]
        free = [path for path, name in named if name and abs(time.time() - int(name[3] or 0)) > STALE_S]
        return sorted(free, key=lambda path: path.name.partition("-")[2])

    def _write(self, lane: str, when: str, body: bytes) -> None:
        self.folder.mkdir(0o700, parents=True, exist_ok=True)
        path = self.folder / f"{lane}-{when}-{uuid.uuid4().hex[:12]}.{time.time():.0f}"
        path.touch(0o600)
        try:
            path.write_bytes(body)
            path.rename(path.with_suffix(".jsonl"))
        finally:
            path.unlink(missing_ok=True)


class _Server:
    """Where records go. Proxies are those of the environment, but none to this machine itself. Every answer is taken
    as it is: to follow a redirect would drop the body and carry the key away."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._address, self._timeout, self._opener = f"{url}/api/v1/", timeout, OpenerDirector()
        self._headers = {"Authorization": f"Bearer {key}", "X-TLOI-Source": "sdk"}
        for handler in ProxyHandler({} if _LOOPBACK.match(url) else None), HTTPHandler(), HTTPSHandler():
            self._opener.add_handler(handler)

    def post(self, body: bytes) -> tuple[str, int | None, float, bool]:
        """Send lines. Returns what is wrong; how many the server will never take, None where all must be sent again;
        the seconds that it asks to wait; and whether the key is wrong. Only a receipt is an acknowledgement."""
        status, text, said, asked = self._send("executions/", body, "application/x-ndjson", self._timeout)
        if status in (200, 400) and isinstance(said.get("rejected"), list):
            why = [f"TLOI refused records: {one.get('reason')}" for one in said["rejected"][:1]]
            why += ["TLOI set records apart: this machine's clock is wrong"] if said.get("quarantined") else []
            return "; ".join(why), len(said["rejected"]), 0.0, False
        if status == 413 or (status == 400 and "error" in said):
            return f"TLOI refused records: HTTP {status} {text}", body.count(b"\n"), 0.0, False
        wait_s = min(float(asked), 3600.0) if asked and asked.isdecimal() else IDLE_S if asked else 0.0
        return f"HTTP {status}" if status else text, None, wait_s, status in (401, 403)

    def forecast(self, body: bytes) -> dict[str, Any] | None:
        """What a run is expected to need, if said in time. A thread waits: a request's limit is one of each step."""
        answers = queue.SimpleQueue[tuple[int, str, dict[str, Any], str]]()
        ask = functools.partial(self._send, "forecast/", body, "application/json", ASK_S)
        with suppress(queue.Empty, RuntimeError):
            if sum(thread.name == "tloi.ask" for thread in threading.enumerate()) < MAX_ASKING:
                threading.Thread(target=lambda: answers.put(ask()), name="tloi.ask", daemon=True).start()
                status, _, said, _ = answers.get(timeout=ASK_S)
                return said if status == 200 else None
        return None

    def _send(self, path: str, body: bytes, kind: str, timeout: float) -> tuple[int, str, dict[str, Any], str]:
        """A status, the beginning of the text, its JSON object, and Retry-After; 0 and why where nobody answers."""
        headers, said = {**self._headers, "Content-Type": kind}, None
        if len(body) > 4096:
            body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
        try:
            request = Request(self._address + path, body, headers)  # noqa: S310 (http or https, see TokenTelemetry)
            with self._opener.open(request, timeout=timeout) as response:
                status, asked, text = response.status, response.headers.get("Retry-After", ""), response.read(2**20)
        except (OSError, HTTPException, ValueError) as error:
            return 0, repr(error), {}, ""
        with suppress(ValueError):
            said = json.loads(text)
        return status, repr(text[:300]), said if isinstance(said, dict) else {}, asked


def _record(*parts: dict[str, Any]) -> dict[str, Any]:
    """Fields of which the last word stays, unless it says nothing; lists as they are now."""
    said = {name: value for part in parts for name, value in part.items() if value is not None and value != ""}
    for name in {"errors", "skills"} & said.keys():
        said[name] = tuple(said[name]) if isinstance(said[name], list | tuple | set) else (said[name],)
    return said


def _plain(value: Any, length: int) -> Any:
    """A value as the server takes it: texts without NUL, of at most `length`; at most ten in a list."""
    if isinstance(value, tuple):
        return [_plain(one, length) for one in value[:10]]
    text = f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else value
    return text.replace("\0", "")[:length] if isinstance(text, str) else text
