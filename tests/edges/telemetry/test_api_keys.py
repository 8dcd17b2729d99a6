"""Who may send and ask: keys that work, keys that do not, what each may see, how often, and what is kept of them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from telemetry.access.keys import create_key, revoke_key
from telemetry.access.projects import ensure_project
from telemetry.access.ratelimit import Limiter, TooManyRequests
from telemetry.models import ApiKey, Project
from tests.api_calls import CALLS, NOTHING, USAGE, ask, call, own_server, send, usage

WRONG = {
    "empty": "",
    "a word": "secret",
    "cut off": "tloi_aaaaaaaa_bbb",
    "unknown": f"tloi_aaaaaaaa_{'b' * 43}",
    "SQL": "' OR pg_sleep(8)--",
    "SQL in the shape of a key": "tloi_'OR'1'=1_" + "b" * 43,
    "a line end": f"tloi_aaaaaaaa_{'b' * 43} x",
    "letters of another alphabet": "tloi_\u0430aaaaaaa_" + "b" * 43,
    "very long": "tloi_" + "a" * 50_000,
    "percent signs": "%s%s%s%n%00",
}


def with_header(web: str, value: str) -> tuple[int, Any, str]:
    answer = ask(web, "GET", USAGE, headers={"Authorization": value} if value else {})
    return answer.status, answer.json["error"]["code"], answer.headers.get("www-authenticate", "")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_key_is_refused_at_once(web: str, name: str) -> None:
    value = f"Bearer {WRONG[name]}".encode().decode("latin-1")
    begin = time.monotonic()
    assert with_header(web, value) in {(401, "bad_key", "Bearer"), (401, "not_authenticated", "Bearer")}
    assert time.monotonic() - begin < 1


def test_without_a_key_there_is_no_answer(web: str, key: str) -> None:
    missing = (401, "not_authenticated", "Bearer")
    assert with_header(web, "") == missing
    assert with_header(web, f"Basic {key}") == missing
    assert with_header(web, key) == missing
    assert ask(web, "POST", CALLS, body=b"[]").status == 401
    assert ask(web, "GET", f"{USAGE}?key={key}&api_key={key}").status == 401
    assert ask(web, "GET", USAGE, headers={"X-Api-Key": key}).status == 401


def test_a_key_with_another_secret_is_refused(web: str, key: str) -> None:
    near = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert with_header(web, f"Bearer {near}") == (401, "bad_key", "Bearer")
    assert with_header(web, f"Bearer {key.upper()}") == (401, "bad_key", "Bearer")


def test_the_scheme_is_read_in_any_case(web: str, key: str) -> None:
    assert ask(web, "GET", USAGE, headers={"Authorization": f"bearer  {key} "}).status == 200


def test_a_body_is_not_read_for_a_stranger(web: str) -> None:
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", int(web.rsplit(":", 1)[1])), timeout=5) as wire:
        wire.sendall(
            f"POST {CALLS} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n".encode()
        )
        assert wire.recv(100).startswith(b"HTTP/1.1 401")
    assert time.monotonic() - begin < 2


def test_a_revoked_key_is_refused_at_once_by_every_process(web: str, key: str) -> None:
    assert all(ask(web, "GET", USAGE, key=key).status == 200 for _ in range(10))
    assert revoke_key(key[5:13], now=datetime.now(UTC))
    answers = [ask(web, "GET", USAGE, key=key) for _ in range(20)]
    assert {answer.status for answer in answers} == {401}
    assert answers[0].json["error"]["message"] == "This API key is revoked."


def test_an_expired_key_is_refused(web: str, project: Project) -> None:
    now = datetime.now(UTC)
    expired = create_key(project, name="old", scopes=["read"], expires_at=now - timedelta(seconds=1))
    valid = create_key(project, name="new", scopes=["read"], expires_at=now + timedelta(hours=1))
    assert with_header(web, f"Bearer {expired}") == (401, "bad_key", "Bearer")
    assert ask(web, "GET", USAGE, key=valid).status == 200


@pytest.mark.parametrize(
    ("scopes", "may_send", "may_ask"),
    [(["ingest"], 200, 403), (["read"], 403, 200), (["gateway", "admin"], 403, 403), (["ingest", "read"], 200, 200)],
)
def test_a_key_does_what_its_scopes_say(
    web: str, project: Project, scopes: list[str], may_send: int, may_ask: int
) -> None:
    key = create_key(project, name="scoped", scopes=scopes)
    sent = ask(web, "POST", CALLS, key=key, body=b"[]")
    asked = ask(web, "GET", USAGE, key=key)
    assert (sent.status, asked.status) == (may_send, may_ask)
    for answer, scope in ((sent, "ingest"), (asked, "read")):
        if answer.status == 403:
            assert answer.json["error"]["message"] == f"This key lacks the scope '{scope}'."


def test_a_key_sees_and_fills_its_own_project_only(web: str, key: str, project: Project) -> None:
    other = ensure_project(slug=f"{project.slug}-other")
    foreign = create_key(other, name="foreign", scopes=["ingest", "read"])
    named = {"project": other.slug, "project_id": other.pk}
    send(web, key, [call("same", output=5), call("mine", **named)])
    assert send(web, foreign, call("same", output=7)) == NOTHING | {"accepted": 1}
    assert usage(web, key, **named)["total"]["output"] == 6
    assert usage(web, foreign)["total"]["output"] == 7


def test_use_is_noted(web: str, key: str) -> None:
    ask(web, "GET", USAGE, key=key)
    used_at = ApiKey.objects.get(prefix=key[5:13]).last_used_at
    assert used_at is not None
    assert abs(datetime.now(UTC) - used_at) < timedelta(minutes=1)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where a server of the test's own writes."""
    return tmp_path / "web.log"


