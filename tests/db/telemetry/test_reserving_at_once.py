"""A hundred calls at once against room for ten, and scopes that overlap while connections die: never more than the
limit, never a token that nobody gives back."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from queue import SimpleQueue
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from telemetry.limits import reserving
from telemetry.limits.windows import Asked, Spent, Window
from tests.conftest import database_url
from tests.ledger_reading import new_tenant
from tests.reserving import NOW, books, call, granted, spans

pytestmark = pytest.mark.usefixtures("database")
CALLS, CONNECTIONS, ROOM = 100, 20, 10
LIMIT = 10_527  # of which 526 are held back: ten calls of a thousand
Ask = Callable[[Connection[Any], int, list[Window], Asked], bool]


def connect() -> Connection[Any]:
    return psycopg.connect(database_url(), autocommit=True)


@pytest.fixture(scope="module")
def pool(django_db_setup: None) -> Iterator[SimpleQueue[Connection[Any]]]:
    """Connections that a hundred calls share, as they share those of a web process."""
    free: SimpleQueue[Connection[Any]] = SimpleQueue()
    opened = [connect() for _ in range(CONNECTIONS)]
    for one in opened:
        free.put(one)
    yield free
    for one in opened:
        one.close()


@contextmanager
def sampled(tenant: int) -> Iterator[Counter[str]]:
    """Look all the while: how often, and how often more was used and reserved than granted."""
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def look() -> None:
        with connect() as conn:
            while not stop.is_set():
                found = conn.execute(
                    "SELECT count(*) FILTER (WHERE used + reserved > granted) FROM telemetry_budget_window"
                    " WHERE project_id = %s AND counts = 'gross'",  # what counts otherwise here is in shadow mode
                    [tenant],
                ).fetchone() or (0,)
                seen["samples"] += 1
                seen["over"] += found[0]

    sampler = threading.Thread(target=look)
    sampler.start()
    try:
        yield seen
    finally:
        stop.set()
        sampler.join(10)


def reserved(conn: Connection[Any], tenant: int, scopes: list[Window], amount: Asked) -> bool:
    return reserving.reserve(conn, project_id=tenant, scopes=scopes, amount=amount, now=NOW).is_granted


def checked_first(conn: Connection[Any], tenant: int, scopes: list[Window], amount: Asked) -> bool:
    """How it is done wrong: look, then take."""
    seen = reserving.look(conn, project_id=tenant, scopes=scopes, amount=amount, now=NOW)
    if seen.is_granted:
        conn.execute(
            "UPDATE telemetry_budget_window SET reserved = reserved + %s WHERE project_id = %s", [amount.gross, tenant]
        )
    return seen.is_granted


def admitted(pool: SimpleQueue[Connection[Any]], tenant: int, ask: Ask) -> int:
    """How many of a hundred calls at once are admitted by one budget."""
    scopes = spans(granted(LIMIT))
    start, granted_to = threading.Barrier(CALLS), []

    def run() -> None:
        start.wait(30)
        conn = pool.get()
        try:
            if ask(conn, tenant, scopes, call(1_000)):
                granted_to.append(1)
        finally:
            pool.put(conn)

    threads = [threading.Thread(target=run) for _ in range(CALLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return len(granted_to)


def rounds(pool: SimpleQueue[Connection[Any]], count: int) -> None:
    for _ in range(count):
        tenant = new_tenant()
        with sampled(tenant) as seen, connect() as conn:
            assert admitted(pool, tenant, reserved) == ROOM
            found = books(conn, tenant)
        assert (found.windows["project::"], found.leases, found.leaked) == ((0, 10_000, LIMIT), {"open": ROOM}, 0)
        assert seen["samples"]
        assert not seen["over"]


def test_of_a_hundred_calls_at_once_those_are_admitted_for_whom_there_is_room(
    pool: SimpleQueue[Connection[Any]],
) -> None:
    rounds(pool, 4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_a_hundred_calls_at_once_a_hundred_times_those_are_admitted_for_whom_there_is_room(
    pool: SimpleQueue[Connection[Any]],
) -> None:
    rounds(pool, 100)


def test_to_look_and_then_take_would_admit_too_many(pool: SimpleQueue[Connection[Any]]) -> None:
    assert admitted(pool, new_tenant(), checked_first) > ROOM


class Crowd:
    """Workers that reserve in scopes that overlap, settle what they got, give it back, or die with it."""

    def __init__(self, tenant: int) -> None:
        self.tenant = tenant
        agents = [granted(30_000, scope="agent", subject=name) for name in "abc"]
        whole = [granted(50_000), granted(10**9, scope="task_type", subject="fix", period="month")]
        shadow = granted(20_000, scope="tier", subject="4", counts="weighted", mode="shadow")
        session = granted(30_000, scope="session", subject="s", period="session")
        self._scopes = [spans(*whole, shadow, session, agent) for agent in agents[:2]]
        self._scopes.append(spans(*whole, agents[2]))
        self._lock = threading.Lock()
        self.came: Counter[str] = Counter()
        self.spent = self.lost = 0

    def work(self, calls: int, seed: int) -> None:
        draw, conn = Random(seed), connect()
        for _ in range(calls):
            scopes, size = draw.choice(self._scopes), draw.randint(100, 3_000)
            fate = draw.choice(("settled", "settled", "released", "killed", "killed before the commit"))
            try:
                self._one(conn, scopes, size, fate)
            except psycopg.OperationalError:
                conn.close()  # it need not know yet that its other end is gone
                conn = connect()
        conn.close()

    def _one(self, conn: Connection[Any], scopes: list[Window], size: int, fate: str) -> None:
        name = uuid.uuid4().hex
        asked: dict[str, Any] = {"scopes": scopes, "amount": call(size), "now": NOW, "reservation_id": name}
        if fate == "killed before the commit":
            with conn.transaction():
                reserving.reserve(conn, project_id=self.tenant, **asked)
                self._note(fate)
                kill(conn)
        is_granted = reserving.reserve(conn, project_id=self.tenant, **asked).is_granted
        self._note(fate if is_granted else "refused")
        if not is_granted:
            return
        if fate == "killed":
            self._note("lost", lost=size)
            kill(conn)
        actual = 0 if fate == "released" else size // 2
        self._note("ended", spent=actual)
        told = [Spent(name, weighted=actual, gross=actual)]
        assert reserving.settle(conn, project_id=self.tenant, spent=told, is_recorded=False, now=NOW) == [name]

    def _note(self, what: str, *, spent: int = 0, lost: int = 0) -> None:
        with self._lock:
            self.came[what] += 1
            self.spent += spent
            self.lost += lost


def kill(conn: Connection[Any]) -> None:
    """End the server's side of a connection, as a process that is killed does; raises OperationalError."""
    with connect() as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [conn.info.backend_pid])  # and wait until it is gone
    conn.execute("SELECT 1")


