"""Which tiers are asked, in which order, and why."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routing.contracts import Caller, Capability, Features, Plan, Provider, Tier, TierState
from routing.ladder import success
from routing.ladder.plan import QUALITY_FLOOR, climb_for, plan
from routing.ladder.shares import Shares, price, stepped
from routing.ladder.success import Counted, Lengths, Table

CALLER = Caller(project_id=1, key_id=1, session="s", task_type="summary")


def tier(position: int, share: float, *, window: int = 32_768, can: frozenset[Capability] = frozenset()) -> Tier:
    provider = Provider(id=position, name=f"p{position}", family="openai", base_url="http://127.0.0.1:1")
    return Tier(
        id=position * 10,
        position=position,
        name=f"t{position}",
        provider=provider,
        model=f"m{position}",
        context_window=window,
        capabilities=can,
        share=share,
        is_free=position < 4,
        input_nanousd=600 if position == 4 else None,
        output_nanousd=2_500 if position == 4 else None,
    )


ALL: frozenset[Capability] = frozenset({"tools", "vision", "json"})
LADDER = [
    tier(1, 0.80, can=frozenset({"json"})),
    tier(2, 0.15, window=131_072, can=ALL),
    tier(3, 0.04, window=262_144, can=ALL),
    tier(4, 0.01, window=262_144, can=ALL),
]


def features(**given: object) -> Features:
    usual: dict[str, object] = {"protocol": "openai.chat", "model": "auto", "prompt_tokens": 500, "prompt_chars": 2_000}
    return Features(**usual | given)  # type: ignore[arg-type] # as a test gives them


def planned(asked: Features | None = None, **given: object) -> Plan:
    usual: dict[str, object] = {"caller": CALLER, "tiers": LADDER, "states": {}, "table": Table(), "shares": Shares()}
    return plan(asked or features(), **usual | given)  # type: ignore[arg-type]


def names(made: Plan) -> list[str]:
    return [step.tier.name for step in made.steps]


def skipped(made: Plan) -> dict[str, str]:
    return {step.tier.name: step.reason for step in made.skipped}


def test_before_anything_is_known_the_lowest_tier_is_asked_and_the_others_stand_behind_it() -> None:
    made = planned()
    assert names(made)[0] == "t1"
    assert made.steps[0].reason == "the lowest tier that can"
    assert sorted(names(made)) == ["t1", "t2", "t3", "t4"]


def test_a_tier_that_cannot_do_what_is_needed_is_left_out_by_name() -> None:
    made = planned(features(needs=frozenset({"tools", "json"})))
    assert skipped(made) == {"t1": "cannot do tools"}


def test_a_request_that_does_not_fit_a_window_is_left_out_with_room_for_its_answer() -> None:
    fits = features(prompt_tokens=32_768 - 1_000, max_output=1_000)
    assert skipped(planned(fits)) == {}
    assert skipped(planned(replace(fits, prompt_tokens=fits.prompt_tokens + 1))) == {
        "t1": "32,769 tokens do not fit its 32,768"
    }


def test_a_plan_is_makeshift_while_the_tier_that_would_be_first_is_left_out_for_the_moment() -> None:
    down = {10: TierState(tier_id=10, breaker="open")}
    assert not planned().is_makeshift
    assert planned(states=down).is_makeshift
    assert not planned(states=down, affinity=20).is_makeshift, "the task is elsewhere, and stays there"
    assert planned(states={20: TierState(tier_id=20, breaker="open")}, affinity=20).is_makeshift
    assert not planned(states={40: TierState(tier_id=40, breaker="open")}).is_makeshift
    assert not planned(features(needs=frozenset({"tools"}))).is_makeshift, "what cannot do it will not come back"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"breaker": "open", "until": datetime(2026, 3, 2, 9, tzinfo=UTC)}, "failed lately, left out until 09:00:00"),
        ({"left_today": 0}, "the calls of its account for today are used up"),
        ({"left_this_minute": 0}, "the calls of its account for this minute are used up"),
        ({"running": 1, "waiting": 4}, "1 calls are running and 4 are waiting"),
    ],
)
def test_a_tier_that_is_not_well_or_has_no_room_is_left_out_with_the_reason(state: dict[str, object], why: str) -> None:
    tiers = [replace(LADDER[0], concurrency=1, queue=4), *LADDER[1:]]
    made = planned(tiers=tiers, states={10: TierState(tier_id=10, **state)})  # type: ignore[arg-type]
    assert skipped(made) == {"t1": why}


def test_a_tier_that_is_probed_may_be_asked() -> None:
    assert "t1" in names(planned(states={10: TierState(tier_id=10, breaker="probing")}))


def test_a_named_tier_is_the_only_one_and_what_it_can_is_not_doubted() -> None:
    made = planned(features(needs=frozenset({"tools"})), pinned=10)
    assert names(made) == ["t1"]
    assert made.is_pinned
    assert climb_for(made, 10, 0.0) is None


def test_a_session_stays_on_its_tier_and_leaves_it_where_that_cannot() -> None:
    assert names(planned(affinity=30))[0] == "t3"
    assert names(planned(affinity=30, states={30: TierState(tier_id=30, breaker="open")}))[0] == "t1"


def test_a_type_that_the_lowest_tier_answers_badly_begins_above_it() -> None:
    table = Table(
        by_type={("summary", 10): Counted(400, 120, 0), ("summary", 20): Counted(400, 360, 0)},
        by_tier={10: Counted(800, 600, 0), 20: Counted(800, 680, 0)},
    )
    assert names(planned(table=table))[0] == "t2"
    assert names(planned(table=table, caller=replace(CALLER, task_type="other")))[0] == "t1"


def test_a_few_bad_answers_of_a_type_do_not_yet_say_much() -> None:
    table = Table(by_type={("summary", 10): Counted(4, 0, 0)}, by_tier={10: Counted(800, 600, 0)})
    assert names(planned(table=table))[0] == "t1"


def test_a_tier_that_is_mostly_refused_is_passed_over_where_trying_it_costs_money() -> None:
    table = Table(by_type={("summary", 30): Counted(100, 90, 80)}, by_tier={30: Counted(100, 90, 80)})
    paid = [replace(LADDER[2], is_free=False, input_nanousd=300, output_nanousd=1_200), LADDER[3]]
    assert names(planned(table=table, tiers=paid))[0] == "t4"
    assert names(planned(table=table, tiers=[LADDER[2], LADDER[3]])) == ["t3", "t4"], "a free try costs nothing"


def test_longer_prompts_are_the_first_to_begin_higher() -> None:
    table = Table(lengths={"summary": Lengths(500, 7.6, 0.5)})
    dear = Shares({20: 0.08, 30: 0.5, 40: 0.5})
    short, long = (planned(features(prompt_chars=chars), table=table, shares=dear) for chars in (500, 50_000))
    assert (names(short)[0], names(long)[0]) == ("t1", "t2")


def test_an_answer_that_is_likely_good_is_kept_and_one_that_is_not_climbs_higher_the_worse_it_is() -> None:
    prices = Shares({20: 0.10, 30: 0.18, 40: 0.27})
    made = planned(shares=prices)
    assert climb_for(made, 10, 0.95) is None
    climbs = [climb_for(made, 10, p / 100) for p in range(0, 100, 5)]
    positions = [step.tier.position if step else 1 for step in climbs]
    assert positions == sorted(positions, reverse=True)
    assert len(set(positions)) >= 3


def test_an_answer_that_a_higher_tier_would_not_better_is_kept_however_doubtful_it_is() -> None:
    made = planned(shares=Shares({20: 0.1, 30: 0.16, 40: 0.22}))
    assert climb_for(made, 10, 0.3, p_helps=0.05) is None
    helped = climb_for(made, 10, 0.3, p_helps=0.5)
    assert helped is not None
    assert helped.tier.position == 4


def test_below_the_floor_an_answer_climbs_though_its_share_is_used_up_and_the_reason_says_so() -> None:
    made = planned(shares=Shares(dict.fromkeys((20, 30, 40), 1.0)))
    assert climb_for(made, 10, QUALITY_FLOOR + 0.01) is None
    step = climb_for(made, 10, QUALITY_FLOOR - 0.01)
    assert step is not None
    assert step.reason.startswith("share_override")


tiers_given = st.lists(
    st.builds(
        tier,
        st.integers(1, 6),
        st.floats(0, 1),
        window=st.sampled_from([4_096, 32_768, 200_000]),
        can=st.frozensets(st.sampled_from(sorted(ALL))),
    ),
    max_size=6,
    unique_by=lambda each: each.position,
).map(lambda found: sorted(found, key=lambda each: each.position))
states_given = st.dictionaries(
    st.integers(1, 6).map(lambda n: n * 10),
    st.builds(
        lambda breaker, left: TierState(tier_id=0, breaker=breaker, left_today=left),
        st.sampled_from(["closed", "open", "probing"]),
        st.none() | st.integers(0, 3),
    ),
)
tables_given = st.builds(
    lambda by_type: Table(by_type=by_type),
    st.dictionaries(
        st.tuples(st.just("summary"), st.integers(1, 6).map(lambda n: n * 10)),
        st.builds(lambda n, a, b: Counted(n, n * a, n * b), st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1)),
    ),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tiers=tiers_given,
    states=states_given,
    table=tables_given,
    needs=st.frozensets(st.sampled_from(sorted(ALL))),
    tokens=st.integers(0, 300_000),
    affinity=st.none() | st.integers(1, 6).map(lambda n: n * 10),
    found=st.floats(0, 1),
)
def test_every_tier_is_either_a_step_or_skipped_with_a_reason_and_no_step_breaks_a_rule(
    tiers: list[Tier],
    states: dict[int, TierState],
    table: Table,
    needs: frozenset[Capability],
    tokens: int,
    affinity: int | None,
    found: float,
) -> None:
    asked = features(needs=needs, prompt_tokens=tokens, prompt_chars=4 * tokens)
    made = planned(asked, tiers=tiers, states=states, table=table, affinity=affinity)
    assert sorted([*names(made), *skipped(made)]) == sorted(each.name for each in tiers)
    assert all(step.reason for step in (*made.steps, *made.skipped))
    assert len(made.odds) == len(made.steps)
    for step in made.steps:
        assert needs <= step.tier.capabilities
        assert tokens < step.tier.context_window
        assert states.get(step.tier.id, TierState(tier_id=0)).breaker != "open"
    for step, odds in zip(made.steps, made.odds, strict=True):
        assert 0 < odds.p_good < 1
        climb = climb_for(made, step.tier.id, found)
        assert climb is None or climb.tier.position > step.tier.position


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_better_evidence_never_makes_another_tier_look_worse(expected: float, low: float, high: float) -> None:
    low, high = sorted((low, high))
    worse, better = (success.after_evidence(0.8, expected=expected, found=found) for found in (low, high))
    assert worse <= better


def test_shares_are_held_by_prices_and_come_back_when_what_is_asked_changes() -> None:
    """Prompts of any difficulty, answered by whichever tier is worth most; after 8,000 all of them are harder."""
    random, shares = Random(7), Shares()
    recent, after = Counter[int](), Counter[int]()
    for n in range(24_000):
        ease = random.gauss(1 if n < 8_000 else 0, 1.2)
        worth = [
            success.shifted(0.5, ease * (1 - 0.2 * place) + 0.5 * place) - price(shares, each, height=place / 3)
            for place, each in enumerate(LADDER)
        ]
        recent[LADDER[worth.index(max(worth))].id] += 1
        if n % 20 == 19:
            shares = stepped(shares, LADDER, recent)
            after += recent if n >= 12_000 else Counter()
            recent.clear()
    for each in LADDER:
        assert after[each.id] / after.total() == pytest.approx(each.share, rel=0.15, abs=0.003)


def test_a_tier_without_a_share_is_only_asked_where_others_cannot() -> None:
    ladder = [LADDER[0], replace(LADDER[1], share=0.0)]
    assert names(planned(tiers=ladder)) == ["t1", "t2"]
    assert climb_for(planned(tiers=ladder), 10, 0.5) is None


def test_a_tier_that_cannot_be_asked_as_it_is_set_up_is_left_out_even_where_it_is_named() -> None:
    tiers = [replace(LADDER[0], trouble="its provider's key is not set"), *LADDER[1:]]
    assert skipped(planned(tiers=tiers)) == {"t1": "its provider's key is not set"}
    assert names(planned(tiers=tiers, pinned=10)) == []
