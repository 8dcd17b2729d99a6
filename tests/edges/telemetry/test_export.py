"""Data out: an export holds each call of its days once, adds up to what the API says, and is not gathered in memory."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command

from telemetry import facade
from telemetry.access.keys import create_key
from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.exporter import exporting, parquet
from telemetry.exporter.columns import COLUMNS
from telemetry.exporter.csv_lines import INCOMPLETE
from telemetry.models import Project
from telemetry.series import rollups
from telemetry.series.window import Window, by_days
from telemetry.usage import usd
from tests.api_calls import EXECUTIONS, ask, call, send, usage
from tests.conftest import ROOT, database_url

EXPORT = "/api/v1/export/"
OCTOBER = {"from": "2025-10-01", "to": "2025-10-31"}
BUCKETS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")
OPUS = {"model": "claude-opus-4-5", "provider": "anthropic"}
SENT = (
    call("a1", started_at="2025-10-25T21:59:59Z", agent="=ann()", cost_usd="0.1", session_id="s1", duration_ms=1200),
    call("a2", started_at="2025-10-25T22:00:00Z", agent="ann", task_type="plan", cost_usd="0.2", reasoning=1, **OPUS),
    call("b1", started_at="2025-10-26T22:59:59.999Z", agent="ben", cache_read=7, attributes={"team": "ü"}),
    call("b2", started_at="2025-10-26T23:00:00Z", cache_write_5m=2, cache_write_1h=3, output=9, **OPUS),
    call("c1", started_at="2025-10-27T10:00:00Z", cache_write_unknown=5, model="a:free", quality=["output_suspect"]),
    call("d1", started_at="2025-11-02T10:00:00Z", output=1000),
)


@pytest.fixture
def sent(web: str, key: str) -> None:
    """Calls around the night in which Madrid's clocks go back, one of another month, and a run."""
    assert send(web, key, SENT)["accepted"] == len(SENT)
    run = {"execution_id": "run", "started_at": "2025-10-24T08:00:00Z", "status": "failed", "model": "m"}
    assert send(web, key, run, path=EXECUTIONS)["accepted"] == 1


def exported(web: str, key: str, **query: str) -> bytes:
    """The file of October unless the query names other days."""
    answer = ask(web, "GET", f"{EXPORT}?{urlencode({**OCTOBER, **query})}", key=key)
    assert answer.status == 200, answer.content
    return answer.content


