"""Reading transcripts: our time against a plain `json.loads` of every line, and against ccusage where npm has it.

Bar: ≤ 1.5 times the time of `json.loads`. At least 200 MB of Claude Code's transcripts are generated from the format
(formats.md §4.1): several lines a response that repeat its usage, prompts, tool results, progress and snapshots, in
the proportions of real transcripts. Nothing is copied from real ones.

`import-vs-json`: the pure reader, files and all: opened, cut into lines, told apart, decoded, each response once, as
calls and executions; beside it the same files opened, cut and passed to `json.loads`. No database on either side, no
process start. `lean` is the same of lines without what was said, which is the worst case: less to skip for us, as
much to keep. `import-whole` has no bar: the whole of `tloi import` into a private PostgreSQL (identified, priced,
counted once, committed), as a multiple of `json.loads`. `import-vs-ccusage`: `ccusage --offline --json` is a process
of its own in Rust on all cores that also adds up and prices; from its time that of an empty folder is taken off.
Ours is the reader alone, in one thread, so that ratio flatters us: what a person waits for is `import-whole`.
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import harness
from telemetry.importer.files import files_of
from telemetry.importer.reading import Bookmark, steps
from telemetry.importer.registry import SOURCES

MEGABYTES = 200
LEAN_MEGABYTES = 60
ROUNDS = 3
_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_WORDS = ("def", "return", "the", "import", '"quoted"', "\\n\t", '{"a": 1}', "für", "naïve", "数据", "path/to/file.py")
_SOURCE = SOURCES["claude-code"]


def main() -> None:
    """Measure in turns and print JSON lines."""
    folder = Path(tempfile.mkdtemp(prefix="tloi-bench-", dir=os.environ.get("TLOI_BENCH_DIR")))
    try:
        size, calls = generate(folder / "said", megabytes=MEGABYTES, is_lean=False)
        lean_size, _ = generate(folder / "lean", megabytes=LEAN_MEGABYTES, is_lean=True)
        said, lean = files_of(_SOURCE, [folder / "said"]), files_of(_SOURCE, [folder / "lean"])
        assert read(said) == calls
        ours, theirs, lean_ours, lean_theirs = harness.in_turns(
            ROUNDS,
            lambda _: _timed(lambda: read(said)),
            lambda _: _timed(lambda: load(said)),
            lambda _: _timed(lambda: read(lean)),
            lambda _: _timed(lambda: load(lean)),
        )
        harness.report(
            "import-vs-json",
            harness.median_ratio(ours, theirs),
            at_most=1.5,
            MB=round(size / 1e6),
            calls=calls,
            MB_per_s={"ours": _rates(size, ours), "json": _rates(size, theirs)},
            lean=round(harness.median_ratio(lean_ours, lean_theirs), 3),
            lean_MB_per_s={"ours": _rates(lean_size, lean_ours), "json": _rates(lean_size, lean_theirs)},
        )
        _whole(folder / "said", size, calls, theirs)
        _ccusage(folder, size, ours)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read(files: list[Path]) -> int:
    """Read files by our source; how many different calls there are."""
    ids: set[str] = set()
    for path in files:
        for step in steps(_SOURCE, path, Bookmark(), host="bench", progress=lambda _: None):
            ids.update(call.id for call in step.reading.calls)
            assert not step.reading.unreadable
    return len(ids)


def load(files: list[Path]) -> int:
    """Decode every line of files by the standard library; how many there are."""
    lines = 0
    for path in files:
        with path.open("rb") as file:
            for line in file:
                json.loads(line)
                lines += 1
    return lines


def generate(folder: Path, *, megabytes: int, is_lean: bool) -> tuple[int, int]:
    """Write transcripts into `folder`: how many bytes, and how many responses."""
    dice = random.Random(7)
    written = responses = number = 0
    while written < megabytes * 10**6:
        path = folder / ".claude" / "projects" / f"-home-ana-p{number % 9}" / f"{_uuid(dice)}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        session = _Session(dice, path.stem, _NOW - timedelta(minutes=17 * number), is_lean=is_lean)
        with path.open("wb") as file:
            for line in session.lines(turns=dice.randrange(40, 400)):
                written += file.write(line + b"\n")
        responses += session.responses
        number += 1
    return written, responses


class _Session:
    """One conversation: who speaks, when, and how much has been said."""

    def __init__(self, dice: random.Random, session: str, start: datetime, *, is_lean: bool) -> None:
        self.dice, self.session, self.clock, self.is_lean = dice, session, start, is_lean
        self.responses = 0

    def lines(self, *, turns: int) -> Iterator[bytes]:
        """A prompt, then responses with their tools' results, progress and snapshots between them."""
        for turn in range(turns):
            if turn % 25 == 0:
                yield self._line("user", message={"role": "user", "content": self._text(400)})
                yield self._line("file-history-snapshot", snapshot={"trackedFileBackups": {}, "text": self._text(300)})
            yield from self._response()
            result = {"type": "tool_result", "tool_use_id": _uuid(self.dice), "content": self._text(3_000)}
            kept = {"stdout": self._text(1_500), "interrupted": False}
            yield self._line("user", message={"role": "user", "content": [result]}, toolUseResult=kept)
            for _ in range(self.dice.randrange(3)):
                yield self._line("progress", data={"type": "hook_progress", "output": self._text(200)})

    def _response(self) -> Iterator[bytes]:
        """One line a content block; only the last has the whole output."""
        request, blocks = f"req_011{_uuid(self.dice)[:20]}", self.dice.randrange(1, 4)
        message, output = f"msg_{_uuid(self.dice)[:24]}", self.dice.randrange(20, 2_000)
        usage = {
            "input_tokens": self.dice.randrange(30),
            "cache_read_input_tokens": self.dice.randrange(150_000),
            "cache_creation_input_tokens": (write := self.dice.randrange(4_000)),
            "cache_creation": {"ephemeral_5m_input_tokens": write, "ephemeral_1h_input_tokens": 0},
            "service_tier": "standard",
        }
        self.responses += 1
        for block in range(blocks):
            is_last = block == blocks - 1
            said = {
                "id": message,
                "type": "message",
                "role": "assistant",
                "model": "claude-sonnet-4-5-20250929",
                "stop_reason": "tool_use" if is_last else None,
                "content": [{"type": ("thinking", "text", "tool_use")[block], "text": self._text(900)}],
                "usage": usage | {"output_tokens": output if is_last else 1},
            }
            yield self._line("assistant", message=said, requestId=request)

    def _line(self, kind: str, **fields: Any) -> bytes:
        self.clock += timedelta(milliseconds=self.dice.randrange(20, 2_000))
        line = {
            "parentUuid": _uuid(self.dice),
            "isSidechain": False,
            "userType": "external",
            "cwd": "/home/ana/shop",
            "sessionId": self.session,
            "version": "2.1.42",
            "gitBranch": "main",
            "type": kind,
            **fields,
            "uuid": _uuid(self.dice),
            "timestamp": self.clock.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()

    def _text(self, mean: int) -> str:
        """Words, quotes and escapes of about `mean` characters; on lean lines a mark of their length."""
        length = int(min(30_000, self.dice.expovariate(1 / mean)))
        if self.is_lean:
            return f"[redacted {length} chars]"
        start = self.dice.randrange(len(_PROSE) - 30_000)
        return _PROSE[start : start + length]


_PROSE = " ".join(random.Random(3).choices(_WORDS, k=30_000))


def _whole(folder: Path, size: int, calls: int, theirs: list[float]) -> None:
    """The whole import into a new database, once."""
    with harness.instance() as place:
        from telemetry.database import connection
        from telemetry.importer.importing import import_files

        files = files_of(_SOURCE, [folder])
        began = time.perf_counter()
        report = import_files(
            connection(),
            project_id=place.project_id,
            source=_SOURCE,
            files=files,
            host="bench",
            clock=lambda: datetime.now(UTC),
        )
        took = time.perf_counter() - began
    assert report.new == calls, report
    ratio = took / sorted(theirs)[len(theirs) // 2]
    harness.report("import-whole", ratio, MB_per_s=round(size / 1e6 / took, 1), calls_per_s=round(calls / took))


def _ccusage(folder: Path, size: int, ours: list[float]) -> None:
    """Our reader against ccusage's, where npm has it; else why not, on one line."""
    command = _installed(folder / "npm")
    if isinstance(command, str):
        print(json.dumps({"skipped": "import-vs-ccusage", "why": command}), flush=True)
        return
    empty = folder / "empty" / ".claude" / "projects"
    empty.mkdir(parents=True)

    def run(root: Path) -> float:
        environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(root / ".claude"), "HOME": str(folder)}
        return _timed(lambda: subprocess.run([*command, *_DAILY], env=environment, check=True, capture_output=True))

    took = [max(0.001, run(folder / "said") - run(folder / "empty")) for _ in range(ROUNDS)]
    harness.report(
        "import-vs-ccusage",
        harness.median_ratio(ours, took),
        MB_per_s={"ours": _rates(size, ours), "ccusage": _rates(size, took)},
        cores=os.cpu_count(),
    )


_DAILY = ("claude", "daily", "--offline", "--json")


def _installed(folder: Path) -> list[str] | str:
    """The command of ccusage, installed into `folder`; else why there is none. Its program for this platform is a
    package of its own, of which a mirror may have an older version only."""
    npm = shutil.which("npm")
    if npm is None:
        return "there is no npm"
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    native = f"@ccusage/ccusage-{platform.system().lower()}-{machine}"
    folder.mkdir()
    version = subprocess.run([npm, "view", native, "version"], capture_output=True, text=True, check=False)
    if version.returncode:
        return f"npm does not find {native}"
    wanted = [f"{name}@{version.stdout.strip()}" for name in ("ccusage", native)]
    options = ["--no-audit", "--no-fund", "--prefix", str(folder)]
    done = subprocess.run([npm, "install", *options, *wanted], capture_output=True, text=True, check=False)
    program = folder / "node_modules" / native / "bin" / "ccusage"
    if done.returncode or not program.exists():
        return "npm could not install it"
    program.chmod(0o755)
    return [str(program)]


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _rates(size: int, times: list[float]) -> list[float]:
    return [round(size / 1e6 / took, 1) for took in times]


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


if __name__ == "__main__":
    main()