@pytest.fixture
def silent_cache() -> Iterator[str]:
    """The address of a cache that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def tables_that_hold(word: str) -> list[str]:
    """The tables of which a row, written out as text, holds `word`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for name in tables:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {name} AS t WHERE strpos(t::text, %s) > 0)", [word])
            found += [name] if cursor.fetchone()[0] else []
    return found


@pytest.mark.usefixtures("static_files")
def test_no_key_is_in_the_log_or_the_database(key: str, log: Path) -> None:
    unknown = f"tloi_aaaaaaaa_{'c' * 43}"
    with own_server(log) as server:
        send(server.address, key, call("logged"))
        for body in (b"", b"[{}]", b"not JSON"):
            assert ask(server.address, "POST", CALLS, key=key, body=body).status == 400
        assert ask(server.address, "GET", USAGE, key=unknown).status == 401
        assert ask(server.address, "GET", "/api/v1/nothing/", key=key).status == 404
        revoke_key(key[5:13], now=datetime.now(UTC))
        assert ask(server.address, "GET", USAGE, key=key).status == 401
    written = log.read_text()
    assert written.count(CALLS) >= 4
    assert key[14:] not in written
    assert unknown[14:] not in written
    for word in (key, key[14:], key.encode().hex(), key[14:].encode().hex()):
        assert tables_that_hold(word) == []
    assert tables_that_hold(bytes(ApiKey.objects.get(prefix=key[5:13]).digest).hex()) == ["telemetry_apikey"]


def one_minute(attempt: Any) -> Any:
    """What `attempt` returns, tried again where a minute of the clock ended meanwhile."""
    for _ in range(3):
        begin = datetime.now(UTC).replace(second=0, microsecond=0)
        result = attempt()
        if datetime.now(UTC).replace(second=0, microsecond=0) == begin:
            return result
    pytest.fail("three minutes ended in a row")


@pytest.mark.usefixtures("static_files")
def test_of_a_hundred_requests_at_once_the_limit_passes(project: Project, log: Path) -> None:
    with own_server(log, TLOI_RATE_LIMIT="20") as server, ThreadPoolExecutor(100) as pool:

        def hundred() -> list[Any]:
            key = create_key(project, name="limited", scopes=["read"])
            return list(pool.map(lambda _: ask(server.address, "GET", USAGE, key=key), range(100)))

        answers = one_minute(hundred)
    assert [answer.status for answer in answers].count(200) == 20
    refused = [answer for answer in answers if answer.status != 200]
    assert {(answer.status, answer.json["error"]["code"]) for answer in refused} == {(429, "rate_limited")}
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)


@pytest.mark.parametrize("count", [20, 1])
def test_of_a_hundred_threads_the_limit_passes(count: int) -> None:
    limiter, now, name = Limiter(settings.CACHE_URL), datetime.now(UTC), f"{time.time_ns()}"

    def admitted(_: int) -> bool:
        try:
            limiter.admit(name, limit=count, now=now)
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(100) as pool:
        assert sum(pool.map(admitted, range(100))) == count


@pytest.mark.usefixtures("static_files")
def test_calls_are_taken_while_the_cache_is_silent(key: str, log: Path, silent_cache: str) -> None:
    with own_server(log, TLOI_RATE_LIMIT="1", CACHE_URL=silent_cache) as server:
        for n in range(5):
            begin = time.monotonic()
            assert send(server.address, key, call(f"silent-{n}"))["accepted"] == 1
            assert time.monotonic() - begin < 1.5
    assert "rate limits are off" in log.read_text()


def test_nobody_who_tries_passwords_is_let_in_while_the_cache_is_silent(silent_cache: str) -> None:
    limiter, now = Limiter(silent_cache), datetime.now(UTC)
    for _ in range(3):
        begin = time.monotonic()
        with pytest.raises(TooManyRequests):
            limiter.admit("login:a", limit=5, now=now, fail_open=False)
        assert time.monotonic() - begin < 1
