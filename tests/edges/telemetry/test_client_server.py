"""The agents' SDK and a real server: one run is one execution, and what was away for a while arrives exactly once."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from telemetry.access.keys import create_key
from telemetry.access.projects import ensure_project
from telemetry.client import TokenTelemetry
from telemetry.models import Execution, Project
from tests.agents import CLOSED, Door, agent, ended, running, spooled
from tests.api_calls import ask

WRONG_KEY = f"tloi_aaaaaaaa_{'b' * 43}"
BURST = """
t = TokenTelemetry()
print("ready", flush=True)
for n in range(50):
    t.record_start(f"{name}{n}")
    t.record_completion(f"{name}{n}", tokens_input=2, tokens_output=1, model="house-llama")
"""


def runs(project: Project) -> Counter[str]:
    """How often each task was run, as the server has it."""
    return Counter(Execution.objects.filter(project_id=project.pk).values_list("task_id", flat=True))


def total(web: str, key: str) -> dict[str, Any]:
    """What was used in the last 30 days."""
    usage: dict[str, Any] = ask(web, "GET", "/api/v1/usage/", key=key).json["total"]
    return usage


def left(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def test_a_run_is_one_execution(web: str, key: str, project: Project, tmp_path: Path) -> None:
    client = TokenTelemetry(f"{web}/", key, spool_dir=str(tmp_path))
    begun = client.record_start("sync", "claude_code", "execute_task", session_id="s1", skills=["git"], exit_code=3)
    assert client.flush()
    kept = Execution.objects.get(project_id=project.pk)
    assert (kept.execution_id, kept.status, kept.duration_ms) == (begun, "started", None)
    client.record_completion(
        task_id="sync", tokens_input=3100, tokens_output=2400, execution_time=31.0, model="house-llama", cache_read=100
    )
    assert client.close()
    kept = Execution.objects.get(project_id=project.pk)
    assert (kept.execution_id, kept.status, kept.duration_ms) == (begun, "done", 31_000)
    assert (kept.task_id, kept.tool, kept.action, kept.model) == ("sync", "claude_code", "execute_task", "house-llama")
    assert (kept.session_id, kept.skills, kept.attributes) == ("s1", ["git"], {"exit_code": 3})
    assert (total(web, key)["calls"], total(web, key)["output"]) == (1, 2400)
    assert left(tmp_path) == []


def test_nothing_is_asked_of_an_agent_to_be_heard(web: str, key: str, project: Project, tmp_path: Path) -> None:
    program = "TokenTelemetry().record_completion(task_id='sync', tokens_input=5, tokens_output=7, execution_time=1)"
    ended(agent(tmp_path, program, TLOI_URL=web, TLOI_API_KEY=key))
    assert runs(project) == {"sync": 1}


def test_an_exception_of_the_agent_passes_through_and_is_told(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))

    @client.task("sync")
    def work() -> None:
        raise ZeroDivisionError("nothing to divide by")

    with pytest.raises(ZeroDivisionError):
        work()
    assert client.close()
    kept = Execution.objects.get(project_id=project.pk)
    assert (kept.status, kept.errors) == ("failed", ["ZeroDivisionError: nothing to divide by"])


def test_a_server_that_comes_back_gets_everything_once(web: str, key: str, project: Project, tmp_path: Path) -> None:
    door = Door(web)
    client = TokenTelemetry(door.address, key, spool_dir=str(tmp_path))
    for number in range(250):
        client.record_start(f"t{number}")
        client.record_completion(f"t{number}", tokens_input=2, tokens_output=1, model="house-llama")
    assert client.flush() is False
    door.open()
    client.record_completion("last")
    assert client.flush()
    assert runs(project) == Counter([f"t{number}" for number in range(250)] + ["last"])
    assert total(web, key)["output"] == 250
    assert (left(tmp_path), client.lost) == ([], 0)
    client.close()
    door.close()


def test_the_server_is_tried_again_without_being_asked(web: str, key: str, project: Project, tmp_path: Path) -> None:
    door = Door(web)
    client = TokenTelemetry(door.address, key, spool_dir=str(tmp_path))
    client.record_completion("sync")
    time.sleep(0.3)
    door.open()
    deadline = time.monotonic() + 5
    while not runs(project) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert runs(project) == {"sync": 1}
    client.close()
    door.close()


def test_processes_that_share_a_spool_send_each_record_once(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    for name in ("a", "b"):  # two that find nobody
        ended(agent(tmp_path, f"name = {name!r}{BURST}", TLOI_URL=CLOSED, TLOI_API_KEY=key))
    assert len(spooled(tmp_path / "spool")) == 200
    both = [agent(tmp_path, f"name = {name!r}{BURST}", TLOI_URL=web, TLOI_API_KEY=key) for name in ("c", "d")]
    for process in both:  # two that send at once, for the others too
        ended(process)
    assert runs(project) == Counter(f"{name}{number}" for name in "abcd" for number in range(50))
    assert total(web, key)["output"] == 200
    assert left(tmp_path / "spool") == []


def test_a_killed_agent_loses_nothing_that_was_acknowledged_and_the_next_sends_the_rest(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    door = Door(web)
    door.open()
    program = """