def lines(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


def parquet_rows(file: bytes) -> list[dict[str, Any]]:
    reader = pytest.importorskip("arro3.io", reason="arro3-io, which reads Parquet, is not installed")
    table = reader.read_parquet(io.BytesIO(file)).read_all()
    columns = [[value.as_py() for value in table.column(name)] for name in table.column_names]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def test_calls_of_the_days_oldest_first_with_every_column(web: str, key: str, sent: None) -> None:
    rows = lines(exported(web, key))
    assert [row["started_at"] for row in rows] == sorted(row["started_at"] for row in rows)
    assert len(rows) == 5
    assert list(rows[0]) == [column.name for column in COLUMNS["calls"]]
    assert (rows[0]["agent"], rows[0]["duration_ms"], rows[0]["cost_kind"]) == ("'=ann()", "1200", "client_estimate")
    assert rows[0]["cost_nanousd"] == rows[0]["cost_reported_nanousd"] == "100000000"
    assert json.loads(rows[2]["attributes"]) == {"team": "ü"}
    assert (rows[2]["cost_nanousd"], rows[4]["cost_nanousd"]) == ("", "0")
    assert rows[4]["quality"] == "output_suspect"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Madrid", "Asia/Kathmandu"])
@pytest.mark.parametrize("query", [{}, {"from": "2025-10-26", "to": "2025-10-26"}])
@pytest.mark.parametrize("what", ["calls", "rollups"])
def test_an_export_adds_up_to_what_the_api_says(
    web: str, key: str, sent: None, zone: str, query: dict[str, str], what: str
) -> None:
    rows = lines(exported(web, key, what=what, tz=zone, **query))
    total = usage(web, key, tz=zone, **query)["total"]
    for name in BUCKETS:
        assert sum(int(row[name]) for row in rows) == total[name]
    assert sum(int(row["reasoning"] or 0) for row in rows) == total["reasoning"]
    assert usd(sum(int(row["cost_nanousd"] or 0) for row in rows)) == total["cost_usd"]
    calls = len(rows) if what == "calls" else sum(int(row["calls"]) for row in rows)
    assert calls == total["calls"]
    unpriced = [row for row in rows if not row["cost_nanousd"]] if what == "calls" else []
    assert (
        sum(int(row["unpriced_calls"]) for row in rows if what == "rollups") + len(unpriced) == total["unpriced_calls"]
    )


@pytest.mark.parametrize("what", ["calls", "rollups"])
def test_parquet_holds_what_csv_holds(web: str, key: str, sent: None, what: str) -> None:
    def as_text(value: Any) -> str:
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        return "" if value is None else str(value).replace("=ann()", "'=ann()")

    rows = [
        {name: as_text(value) for name, value in row.items()}
        for row in parquet_rows(exported(web, key, what=what, format="parquet"))
    ]
    assert rows == lines(exported(web, key, what=what))
    assert rows


def test_rollups_count_runs_too_and_have_histograms(web: str, key: str, sent: None) -> None:
    rows = lines(exported(web, key, what="rollups"))
    assert list(rows[0]) == [column.name for column in COLUMNS["rollups"]]
    assert sum(int(row["executions"]) for row in rows) == sum(int(row["failed_executions"]) for row in rows) == 1
    (ann,) = (row for row in rows if row["agent"] == "'=ann()")
    assert ann["durations"] == "41:1"  # 1 + floor(4·log2(1200))
    assert ann["bucket"] == "2025-10-25T21:45:00Z"


def test_days_are_those_of_the_projects_zone(web: str, key: str, sent: None) -> None:
    rows = lines(exported(web, key, what="rollups", bucket="1d"))
    assert {row["bucket"] for row in rows} == {f"2025-10-{day}T00:00:00Z" for day in (24, 25, 26, 27)}
    assert sum(int(row["output"]) for row in rows) == usage(web, key)["total"]["output"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"what": "people"}, "what is 'people', but must be one of calls, rollups."),
        ({"format": "xlsx"}, "format is 'xlsx', but must be one of csv, parquet."),
        ({"bucket": "1d"}, "Calls have no bucket"),
        ({"what": "rollups", "bucket": "1h"}, "bucket is '1h', but must be one of 15m, 1d."),
        ({"what": "rollups", "bucket": "1d", "tz": "Asia/Tokyo"}, "Days are kept in the project's zone, UTC"),
        ({"from": "yesterday"}, "'yesterday' is not a date"),
        ({"from": "2025-11-01"}, "The range ends (2025-10-31) before it begins (2025-11-01)."),
        ({"tz": "Mars"}, "'Mars' is not an IANA time zone"),
    ],
)
def test_what_cannot_be_answered_is_told(web: str, key: str, query: dict[str, str], message: str) -> None:
    answer = ask(web, "GET", f"{EXPORT}?{urlencode({**OCTOBER, **query})}", key=key)
    assert answer.status == 400
    assert message in answer.json["error"]["message"]


def test_an_export_of_nothing_is_a_line_of_names(web: str, key: str) -> None:
    assert exported(web, key).decode() == ",".join(column.name for column in COLUMNS["calls"]) + "\r\n"


def test_the_answer_is_a_file_with_a_name_whatever_is_accepted(web: str, key: str) -> None:
    for file_format, content_type in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
        for method in ("GET", "HEAD"):
            path = f"{EXPORT}?{urlencode(OCTOBER)}&format={file_format}"
            answer = ask(web, method, path, key=key, headers={"Accept": "text/html"})
            assert answer.status == 200
            assert answer.headers["content-type"] == content_type
            name = f"tloi-calls-2025-10-01-2025-10-31.{file_format}"
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
            assert bool(answer.content) == (method == "GET")


