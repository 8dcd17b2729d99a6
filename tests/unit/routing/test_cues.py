"""A cue is looked for by letters first, and finds what its pattern finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from routing.compression.cues import CONSTRAINT, DECISION, ERROR, TODO, Cue
from routing.compression.digest import numberless

CUES = {"constraint": CONSTRAINT, "decision": DECISION, "todo": TODO, "error": ERROR}


def found(cue: Cue) -> st.SearchStrategy[str]:
    """Lines in which its pattern finds something, and lines made of the same letters."""
    matching = st.from_regex(cue.pattern).map(lambda text: text.replace("\n", " "))
    return matching | matching.map(lambda text: text[1:]) | st.text(max_size=30)


@pytest.mark.parametrize("name", CUES)
@given(data=st.data())
def test_a_cue_finds_what_its_pattern_finds(name: str, data: st.DataObject) -> None:
    cue = CUES[name]
    lines = data.draw(st.lists(found(cue), max_size=5))
    wanted = [line for line in lines if cue.pattern.search(line)]
    assert list(cue.among(lines)) == wanted
    assert [line for line in lines if cue.is_in(line)] == wanted


@pytest.mark.parametrize(
    "text", ["MUST NOT", "\u017ftill open", "you mu\u017ft, never", "\u0130 must", "don\u2019t forget"]
)
def test_letters_that_are_large_or_not_ascii_hide_nothing(text: str) -> None:
    for cue in CUES.values():
        assert cue.is_in(text) == (cue.pattern.search(text) is not None) == bool(list(cue.among(["a", text])))


def test_a_cue_that_lacks_a_word_is_noticed() -> None:
    less = Cue("|".join(word for word in DECISION.words if word != "because"), DECISION.pattern.pattern)
    texts = st.from_regex(DECISION.pattern)
    text = find(texts, lambda text: less.is_in(text) != (DECISION.pattern.search(text) is not None))
    assert "because" in text.lower()


@given(st.text(st.sampled_from("a1 29#\n\u0661é"), max_size=30))
def test_numbers_are_taken_out_as_the_pattern_would(text: str) -> None:
    assert numberless(text) == re.sub(r"\d+", "#", text)
