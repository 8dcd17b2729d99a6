"""What becomes of findings: the same ones stay, dismissed ones stay away, and nobody's decision is overwritten."""

from __future__ import annotations

from typing import Any

import pytest

from skills.concierge.standing import Found, Known, Settled, settle

WORDS = (("lantern", 3.0), ("red", 1.0))
DRIFTED = (("lantern", 2.5), ("red", 1.5), ("glass", 0.5))
OTHER = (("heron", 3.0),)


def gap(words: tuple[tuple[str, float], ...] = WORDS, weight: int = 40) -> Found:
    return Found(kind="gap", key=words[0][0], weight=weight, document={"runs": weight}, words=words)


def known(state: Any = "open", *, decided: int = 40, weight: int = 40) -> Known:
    return Known(
        id=7,
        kind="gap",
        key="lantern",
        state=state,
        weight=weight,
        decided_weight=decided,
        document={"runs": weight},
        words=WORDS,
    )


def test_what_is_found_first_is_new_and_the_same_again_changes_nothing() -> None:
    assert settle([gap()], []) == Settled(new=(gap(),))
    assert settle([gap()], [known()]) == Settled()


def test_a_pattern_that_drifted_is_the_one_that_it_was() -> None:
    drifted = gap(DRIFTED, 44)
    assert settle([drifted], [known()]) == Settled(changed=((7, drifted),))
    assert settle([gap(OTHER)], [known()]) == Settled(new=(gap(OTHER),), gone=(7,))


@pytest.mark.parametrize(
    ("decided", "weight", "is_back"), [(40, 79, False), (40, 80, True), (3, 19, False), (3, 20, True)]
)
def test_what_was_dismissed_comes_back_only_with_twice_the_evidence(decided: int, weight: int, is_back: bool) -> None:
    told = gap(DRIFTED, weight)
    back = Settled(changed=((7, told),)) if is_back else Settled()
    assert settle([told], [known("dismissed", decided=decided)]) == back


def test_what_was_accepted_stays_however_much_there_is_to_say() -> None:
    assert settle([gap(weight=4_000)], [known("accepted")]) == Settled()
    assert settle([], [known("accepted")]) == Settled()
    assert settle([], [known("dismissed")]) == Settled()


def test_two_patterns_of_one_that_was_dismissed_are_both_kept_away() -> None:
    assert settle([gap(), gap(DRIFTED)], [known("dismissed")]) == Settled()


def test_another_gap_of_the_same_first_word_gets_a_key_of_its_own() -> None:
    other = Found(kind="gap", key="lantern", weight=20, document={}, words=(("lantern", 0.5), ("heron", 3.0)))
    (new,) = settle([gap(), other], [known()]).new
    assert (new.key, new.words) == ("lantern 2", other.words)


def test_a_skill_is_known_by_its_name_and_kind() -> None:
    idle = Found(kind="idle", key="lantern", weight=60, document={})
    assert settle([idle], [known("dismissed")]) == Settled(new=(idle,))