def test_a_key_that_may_only_send_gets_nothing(web: str, project: Project) -> None:
    weak = create_key(project, name="weak", scopes=["ingest"])
    assert ask(web, "GET", EXPORT, key=weak).status == 403


def fill(project: Project, calls: int) -> None:
    """Calls of one minute of October, together too large for what lies between a server and its reader."""
    moment = datetime(2025, 10, 10, 12, tzinfo=UTC)
    first = Call(started_at=moment, model="m", session_id="s" * 1000)
    facade.record(project_id=project.pk, calls=[first], source="test", now=datetime.now(UTC))
    connection().execute(
        """
        INSERT INTO telemetry_call
        SELECT (jsonb_populate_record(c, jsonb_build_object(
            'id', gen_random_uuid(), 'started_at', c.started_at + n * interval '1 ms'))).*
        FROM telemetry_call AS c, generate_series(1, %s) AS n WHERE project_id = %s
        """,
        (calls - 1, project.pk),
    )


def is_exporting(project: Project) -> bool:
    """Whether a session stands in an export of the project."""
    query = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
    return connection().execute(query, (exporting.LOCK, project.pk)).fetchone() is not None


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()


@contextmanager
def slow_reader(web: str, key: str) -> Iterator[socket.socket]:
    """Somebody who asks for everything and reads the first bytes of it."""
    place = urlsplit(web)
    with socket.create_connection((str(place.hostname), int(place.port or 0))) as reader:
        asked = (
            f"GET {EXPORT}?{urlencode(OCTOBER)} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n"
        )
        reader.sendall(asked.encode())
        assert reader.recv(12) == b"HTTP/1.1 200"
        yield reader


def test_a_reader_that_goes_away_frees_the_cursor(web: str, key: str, project: Project) -> None:
    fill(project, 15_000)
    with slow_reader(web, key):
        assert within(10, lambda: is_exporting(project))
        time.sleep(1)
        assert is_exporting(project)
    assert within(10, lambda: not is_exporting(project))


def test_one_export_of_a_project_at_a_time(web: str, key: str, project: Project) -> None:
    fill(project, 15_000)
    with slow_reader(web, key):
        assert within(10, lambda: is_exporting(project))
        answer = ask(web, "GET", f"{EXPORT}?{urlencode(OCTOBER)}", key=key)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert "Another export of this project is running" in answer.json["error"]["message"]
    assert within(10, lambda: not is_exporting(project))
    assert len(lines(exported(web, key))) == 15_000


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_range(
    project: Project, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 500)
    monkeypatch.setattr(exporting, "_BATCH_ROWS", 500)
    fill(project, 5_000)
    day = by_days(date(2025, 10, 10), date(2025, 10, 10), zone="UTC")
    quarter = replace(day, end=datetime(2025, 10, 10, 12, 0, 1, tzinfo=UTC))
    few, many = (peak(project, window, file_format) for window in (quarter, day))
    assert few.pieces + 5 < many.pieces
    assert many.peak_bytes < 1.3 * few.peak_bytes


@dataclass(frozen=True, slots=True)
class Peak:
    """What an export took."""

    peak_bytes: int
    pieces: int


def peak(project: Project, window: Window, file_format: str) -> Peak:
    """The most memory that Python held while an export was thrown away piece by piece."""
    pieces = 0
    tracemalloc.start()
    try:
        for _ in exporting.export(
            connection(),
            project_id=project.pk,
            window=window,
            what="calls",
            file_format=file_format,
            now=datetime.now(UTC),
        ):
            pieces += 1
        return Peak(tracemalloc.get_traced_memory()[1], pieces)
    finally:
        tracemalloc.stop()