def crowd(seed: int, workers: int, calls: int) -> Counter[str]:
    """What came of it, once all that died is charged: nothing is over, leaked or forgotten."""
    made = Crowd(new_tenant())
    with sampled(made.tenant) as seen, connect() as conn:
        conn.execute("SELECT 1")
        threads = [threading.Thread(target=made.work, args=(calls, 1_000 * seed + n)) for n in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert books(conn, made.tenant).leaked == 0
        expired: list[str] = []
        late = NOW + reserving.HELD + timedelta(seconds=1)
        while some := reserving.expire_leases(conn, project_id=made.tenant, now=late):
            expired += some
        found = books(conn, made.tenant)
    assert not any(thread.is_alive() for thread in threads)
    assert seen["samples"]
    assert not seen["over"]
    assert found.windows["task_type:fix:"] == (made.spent + made.lost, 0, 10**9)
    assert found.windows["tier:4:"][0] > 20_000
    assert (len(expired), found.leases.get("open", 0), found.leaked) == (made.came["lost"], 0, 0)
    assert all(held == 0 for _, held, _ in found.windows.values())
    return made.came


def test_scopes_that_overlap_stay_within_their_limits_while_connections_die(database: None) -> None:
    came = crowd(seed=1, workers=6, calls=20)
    assert {"settled", "released", "lost", "killed before the commit", "refused"} <= set(came)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_scopes_that_overlap_stay_within_their_limits_in_many_histories(database: None) -> None:
    total: Counter[str] = Counter()
    for seed in range(2, 14):
        total += crowd(seed=seed, workers=8, calls=25)
    assert total["lost"] > 100
