"""A name keeps its colour, and no two names on a chart share one."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from telemetry.dashboards import colours
from telemetry.dashboards.colours import OTHER_COLOUR, PALETTE, slots
from tests.house.tree import ROOT

names = st.lists(st.text(max_size=30), unique=True, max_size=len(PALETTE))


@given(names, st.randoms())
def test_the_order_of_the_names_changes_no_colour(chosen: list[str], shuffler: random.Random) -> None:
    before = slots(chosen)
    shuffler.shuffle(chosen)
    assert slots(chosen) == before


@given(names)
def test_up_to_eight_names_have_eight_colours(chosen: list[str]) -> None:
    given_slots = list(slots(chosen).values())
    assert len(set(given_slots)) == len(chosen)
    assert all(1 <= slot <= len(PALETTE) for slot in given_slots)


@given(names, st.data())
def test_names_that_are_left_by_a_filter_keep_their_colours(chosen: list[str], data: st.DataObject) -> None:
    settled = slots(chosen)
    left = data.draw(st.lists(st.sampled_from(chosen), unique=True)) if chosen else []
    assert slots([*left, "new to the page"], settled).items() >= {name: settled[name] for name in left}.items()


def test_a_name_alone_has_the_colour_of_its_hash_on_every_machine() -> None:
    assert slots(["claude-opus-4-5"]) == {"claude-opus-4-5": 2}
    assert slots(["gpt-5"]) == {"gpt-5": 1}


def test_a_ninth_name_is_grey() -> None:
    assert sorted(slots([f"m{n}" for n in range(9)]).values()) == list(range(9))
    assert colours.colour(0) == OTHER_COLOUR


def test_the_style_sheet_has_a_colour_for_every_slot() -> None:
    css = (ROOT / "static" / "tokens.css").read_text("utf-8")
    assert re.findall(r"--slot-(\d):", css) == [str(slot) for slot in range(len(PALETTE) + 1)]
