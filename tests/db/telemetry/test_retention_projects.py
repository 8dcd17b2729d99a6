"""A project may keep less than the instance: its calls are deleted in small transactions, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.ledger import purging, retention
from telemetry.series import expiry
from tests.expiring import NOW, call, count, day, days_left, folded, identities, kept_hash, new_project, send

Ledger = Connection[Any]
BACK = (300, 20, 12, 11, 10, 5)


@pytest.fixture(autouse=True)
def small_pages(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven calls a transaction, of which many have one moment."""
    monkeypatch.setattr(purging, "PAGE", 7)
    settings.RETENTION_DAYS = None


def projects(conn: Ledger) -> tuple[int, int]:
    """Two projects with the same calls; the first keeps ten days since then."""
    made = new_project(conn, "less"), new_project(conn, "more")
    for project in made:
        send(conn, project, [call(day(back, second % 2), f"{back}.{second}") for back in BACK for second in range(20)])
    keep(conn, made[0], 10)
    return made


def keep(conn: Ledger, project: int, days: int | None) -> None:
    """As the admin sets it."""
    conn.execute("UPDATE telemetry_project SET retention_days = %s WHERE id = %s", [days, project])
    retention.forget()


def test_its_old_calls_go_with_their_identities_and_all_others_stay(own: Ledger) -> None:
    less, more = projects(own)
    others = kept_hash(own, day(5))
    folded(own)
    assert expiry.expire(own, now=NOW).calls == 80
    assert (days_left(own, less), days_left(own, more)) == ([10, 5], sorted(BACK, reverse=True))
    assert (identities(own, less), identities(own, more)) == (40, 120)
    assert kept_hash(own, day(5)) == others
    assert expiry.expire(own, now=NOW).calls == 0


def test_it_keeps_no_more_than_the_instance(own: Ledger, settings: Settings) -> None:
    less, more = projects(own)
    keep(own, less, 3000)
    settings.RETENTION_DAYS = 15
    folded(own)
    expiry.expire(own, now=NOW)
    assert days_left(own, less) == days_left(own, more) == [12, 11, 10, 5]


def test_only_its_own_older_calls_are_refused(own: Ledger) -> None:
    less, more = projects(own)
    assert [len(send(own, project, [call(day(15), "late")]).rejected) for project in (less, more)] == [1, 0]


def test_what_was_deleted_is_not_taken_again_when_it_keeps_more(own: Ledger) -> None:
    less, _ = projects(own)
    folded(own)
    expiry.expire(own, now=NOW)
    keep(own, less, None)
    assert [one.reason for one in send(own, less, [call(day(12), "late")]).rejected] == [
        "calls of its day have expired"
    ]
    assert count(own, "telemetry_call", less) == 40


def test_a_run_out_of_time_is_gone_on_with(own: Ledger) -> None:
    less, _ = projects(own)
    folded(own)
    assert not expiry.expire(own, now=NOW, patience_s=0).is_done
    assert count(own, "telemetry_call", less) == 120
    assert expiry.expire(own, now=NOW).is_done
    assert count(own, "telemetry_call", less) == 40