def test_a_reader_that_takes_too_long_is_cut_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "LONGEST_S", 0.2)
    fill(project, 5000)
    day = by_days(date(2025, 10, 10), date(2025, 10, 10), zone="UTC")
    asked: dict[str, Any] = {"what": "calls", "file_format": "csv", "now": datetime.now(UTC), "is_alone": True}
    pieces = exporting.export(connection(), project_id=project.pk, window=day, **asked)
    next(pieces)
    time.sleep(0.3)
    assert next(pieces).decode().endswith(f"{INCOMPLETE}\r\n")
    with pytest.raises(TimeoutError):
        next(pieces)
    assert not is_exporting(project)


@contextmanager
def folding_is_held_up(project: Project) -> Iterator[None]:
    """Somebody else folds the project, and takes long."""
    with psycopg.connect(database_url()) as other:
        rollups.lock(other, project_id=project.pk)
        yield


def test_rollups_that_lag_behind_are_no_answer(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else holds what a fold needs: a file of sums that are not yet those of the calls would be believed."""
    monkeypatch.setattr(exporting, "PATIENCE_S", 0.1)
    fill(project, 2)
    day = by_days(date(2025, 10, 10), date(2025, 10, 10), zone="UTC")
    asked: dict[str, Any] = {"what": "rollups", "file_format": "csv", "now": datetime.now(UTC)}
    with folding_is_held_up(project), pytest.raises(exporting.CannotExportNow, match="still being added up"):
        list(exporting.export(connection(), project_id=project.pk, window=day, **asked))
    assert len(lines(b"".join(exporting.export(connection(), project_id=project.pk, window=day, **asked)))) == 1


def test_the_command_writes_a_file(project: Project, tmp_path: Path) -> None:
    fill(project, 3)
    days = ("--project", project.slug, "--from", "2025-10-01", "--to", "2025-10-31")
    call_command("export", "calls", str(tmp_path / "calls.csv"), *days)
    assert len(lines((tmp_path / "calls.csv").read_bytes())) == 3
    options = (*days, "--format", "parquet", "--bucket", "1d")
    call_command("export", "rollups", *options, str(tmp_path / "r.parquet"))  # options may stand before the file
    assert [row["output"] for row in parquet_rows((tmp_path / "r.parquet").read_bytes())] == [0]
    with pytest.raises(CommandError, match=r"calls\.csv is there already"):
        call_command("export", "calls", str(tmp_path / "calls.csv"), *days)
    with pytest.raises(CommandError, match="no/file cannot be written: No such file or directory"):
        call_command("export", "calls", str(tmp_path / "no" / "file"), *days)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["calls.csv", "r.parquet"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "is there already; name a new file"),
        ("", "is there already; name a new file"),
        ("file/below", "cannot be written: Not a directory"),
        ("n" * 255, "cannot be written: File name too long"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused_in_a_sentence(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(CommandError, match=reason):
        call_command("export", "calls", name, "--project", project.slug)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("calls", "--project", "not-there"), "There is no project 'not-there'."),
        (("calls", "--bucket", "15m"), "Calls have no --bucket"),
        (("rollups", "--bucket", "1d", "--tz", "Asia/Tokyo"), "Days are kept in the project's zone, UTC"),
        (("calls", "--from", "soon"), "'soon' is not a date"),
    ],
)
def test_the_command_tells_what_cannot_be_asked(project: Project, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("export", *words, *(() if "--project" in words else ("--project", project.slug)))


def test_the_command_writes_to_the_next_program_until_that_has_enough(project: Project) -> None:
    fill(project, 3000)
    command = [sys.executable, str(ROOT / "manage.py"), "export", "calls", "--project", project.slug]
    command += ["--from", "2025-10-01", "--to", "2025-10-31"]
    settings = os.environ | {"DATABASE_URL": database_url()}
    whole = subprocess.run(command, env=settings, capture_output=True, check=True)
    assert len(lines(whole.stdout)) == 3000
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
