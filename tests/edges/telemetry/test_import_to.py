"""`tloi import --to`: from a machine that has no server, to one that is there, busy, wrong, or away for a while."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from telemetry.contracts import Execution as Run
from telemetry.importer.sending import Away, Server
from telemetry.models import Call, Execution, Project
from tests.api_calls import EXECUTIONS, ask, send
from tests.conftest import ROOT
from tests.opencode_data import answer, database
from tests.transcripts import assistant, user

RUN = "import sys; from tloi_site.program import main; sys.exit(main(sys.argv[1:]))"


@dataclass
class Machine:
    """A machine with agents: a home folder, and a Python that has the standard library, msgspec and our code."""

    home: Path
    libraries: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Nothing of ours is set but `more`."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
        return kept | {"HOME": str(self.home), "PYTHONPATH": f"{self.libraries}:{ROOT}"} | more

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """`tloi` with these words, under way."""
        return subprocess.Popen(
            [sys.executable, "-S", "-c", RUN, *words],
            env=self.environment(**environment),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def tloi(self, *words: str, **environment: str) -> tuple[int, str]:
        """Exit code and all that was said."""
        process = self.start(*words, **environment)
        said = process.communicate(timeout=60)[0]
        return process.returncode, said


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a transcript, and a folder of libraries that holds msgspec only."""
    libraries, home = tmp_path / "libraries", tmp_path / "home"
    libraries.mkdir()
    (libraries / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    transcript(home, user(), assistant("req_1"), assistant("req_2", at="10:01:00"))
    return Machine(home, libraries)


def transcript(home: Path, *lines: bytes, name: str = "s.jsonl", mode: str = "wb") -> Path:
    """A transcript of Claude Code at home."""
    path = home / ".claude" / "projects" / "-shop" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open(mode) as file:
        file.write(b"".join(line + b"\n" for line in lines))
    return path


@dataclass
class Mock:
    """A server of the test's own. Each request is answered by the next of `answers`, the last again and again; an
    answer is made of how many records were sent. `seen` are requests: path, headers, records."""

    answers: list[Callable[[int], tuple[int, Mapping[str, str], bytes]]]
    seen: list[tuple[str, Mapping[str, str], list[Any]]] = field(default_factory=list)
    url: str = ""


def stored(count: int) -> tuple[int, Mapping[str, str], bytes]:
    """All was new."""
    return 200, {}, json.dumps({"accepted": count, "duplicates": 0, "quarantined": 0, "rejected": []}).encode()


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[int], tuple[int, Mapping[str, str], bytes]]:
    """Always the same."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (status, named, body)


@pytest.fixture
def mock() -> Iterator[Mock]:
    """A server on a free port."""
    state = Mock([stored])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            records = json.loads(body)
            state.seen.append((self.path, dict(self.headers), records))
            answer = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            status, headers, content = answer(len(records))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        yield state
        server.shutdown()


def test_a_machine_without_django_sends_what_an_import_here_would_store(
    machine: Machine, project: Project, web: str, key: str
) -> None:
    code, said = machine.tloi("import", "--all", "--to", web, "--key", key)
    assert code == 0, said
    assert "2 calls (2 new, 0 known), 1 file, 0 unreadable lines, 0 quarantined" in said
    calls = Call.objects.filter(project_id=project.pk)
    assert {(one.source, one.agent) for one in calls} == {("claude-code", "claude-code")}
    assert {one.execution_id for one in calls} == {"claude-code:prompt-1"}
    assert Execution.objects.get(project_id=project.pk).source == "claude-code"


def test_only_what_is_new_is_sent_again(machine: Machine, project: Project, web: str, key: str) -> None:
    machine.tloi("import", "claude-code", TLOI_URL=web, TLOI_API_KEY=key)
    again = machine.tloi("import", "claude-code", TLOI_URL=web, TLOI_API_KEY=key)[1]
    assert "2 calls (0 new, 2 known)" in again
    assert "Nothing in the files of Claude Code has changed" in again
    transcript(machine.home, assistant("req_3", at="10:02:00"), mode="ab")
    assert "3 calls (1 new, 2 known)" in machine.tloi("import", "claude-code", TLOI_URL=web, TLOI_API_KEY=key)[1]
    assert Call.objects.filter(project_id=project.pk).count() == 3


def test_databases_and_documents_are_sent_too(machine: Machine, project: Project, web: str, key: str) -> None:
    data = machine.home / ".local" / "share" / "opencode"
    database(data / "opencode.db", [("msg_1", "ses_1", answer()), ("msg_2", "ses_2", answer())])
    log = machine.home / "os" / "execution_log.json"
    log.parent.mkdir()
    log.write_text(json.dumps({"a": {"timestamp": "2026-11-01T08:00:00", "tokens_input": 5, "tokens_output": 1}}))
    assert "1 call (1 new, 0 known)" in machine.tloi("import", "opencode", "--to", web, "--key", key)[1]
    assert "1 execution (1 new" in machine.tloi("import", "orchestrate", str(log), "--to", web, "--key", key)[1]
    sources = Call.objects.filter(project_id=project.pk).values_list("source", flat=True)
    assert sorted(sources) == ["opencode", "orchestrate"]


def test_what_the_server_counts_by_another_route_is_counted_once(
    machine: Machine, project: Project, web: str, key: str
) -> None:
    call = {"id": "req_1", "model": "claude-sonnet-4-5-20250929", "started_at": "2026-11-01T10:00:00Z", "output": 900}
    send(web, key, call)
    machine.tloi("import", "--all", "--to", web, "--key", key)
    calls = {one.output: one.source for one in Call.objects.filter(project_id=project.pk)}
    assert set(calls) == {900, 100}


@pytest.mark.parametrize(
    ("header", "source"), [("opencode", "opencode"), ("api", "api"), ("ha<b>", "api"), ("Codex ", "api")]
)
def test_only_a_known_agent_names_the_route_of_what_is_sent(
    project: Project, web: str, key: str, header: str, source: str
) -> None:
    body = json.dumps({"task_id": "a", "started_at": "2026-11-01T10:00:00Z"}).encode()
    assert ask(web, "POST", EXECUTIONS, key=key, body=body, headers={"X-TLOI-Source": header}).status == 200
    assert Execution.objects.get(project_id=project.pk).source == source


def test_a_wrong_key_or_address_is_one_sentence_and_nothing_is_marked_as_sent(machine: Machine, web: str) -> None:
    code, said = machine.tloi("import", "--all", "--to", web, "--key", "wrong")
    assert (code, said.splitlines()[-1].split(":")[0]) == (1, "tloi")
    assert f"tloi: {web} refuses: 401 Unauthorized: " in said
    assert not (machine.home / ".tloi").exists()
    code, said = machine.tloi("import", "--all", "--to", f"{web}/login", "--key", "wrong")
    assert code == 1
    assert "Traceback" not in said


def test_a_busy_server_is_given_the_time_that_it_asks_for(machine: Machine, mock: Mock) -> None:
    mock.answers = [says(503, Retry_After="1"), says(429, Retry_After="1"), stored]
    began = time.monotonic()
    code, said = machine.tloi("import", "--all", "--to", mock.url, "--key", "k")
    assert (code, "2 calls (2 new" in said) == (0, True), said
    assert time.monotonic() - began >= 2
    paths = [path for path, _, _ in mock.seen]
    assert paths == ["/api/v1/executions/"] * 3 + ["/api/v1/calls/"]
    headers = mock.seen[-1][1]
    assert (headers["Authorization"], headers["X-Tloi-Source"]) == ("Bearer k", "claude-code")


def test_a_busy_server_is_asked_again_when_it_says_and_not_for_ever(mock: Mock) -> None:
    slept: list[float] = []
    server = Server(url=mock.url, key="k", sleep=slept.append, clock=lambda: sum(slept))
    run = Run(started_at=datetime(2026, 11, 1, tzinfo=UTC), task_id="a")
    mock.answers = [says(503, Retry_After="7"), says(429, Retry_After="3"), says(503), stored]
    assert server.send([run], kind="executions", source="orchestrate").accepted == 1
    assert slept == [7.0, 3.0, 5.0]
    mock.answers = [says(429, Retry_After="60")]
    with pytest.raises(Away, match=r"has no time \(429 Too Many Requests\)"):
        server.send([run], kind="executions", source="orchestrate")
    assert slept[3:] == [60.0, 60.0]


def test_reasons_of_refusals_are_reported_and_nothing_is_sent_twice(machine: Machine, mock: Mock) -> None:
    refused = {"accepted": 0, "duplicates": 0, "quarantined": 0}
    reasons = [{"index": n, "id": "", "reason": "its cost cannot be"} for n in range(2)]
    mock.answers = [stored, says(400, json.dumps(refused | {"rejected": reasons}).encode())]
    code, said = machine.tloi("import", "--all", "--to", mock.url, "--key", "k")
    assert code == 0
    assert f"{machine.home}/.claude/projects/-shop/s.jsonl: 2 unreadable: its cost cannot be" in said
    machine.tloi("import", "--all", "--to", mock.url, "--key", "k")
    assert len(mock.seen) == 2


@pytest.mark.parametrize(
    ("answer_", "sentence"),
    [
        (says(400, b'{"error": {"code": "x", "message": "No good."}}'), "refuses: 400 Bad Request: No good."),
        (says(403), "refuses: 403 Forbidden."),
        (says(301, Location="http://elsewhere/"), "answers with another address: http://elsewhere/. Give that one."),
        (says(200, b"<html>"), "does not answer like TLOI; is the address right?"),
        (says(200, b"{}"), "does not answer like TLOI; is the address right?"),
    ],
)
def test_an_answer_that_will_not_change_ends_it_with_a_sentence(
    machine: Machine, mock: Mock, answer_: Callable[[int], tuple[int, Mapping[str, str], bytes]], sentence: str
) -> None:
    mock.answers = [answer_]
    code, said = machine.tloi("import", "--all", "--to", mock.url, "--key", "k")
    assert code == 1
    assert said.splitlines()[-1] == f"tloi: {mock.url} {sentence}"
    assert len(mock.seen) == 1


def test_a_body_that_is_too_large_for_something_on_the_way_is_sent_in_halves(machine: Machine, mock: Mock) -> None:
    transcript(machine.home, *(assistant(f"req_{n}") for n in range(100)))
    mock.answers = [lambda count: stored(count) if count <= 30 else (413, {}, b"")]
    code, said = machine.tloi("import", "--all", "--to", mock.url, "--key", "k")
    assert (code, "100 calls (100 new" in said) == (0, True), said
    taken = [records for _, _, records in mock.seen if len(records) <= 30]
    assert [one["id"] for records in taken for one in records] == [f"req_{n}" for n in range(100)]


def test_a_server_that_is_away_gives_way_to_the_next_time(machine: Machine, mock: Mock) -> None:
    code, said = machine.tloi("import", "--all", "--to", "http://127.0.0.1:1", "--key", "k")
    assert code == 1
    assert "tloi: http://127.0.0.1:1 cannot be reached ([Errno 111] Connection refused); what is not sent" in said
    assert "0 calls" not in said
    assert not list(machine.home.glob(".tloi/*"))


def test_without_the_server_every_other_command_says_what_works(machine: Machine) -> None:
    code, said = machine.tloi("daily")
    assert (code, said.count("\n")) == (1, 1)
    assert "The server is not installed here" in said
    code, said = machine.tloi("import", "--help")
    assert code == 0
    assert "--to URL" in said
    code, said = machine.tloi("import", "--all")
    assert code == 1
    assert said == "tloi: Say where to send what is read: --to URL, or TLOI_URL.\n"


def test_a_folder_that_cannot_keep_bookmarks_is_one_sentence(machine: Machine, mock: Mock) -> None:
    (machine.home / "file").touch()
    code, said = machine.tloi("import", "--all", "--to", mock.url, "--key", "k", TLOI_DATA_DIR="file/data")
    assert code == 1
    assert said.splitlines()[-1] == "tloi: file/data cannot be written (Not a directory)."


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen within 30 s"
        time.sleep(0.05)


@pytest.mark.slow
def test_watching_sends_what_comes_outlives_a_server_that_is_away_and_ends_on_ctrl_c(
    machine: Machine, mock: Mock
) -> None:
    process = machine.start("import", "--all", "--watch", "--every", "0.2", "--to", mock.url, "--key", "k")
    try:
        _until(lambda: len(mock.seen) == 2)
        mock.answers = [says(503), says(503), stored]
        transcript(machine.home, assistant("req_3", at="10:02:00"), mode="ab")
        _until(lambda: mock.seen[-1][2][-1]["id"] == "req_3" and len(mock.seen) == 5)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[0]
    assert process.returncode == 0, said
    assert said.endswith("Stopped.\n")
    assert "Traceback" not in said