import time
t = TokenTelemetry()
t.record_start("first")
print(t.flush(), flush=True)
input()
t.record_start("second")
print(t.flush(), flush=True)
time.sleep(60)
"""
    with running(agent(tmp_path, program, TLOI_URL=door.address, TLOI_API_KEY=key)) as (to_agent, from_agent):
        assert from_agent.readline() == "True\n"
        door.close()
        print(file=to_agent, flush=True)
        assert from_agent.readline() == "False\n"
    assert runs(project) == {"first": 1}
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path / "spool"))
    assert client.close()
    assert runs(project) == {"first": 1, "second": 1}
    assert set(Execution.objects.filter(project_id=project.pk).values_list("status", flat=True)) == {"started"}


def test_a_process_that_died_before_it_deleted_what_was_acknowledged_adds_nothing(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    away = TokenTelemetry(CLOSED, key, spool_dir=str(tmp_path))
    away.record_completion("sync", tokens_input=2, tokens_output=1)
    away.close()
    (file,) = left(tmp_path)
    again = file.with_name(file.name.replace("-0", "-1", 1))
    again.write_bytes(file.read_bytes())
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    assert client.close()
    assert runs(project) == {"sync": 1}
    assert total(web, key)["output"] == 1


def test_a_torn_last_line_takes_no_other_with_it(web: str, key: str, project: Project, tmp_path: Path) -> None:
    away = TokenTelemetry(CLOSED, key, spool_dir=str(tmp_path))
    for name in ("first", "second", "torn"):
        away.record_start(name)
    away.close()
    (file,) = left(tmp_path)
    file.write_bytes(file.read_bytes()[:-20])
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    assert client.close()
    assert runs(project) == {"first": 1, "second": 1}
    assert client.lost == 0


def test_records_of_a_wrong_key_wait_for_a_right_one(web: str, key: str, project: Project, tmp_path: Path) -> None:
    wrong = TokenTelemetry(web, WRONG_KEY, spool_dir=str(tmp_path))
    wrong.record_completion("sync")
    assert wrong.close() is False
    assert [record["task_id"] for record in spooled(tmp_path)] == ["sync"]
    right = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    assert right.close()
    assert runs(project) == {"sync": 1}


def test_records_for_another_key_are_not_sent_with_this_one(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    other = ensure_project(slug=f"{project.slug}-other")
    away = TokenTelemetry(CLOSED, create_key(other, name="other", scopes=["ingest"]), spool_dir=str(tmp_path))
    away.record_completion("theirs")
    away.close()
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    client.record_completion("ours")
    assert client.close()
    assert (runs(project), runs(other)) == ({"ours": 1}, {})
    assert [record["task_id"] for record in spooled(tmp_path)] == ["theirs"]


def test_what_the_server_refuses_is_counted_and_not_sent_for_ever(
    web: str, key: str, project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    client.record_completion("alone", tokens_input=-1)
    assert client.flush()
    client.record_completion("good")
    client.record_completion("beside", tokens_output="many")  # type: ignore[arg-type]
    assert client.close()
    assert runs(project) == {"good": 1}
    assert (client.lost, left(tmp_path)) == (2, [])
    assert "TLOI refused records" in caplog.text


def test_a_record_that_is_far_too_long_takes_no_other_with_it(
    web: str, key: str, project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path))
    with client._disk:  # so that they go together
        client.record_completion("long", plan={"steps": "x" * 30_000_000})
        client.record_completion("good")
    assert client.close()
    assert (runs(project), client.lost) == ({"good": 1}, 1)
    assert "TLOI refused records" in caplog.text


def test_a_spool_that_cannot_be_written_loses_nothing_while_the_server_is_there(
    web: str, key: str, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    client = TokenTelemetry(web, key, spool_dir=str(tmp_path / "file" / "spool"))
    client.record_completion("sync")
    assert client.close()
    assert runs(project) == {"sync": 1}
