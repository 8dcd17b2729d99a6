"""What is sent, in which batches, and how a server that is busy, wrong or away is answered: without a network."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from telemetry.contracts import Call, Execution
from telemetry.importer import sending
from telemetry.importer.notebook import Notebook, folder
from telemetry.importer.reading import Bookmark
from telemetry.importer.remote import is_asked_for
from telemetry.importer.sending import Refused, Server, batches

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def call(number: int, **fields: Any) -> Call:
    """A call with a name."""
    return Call(id=f"req_{number}", started_at=NOON, model="m", output=1, **fields)


def test_a_record_is_sent_without_what_is_unset_and_comes_to_itself_again() -> None:
    ((_, (item,)),) = batches([call(1, quality=("ttl_unknown",), attributes={"cwd": "/x"})])
    assert json.loads(item)["started_at"] == "2026-11-20T12:00:00Z"
    assert "session_id" not in json.loads(item)
    assert msgspec.json.decode(item, type=Call) == call(1, quality=("ttl_unknown",), attributes={"cwd": "/x"})


def test_zero_tokens_that_were_sent_are_sent_on() -> None:
    ((_, (item,)),) = batches([Execution(started_at=NOON, tokens_input=0, execution_time=0.0)])
    assert (json.loads(item)["tokens_input"], json.loads(item)["execution_time"]) == (0, 0.0)


def test_batches_hold_every_record_once_and_know_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_ITEMS", 7)
    found = list(batches([call(number) for number in range(20)]))
    assert [(place, len(items)) for place, items in found] == [(0, 7), (7, 7), (14, 6)]
    assert [json.loads(item)["id"] for _, items in found for item in items] == [f"req_{number}" for number in range(20)]


def test_batches_stay_below_the_limit_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_BYTES", 1_000)
    found = list(batches([call(number, session_id="s" * 100) for number in range(50)]))
    assert max(len(b"[" + b",".join(items) + b"]") for _, items in found) <= 1_000
    assert sum(len(items) for _, items in found) == 50
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), ("", 0.0), ("soon", 0.0), ("-3", 0.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_seconds_or_a_moment(said: str, seconds: float) -> None:
    assert sending._seconds(said) == seconds


def test_retry_after_may_be_a_moment_to_come() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < sending._seconds(later) <= 90


@pytest.mark.parametrize(
    ("url", "key", "sentence"),
    [
        ("", "k", "is no address of a server"),
        ("example.org", "k", "is no address of a server"),
        ("file:///etc/passwd", "k", "is no address of a server"),
        ("http://", "k", "is no address of a server"),
        ("http://x", "", "This takes an API key"),
        ("http://x", "a\nb", "This takes an API key"),
    ],
)
def test_an_address_or_a_key_that_cannot_be_is_refused_at_once(url: str, key: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        Server(url=url, key=key)


@pytest.mark.parametrize(
    ("words", "environment", "sends"),
    [
        (["import", "--all", "--to", "http://x"], {}, True),
        (["import", "--all", "--to=http://x"], {}, True),
        (["import", "--all"], {}, False),
        (["import", "--all"], {"TLOI_URL": "http://x"}, True),
        (["import", "--all"], {"TLOI_URL": " "}, False),
        (["import", "codex", "--project", "p"], {"TLOI_URL": "http://x"}, False),
        (["import", "--to", "x", "--help"], {}, False),
        (["daily", "--to", "x"], {}, False),
        (["budget", "check", "--to", "http://x"], {}, True),
        (["budget", "list"], {"TLOI_URL": "http://x"}, True),
        (["budget", "list", "--project", "p"], {"TLOI_URL": "http://x"}, False),
        ([], {"TLOI_URL": "http://x"}, False),
    ],
)
def test_words_and_the_environment_say_whether_it_is_sent(
    words: list[str], environment: dict[str, str], sends: bool
) -> None:
    assert is_asked_for(words, environment) is sends


def test_a_notebook_keeps_bookmarks_for_each_server_and_key(tmp_path: Path) -> None:
    mark = Bookmark(offset=7, fingerprint=b"\xff\x00", calls=3, state={"running": {"s": "e"}})
    odd = Path("/x/caf\udce9.jsonl")
    book = Notebook(tmp_path / "new", url="http://x/", key="k")
    book.put("claude-code", odd, mark)
    book.save()
    assert Notebook(tmp_path / "new", url="http://x", key="k").bookmark("claude-code", odd) == mark
    for other in (
        Notebook(tmp_path / "new", url="http://y", key="k"),
        Notebook(tmp_path / "new", url="http://x", key="l"),
    ):
        assert other.bookmark("claude-code", odd) == Bookmark()
    assert [path.name[:5] for path in (tmp_path / "new").iterdir()] == ["sent-"]
    assert b"http" not in next((tmp_path / "new").iterdir()).read_bytes()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"claude-code": 1}', b"\xff"])
def test_a_damaged_notebook_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    book = Notebook(tmp_path, url="http://x", key="k")
    book.save()
    next(tmp_path.iterdir()).write_bytes(damage)
    assert Notebook(tmp_path, url="http://x", key="k").bookmark("claude-code", Path("/a")) == Bookmark()


def test_notebooks_lie_in_the_data_folder_else_at_home() -> None:
    home = Path("/home/ana")
    assert folder({"TLOI_DATA_DIR": "/data"}, home) == Path("/data")
    assert folder({}, home) == home / ".tloi"
