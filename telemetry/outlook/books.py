"""The statistics of keys as the database keeps them: read for the keys that matter, and written as a whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.outlook.answering import MEASURES
from telemetry.outlook.conformal import Pool
from telemetry.outlook.forecast import Book, Stat
from telemetry.outlook.keys import LEVELS, Key, spread_key
from telemetry.statements import prepared, statement

_SPREADS = [spread_key(level) for level in range(1, len(LEVELS))]


def read_books(conn: Connection[Any], *, project_id: int, keys: Collection[Key], is_dated: bool) -> dict[str, Book]:
    """What is known of these keys, a book a measure. Without dates scores cannot be added to."""
    books = {measure: Book() for measure in MEASURES}
    for level, key, measure, *stat in key_stats(conn, project_id=project_id, keys=sorted({*keys, *_SPREADS})):
        if measure in books:
            books[measure].stats[Key(level, key)] = Stat(*stat)
    for measure, scores, ats, above_q50, above_q90 in residual_pools(conn, project_id=project_id, is_dated=is_dated):
        if measure in books:
            books[measure].pool = Pool(scores, ats, above_q50, above_q90)
    return books


def write_books(conn: Connection[Any], *, project_id: int, books: Mapping[str, Book]) -> None:
    """Keep what was learned. The caller has the project's runs for himself."""
    changed = [(*key, measure, book.stats[key]) for measure, book in books.items() for key in book.changed]
    if not changed:
        return
    write_key_stats(conn, project_id=project_id, changed=sorted(changed, key=lambda one: one[:3]))
    pools = {measure: book.pool for measure, book in books.items() if book.changed}
    write_residual_pools(conn, project_id=project_id, pools=pools)


def key_stats(conn: Connection[Any], *, project_id: int, keys: Collection[Key]) -> list[tuple[Any, ...]]:
    """The statistics of these keys: level, digest, measure, and the fields of `Stat`."""
    arguments = {
        "project": project_id,
        "levels": [key.level for key in keys],
        "digests": [key.digest for key in keys],
    }
    return prepared(conn, tuple_row).execute(statement(__package__, "key_stats"), arguments).fetchall()


def residual_pools(conn: Connection[Any], *, project_id: int, is_dated: bool) -> list[tuple[Any, ...]]:
    """The pools of a project: measure, and the fields of `Pool`."""
    arguments = {"project": project_id, "is_dated": is_dated}
    return prepared(conn, tuple_row).execute(statement(__package__, "residual_pools"), arguments).fetchall()


def write_key_stats(conn: Connection[Any], *, project_id: int, changed: list[tuple[int, str, str, Stat]]) -> None:
    """Replace the statistics of keys, which are in order."""
    stats = [stat for *_, stat in changed]
    arguments = {
        "project": project_id,
        "levels": [level for level, *_ in changed],
        "digests": [digest for _, digest, *_ in changed],
        "measures": [measure for _, _, measure, _ in changed],
        "runs": [stat.runs for stat in stats],
        "weights": [stat.weight for stat in stats],
        "means": [stat.mean for stat in stats],
        "m2s": [stat.m2 for stat in stats],
        "totals": [stat.total for stat in stats],
        "firsts": [stat.first_at for stat in stats],
        "lasts": [stat.last_at for stat in stats],
    }
    conn.execute(statement(__package__, "write_key_stats"), arguments)


def write_residual_pools(conn: Connection[Any], *, project_id: int, pools: Mapping[str, Pool]) -> None:
    """Replace the pools of measures."""
    with conn.cursor() as cursor:
        cursor.executemany(
            statement(__package__, "write_residual_pools"),
            [
                {
                    "project": project_id,
                    "measure": measure,
                    "scores": pool.scores,
                    "ats": pool.ats,
                    "above_q50": pool.above_q50,
                    "above_q90": pool.above_q90,
                }
                for measure, pool in sorted(pools.items())
            ],
        )
