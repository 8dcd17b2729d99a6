"""On which tier a task is, and that an outage does not move it."""

from __future__ import annotations

from routing.contracts import Caller, Plan, Provider, Step, Tier
from routing.gateway.affinity import Affinity

CALLER = Caller(project_id=1, key_id=1, session="s")
PROVIDER = Provider(id=1, name="p", family="openai", base_url="http://127.0.0.1:1")
LOW, HIGH = (
    Tier(id=number, position=number, name=f"t{number}", provider=PROVIDER, model="m", context_window=1_000)
    for number in (1, 2)
)


def plan(*tiers: Tier, is_makeshift: bool = False) -> Plan:
    return Plan(steps=tuple(Step(tier, "why") for tier in tiers), is_makeshift=is_makeshift)


def test_a_task_stays_where_it_was_answered() -> None:
    affinity = Affinity()
    affinity.note(CALLER, LOW, plan(LOW, HIGH), has_climbed=False)
    assert affinity.of(CALLER) == LOW.id


def test_a_task_is_not_where_only_an_outage_has_sent_it() -> None:
    affinity = Affinity()
    affinity.note(CALLER, HIGH, plan(LOW, HIGH), has_climbed=False)
    affinity.note(CALLER, HIGH, plan(HIGH, is_makeshift=True), has_climbed=False)
    assert affinity.of(CALLER) is None


def test_a_task_that_has_climbed_stays_above_in_an_outage_too() -> None:
    affinity = Affinity()
    affinity.note(CALLER, HIGH, plan(LOW, HIGH, is_makeshift=True), has_climbed=True)
    assert affinity.of(CALLER) == HIGH.id
