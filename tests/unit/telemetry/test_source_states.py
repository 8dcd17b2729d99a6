"""What a card says of its sources, and that each card can be copied as it stands."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from telemetry.dashboards import sourcecards
from telemetry.dashboards.sourcecards import CARDS, SourceCard
from telemetry.dashboards.sourcestates import Heard, Refusal, SourceState, states

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FILLED = {
    "address": "http://tloi.test:8000",
    "gateway": "http://tloi.test:8001",
    "key": "tloi_abc_def",
    "project": "mine",
    "moment": "2026-11-20T12:00:00Z",
}


def ago(**past: float) -> datetime:
    return NOW - timedelta(**past)


def state_of(name: str, *heard: Heard) -> SourceState:
    """The state of one card, or of a source without a card."""
    return next(one for one in states(heard, now=NOW) if one.name == name)


def test_without_news_every_card_is_there_and_says_never() -> None:
    found = states([], now=NOW)
    assert [one.name for one in found] == [card.name for card in CARDS]
    assert {one.state for one in found} == {"never"}


@pytest.mark.parametrize(
    ("last_at", "state"),
    [
        (ago(seconds=1), "receiving"),
        (ago(minutes=4.9), "receiving"),
        (ago(minutes=5), "silent"),
        (ago(days=9), "silent"),
    ],
)
def test_a_source_is_receiving_for_five_minutes(last_at: datetime, state: str) -> None:
    assert state_of("claude-code", Heard("otlp:claude-code", last_at)).state == state


def test_a_card_is_as_fresh_as_the_freshest_of_its_sources_and_sums_their_calls() -> None:
    found = state_of(
        "litellm",
        Heard("litellm", ago(hours=1), models=(("gpt-5", 3, 0), ("house", 2, 2))),
        Heard("otlp:litellm", ago(seconds=3), models=(("house", 1, 1),)),
    )
    assert (found.state, found.last_at, found.calls) == ("receiving", ago(seconds=3), 6)
    assert found.unpriced == (("house", 3),)


def test_refusals_stand_with_the_latest_first() -> None:
    old, new = Refusal("old", 5, ago(hours=2), ""), Refusal("new", 1, ago(minutes=2), "req_1")
    found = state_of("curl", Heard("api", None, (old, new)))
    assert (found.state, found.refused, found.refusals) == ("never", 6, (new, old))


def test_a_source_that_no_card_names_is_shown_all_the_same() -> None:
    assert states([Heard("strange", NOW)], now=NOW)[-1].name == "strange"
    assert state_of("strange", Heard("strange", NOW)).state == "receiving"


def test_no_source_stands_on_two_cards() -> None:
    sources = [source for card in CARDS for source in card.sources]
    assert len(sources) == len(set(sources))
    assert len({card.name for card in CARDS}) == len(CARDS)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_snippet_is_filled_in_to_the_last_place(card: SourceCard) -> None:
    for snippet in card.snippets:
        words = sourcecards.filled_in(snippet.words, **FILLED)
        assert not [place for place in FILLED if f"{{{place}}}" in words]
        if words.startswith("{"):
            json.loads(words)
        if words.startswith("["):
            tomllib.loads(words)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_says_where_to_send_and_with_which_key_or_reads_here(card: SourceCard) -> None:
    words = "\n".join(sourcecards.filled_in(snippet.words, **FILLED) for snippet in card.snippets)
    assert FILLED["key"] in words or "tloi import" in words or "tloi key create" in words
    assert FILLED["address"] in words or FILLED["gateway"] in words or "tloi import" in words


def test_codex_is_told_a_whole_address_for_each_signal() -> None:
    words = sourcecards.filled_in(sourcecards.CODEX.snippets[0].words, **FILLED)
    otel = tomllib.loads(words)["otel"]
    assert {name: otel[name]["otlp-http"]["endpoint"].rsplit("/v1/", 1)[1] for name in otel if "exporter" in name} == {
        "exporter": "logs",
        "trace_exporter": "traces",
        "metrics_exporter": "metrics",
    }
    assert otel["exporter"]["otlp-http"]["headers"] == {"Authorization": "Bearer tloi_abc_def"}
    assert otel["exporter"]["otlp-http"]["protocol"] == "binary"
