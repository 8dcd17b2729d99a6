"""What an event loop asks PostgreSQL itself: the answers that a thread gets, each to who asked, and no false hope."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import looped
from telemetry.looped import LoopConnection, Question
from telemetry.statements import array
from tests.conftest import database_url

pytestmark = pytest.mark.usefixtures("database")
Use = Callable[[LoopConnection], Coroutine[Any, Any, Any]]
# Text that PostgreSQL takes: no NUL, and nothing that is no character.
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


async def ready(line: LoopConnection) -> None:
    until = time.monotonic() + 10
    while not line.is_ready():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


def with_line(use: Use) -> Any:
    """What `use` makes of a connection that is ready."""

    async def run() -> Any:
        line = LoopConnection()
        try:
            await ready(line)
            return await use(line)
        finally:
            await line.close()

    return asyncio.run(run())


def told(text: str, *, is_binary: bool = False, **arguments: Any) -> Any:
    """The first row."""
    return with_line(lambda line: line.ask(Question(text, arguments, is_binary)))[0]


@pytest.mark.parametrize("is_binary", [False, True])
@given(texts=st.lists(_TEXT), number=st.none() | st.integers(-(2**63), 2**63 - 1), data=st.binary())
def test_what_goes_in_comes_out_as_by_a_thread(
    is_binary: bool, texts: list[str], number: int | None, data: bytes
) -> None:
    now = datetime(2026, 11, 28, 20, 15, 0, 123456, tzinfo=UTC)
    many = {"texts": texts, "datas": [data, b"\\", data], "id": [uuid.uuid4()], "numbers": [number, None], "no": []}
    given_ = {**many, "number": number, "data": data, "yes": True, "now": now, "tenth": Decimal("0.1")}
    text = (
        "SELECT %(datas)s::bytea[], %(numbers)s::int8[], %(no)s::bool[], %(tenth)s::numeric,"
        " %(texts)s::text[], %(number)s::int8, %(data)s::bytea, %(id)s::uuid[], %(yes)s::bool,"
        " %(now)s::timestamptz, 100 %% 7, %(number)s::int8 IS NULL"
    )
    found = told(text, is_binary=is_binary, **given_)
    with psycopg.connect(database_url()) as conn:
        assert found == conn.execute(text, given_).fetchone()


@pytest.mark.parametrize("bad", ["a\0b", ["a\0b"], "\ud800"])
def test_what_postgresql_cannot_hold_is_refused_and_the_next_is_asked(bad: object) -> None:
    async def use(line: LoopConnection) -> Any:
        with pytest.raises((psycopg.DataError, UnicodeEncodeError)):
            await line.ask(Question("SELECT %(bad)s::text", {"bad": bad}))
        return await line.ask(Question("SELECT 1", {}))

    assert with_line(use) == [(1,)]


@given(
    texts=st.lists(st.none() | _TEXT),
    truths=st.lists(st.none() | st.booleans()),
    datas=st.lists(st.binary() | st.none()),
)
def test_an_array_is_read_as_the_list_it_was_made_of(
    texts: list[str | None], truths: list[bool | None], datas: list[bytes | None]
) -> None:
    ids, times = [uuid.uuid4()], [datetime(2026, 11, 28, 20, 15, tzinfo=UTC)]
    lists = (texts, truths, datas, ids, times)
    with psycopg.connect(database_url(), options="-c timezone=UTC") as conn:
        types = "SELECT %s::text[], %s::bool[], %s::bytea[], %s::uuid[], %s::timestamptz[]"
        found = conn.execute(types, [array(one) for one in lists]).fetchone()
    assert found == lists


def test_many_at_once_each_get_their_own_answer_in_one_session() -> None:
    async def use(line: LoopConnection) -> list[Any]:
        asked = [Question("SELECT %(n)s::int8, pg_backend_pid()", {"n": n}) for n in range(300)]
        return list(await asyncio.gather(*map(line.ask, asked)))

    found = with_line(use)
    assert [rows[0][0] for rows in found] == list(range(300))
    assert len({rows[0][1] for rows in found}) == 1


def test_what_is_longer_than_the_socket_takes_at_once_arrives() -> None:
    long = "x" * 20_000_000
    assert told("SELECT length(%(long)s::text), %(long)s::text", long=long) == (len(long), long)


def test_a_question_that_fails_is_its_own_fault_alone_and_another_connection_follows() -> None:
    async def use(line: LoopConnection) -> None:
        texts = ["SELECT 1", "SELECT 1 / 0", "SELECT nonsense", "SELECT 2"]
        first = await asyncio.gather(*(line.ask(Question(text, {})) for text in texts), return_exceptions=True)
        assert first[0] == [(1,)]
        assert isinstance(first[1], psycopg.errors.DivisionByZero)
        assert isinstance(first[2], psycopg.errors.UndefinedColumn)
        assert first[3] == [(2,)]
        assert not line.is_ready()
        line._tried_at = float("-inf")
        await ready(line)
        assert await line.ask(Question("SELECT 3", {})) == [(3,)]

    with_line(use)


def test_each_is_committed_before_the_answer_comes() -> None:
    name = f"t{uuid.uuid4().hex}"

    async def use(line: LoopConnection) -> Any:
        await line.ask(Question(f"CREATE TABLE {name} AS SELECT 7 AS n", {}))
        with psycopg.connect(database_url()) as conn:
            return conn.execute(f"SELECT n FROM {name}").fetchall()

    try:
        assert with_line(use) == [(7,)]
    finally:
        with psycopg.connect(database_url(), autocommit=True) as conn:
            conn.execute(f"DROP TABLE IF EXISTS {name}")


def test_behind_a_question_that_takes_long_nobody_is_asked() -> None:
    async def use(line: LoopConnection) -> None:
        slow = asyncio.ensure_future(line.ask(Question("SELECT pg_sleep(0.6)", {})))
        await asyncio.sleep(0)
        assert line.is_ready()
        await asyncio.sleep(looped.SLOW_S + 0.1)
        assert not line.is_ready()
        await slow
        assert line.is_ready()

    with_line(use)


def test_who_gives_up_leaves_the_others_their_answers() -> None:
    async def use(line: LoopConnection) -> Any:
        asked = [asyncio.ensure_future(line.ask(Question("SELECT %(n)s::int8", {"n": n}))) for n in range(3)]
        await asyncio.sleep(0)
        asked[1].cancel()
        return [await asked[0], await asked[2], await line.ask(Question("SELECT 9", {}))]

    assert with_line(use) == [[(0,)], [(2,)], [(9,)]]


@pytest.mark.parametrize("is_asking", [True, False])
def test_when_postgresql_ends_it_who_waits_is_told_and_another_is_made(is_asking: bool) -> None:
    async def use(line: LoopConnection) -> None:
        [[pid]] = await line.ask(Question("SELECT pg_backend_pid()", {}))
        waits = asyncio.ensure_future(line.ask(Question("SELECT pg_sleep(30)", {}))) if is_asking else None
        await asyncio.sleep(0.05)
        with psycopg.connect(database_url(), autocommit=True) as conn:
            conn.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        if waits is not None:
            with pytest.raises(psycopg.OperationalError):
                await waits
        await asyncio.sleep(0.1)
        assert not line.is_ready()
        with pytest.raises(psycopg.OperationalError):
            await line.ask(Question("SELECT 1", {}))
        line._tried_at = float("-inf")
        await ready(line)
        assert (await line.ask(Question("SELECT pg_backend_pid()", {})))[0][0] != pid

    with_line(use)


def test_it_ends_when_nobody_asks_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looped, "IDLE_S", 0.2)

    async def use(line: LoopConnection) -> None:
        [[pid]] = await line.ask(Question("SELECT pg_backend_pid()", {}))
        with psycopg.connect(database_url(), autocommit=True) as conn:
            until = time.monotonic() + 10
            while conn.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchall():
                assert time.monotonic() < until
                await asyncio.sleep(0.05)

    with_line(use)
