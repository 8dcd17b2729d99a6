"""The schema keeps Citus's rules on any PostgreSQL, so that `tloi distribute` can cut it by project one day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from psycopg.conninfo import conninfo_to_dict

from telemetry.database import connection
from telemetry.ledger.sharding import SHARDED, conninfo_of, shard_obstacles

PLANTED = """
CREATE TABLE planted_loose (id bigint PRIMARY KEY, project_id bigint);
CREATE TABLE planted_keyed (project_id bigint NOT NULL, id bigint, moment timestamptz, at bigint,
                            PRIMARY KEY (id, project_id), UNIQUE (moment), EXCLUDE USING btree (at WITH =));
CREATE UNIQUE INDEX planted_included ON planted_keyed (at) INCLUDE (project_id);
CREATE TABLE planted_split (project_id bigint NOT NULL, at bigint, PRIMARY KEY (project_id, at))
    PARTITION BY RANGE (at);
CREATE TABLE planted_part PARTITION OF planted_split FOR VALUES FROM (0) TO (10);
CREATE TABLE planted_user (id bigint PRIMARY KEY, project_id bigint UNIQUE);
CREATE TABLE planted_links (
    project_id bigint NOT NULL REFERENCES planted_user (id), id bigint, other bigint, at bigint,
    PRIMARY KEY (project_id, id),
    CONSTRAINT at_parts FOREIGN KEY (project_id, at) REFERENCES planted_split,
    CONSTRAINT crossed FOREIGN KEY (project_id, other) REFERENCES planted_keyed (id, project_id),
    CONSTRAINT paired FOREIGN KEY (other, project_id) REFERENCES planted_keyed (id, project_id));
CREATE TABLE planted_local (id bigint PRIMARY KEY, project_id bigint, link bigint,
                            CONSTRAINT from_outside FOREIGN KEY (project_id, link) REFERENCES planted_links);
CREATE FUNCTION planted_note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER planted_fires AFTER INSERT ON planted_links FOR EACH STATEMENT EXECUTE FUNCTION planted_note();
"""
UPROOT = """
DROP TABLE planted_local, planted_links, planted_user, planted_split, planted_keyed, planted_loose;
DROP FUNCTION planted_note;
"""


@pytest.fixture(autouse=True)
def on_the_database(database: None) -> None:
    """Every test here needs it."""


@pytest.fixture
def planted() -> Iterator[None]:
    """Tables that break each rule at least once."""
    connection().execute(PLANTED)
    yield
    connection().execute(UPROOT)


def test_the_schema_keeps_the_rules() -> None:
    assert shard_obstacles(connection(), SHARDED) == []


@pytest.mark.usefixtures("planted")
def test_each_broken_rule_is_found() -> None:
    tables = ("planted_loose", "planted_keyed", "planted_split", "planted_links")
    assert shard_obstacles(connection(), tables) == [
        "planted_keyed planted_included is unique without project_id",
        "planted_keyed planted_keyed_at_excl is unique without project_id",
        "planted_keyed planted_keyed_moment_key is unique without project_id",
        "planted_links at_parts points at the partitioned table planted_split",
        "planted_links crossed does not pair project_id with project_id",
        "planted_links from_outside of the local table planted_local points at it",
        "planted_links has the trigger planted_fires",
        "planted_links planted_links_project_id_fkey points at planted_user, which is not cut by project_id",
        "planted_loose has no column project_id that is never null",
        "planted_loose planted_loose_pkey is unique without project_id",
    ]


def test_a_table_that_is_not_there_is_found() -> None:
    assert shard_obstacles(connection(), ["planted_nowhere"]) == ["planted_nowhere is not there"]


def test_without_the_extension_the_command_says_so_and_changes_nothing() -> None:
    with pytest.raises(CommandError, match="not part of a cluster: it has no extension citus"):
        call_command("distribute")


def test_a_server_without_citus_is_named() -> None:
    here = f"{connection().info.host}:{connection().info.port}"
    with pytest.raises(CommandError, match=f"{here} does not take the extension citus: .*citus"):
        call_command("distribute", "--coordinator", here, "--worker", here)


def test_another_server_is_reached_as_this_one_is_but_at_its_own_address() -> None:
    here = connection().info
    there = conninfo_to_dict(conninfo_of(connection(), ("db1.example.org", 5433)))
    assert (there["host"], there["port"], there["dbname"]) == ("db1.example.org", "5433", here.dbname)
    assert (there["user"], there["password"]) == (here.user, here.password)
    assert "hostaddr" in here.get_parameters()  # which libpq would connect to, whatever the host
    assert "hostaddr" not in there


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--shards", "0"), "whole number"),
        (("--shards", "1001"), "whole number"),
        (("--worker", "db1"), "go together"),
        (("--coordinator", "db0:5432"), "go together"),
        (("--coordinator", "db0:0x1", "--worker", "db1"), "not an address"),
        (("--coordinator", "db0", "--worker", "db1:70000"), "not an address"),
        (("--coordinator", "db0", "--worker", ":5432"), "not an address"),
        (("--coordinator", "db0", "--worker", "me@db1"), "not an address"),
        (("--coordinator", "db0", "--worker", "db1/tloi"), "not an address"),
    ],
)
def test_words_that_mean_nothing_are_refused(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("distribute", *words)
