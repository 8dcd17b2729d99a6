"""Any history of reserving, settling, dying and folding: counters are what a few lines of arithmetic say, and a
protection that is taken away is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.limits import reserving
from telemetry.limits.windows import Spent
from telemetry.statements import statement
from tests.ledger_reading import added_up, new_tenant, send
from tests.reserving import NOW, books, call, granted, spans

LIMITS = {"project::": 40_000, "agent:a:": 15_000, "agent:b:": 30_000, "session:s:s": 20_000}
TOKENS = st.integers(0, 6_000)
ANY = st.integers(0, 30)
pytestmark = pytest.mark.usefixtures("database")


@dataclass(slots=True)
class Held:
    """What the model knows of a reservation."""

    agent: str
    amount: int
    state: Literal["open", "expired", "settled"]
    actual: int = 0


class Machine(RuleBasedStateMachine):
    """Calls of two agents of one project, in one session; the model adds up what each scope must say."""

    def __init__(self) -> None:
        super().__init__()
        self.tenant, self.now = new_tenant(), NOW
        whole = (
            granted(LIMITS["project::"]),
            granted(LIMITS["session:s:s"], scope="session", subject="s", period="session"),
        )
        self.scopes = {
            name: spans(*whole, granted(LIMITS[f"agent:{name}:"], scope="agent", subject=name)) for name in "ab"
        }
        self.leases: dict[str, Held] = {}
        self.told: dict[str, int] = dict.fromkeys("ab", 0)  # by other routes, and counted

    def total(self, where: str, of: Callable[[Held], int]) -> int:
        """A sum over the leases of a scope."""
        agent = where.split(":")[1] if where.startswith("agent") else ""
        return sum(of(one) for one in self.leases.values() if agent in ("", one.agent))

    def used(self, where: str) -> int:
        """What must be used of a scope."""
        other = self.told[where.split(":")[1]] if where.startswith("agent") else sum(self.told.values())
        return other + self.total(where, lambda one: one.amount if one.state == "expired" else one.actual)

    def reserved(self, where: str) -> int:
        """What must be reserved of it."""
        return self.total(where, lambda one: one.amount if one.state == "open" else 0)

    @rule(agent=st.sampled_from("ab"), prompt=TOKENS, output=TOKENS, least=st.sampled_from((0, 1_000)))
    def reserve(self, agent: str, prompt: int, output: int, least: int) -> None:
        name, amount = f"lease {len(self.leases)}", call(prompt, output, least=least)
        until = self.now + timedelta(minutes=5)
        answer = reserving.reserve(
            connection(),
            project_id=self.tenant,
            scopes=self.scopes[agent],
            amount=amount,
            now=self.now,
            until=until,
            reservation_id=name,
        )
        rooms = [
            limit - limit // 20 - self.used(where) - self.reserved(where)
            for where, limit in LIMITS.items()
            if where in ("project::", f"agent:{agent}:", "session:s:s")
        ]
        most = min(output, min(rooms) - prompt)
        assert answer.is_granted == (most >= min(least, output) and min(rooms) >= prompt)
        if answer.is_granted:
            assert answer.output == most
            self.leases[name] = Held(agent, prompt + answer.output, "open")

    @rule(which=ANY, share=st.integers(0, 100))
    def settle(self, which: int, share: int) -> None:
        """Once, twice, or after it expired; what is recorded is in the ledger before."""
        name = f"lease {which % (len(self.leases) + 1)}"  # one in so many there never was
        held = self.leases.get(name)
        actual = held.amount * share // 100 if held else 1
        if held is not None and held.state != "settled" and actual:
            send(self.tenant, [recorded(name, held.agent, actual)])
        told = [Spent(name, weighted=actual, gross=actual)]
        ended = reserving.settle(connection(), project_id=self.tenant, spent=told, is_recorded=True, now=self.now)
        assert bool(ended) == (held is not None and held.state != "settled")
        if held is not None and held.state != "settled":
            held.state, held.actual = "settled", actual

    @rule(minutes=st.integers(0, 4))
    def expire(self, minutes: int) -> None:
        """Some minutes pass, and five of them end what is open."""
        self.now += timedelta(minutes=5 * (minutes == 4))
        late = self.now + timedelta(seconds=1)
        ended = reserving.expire_leases(connection(), project_id=self.tenant, now=late if minutes == 4 else self.now)
        for name in ended:
            assert self.leases[name].state == "open"
            self.leases[name].state = "expired"

    @rule(agent=st.sampled_from("ab"), tokens=st.integers(1, 3_000))
    def record(self, agent: str, tokens: int) -> None:
        """A call comes by another route, and is counted."""
        send(self.tenant, [recorded(f"other {sum(self.told.values())}", agent, tokens)])
        self.told[agent] += tokens
        self.count(is_folded=True)

    @rule(is_folded=st.booleans())
    def count(self, is_folded: bool) -> None:
        """The ledger is looked at, before or after it was added up; what it has is forgotten."""
        if is_folded:
            added_up(self.tenant)
        for scopes in self.scopes.values():
            reserving.count(connection(), project_id=self.tenant, scopes=scopes, now=self.now)
        reserving.forget_leases(connection(), project_id=self.tenant, now=self.now)

    @invariant()
    def the_counters_are_the_model_s(self) -> None:
        found = books(connection(), self.tenant)
        assert found.leaked == 0
        for where, (used, held, _) in found.windows.items():
            assert (where, used, held) == (where, self.used(where), self.reserved(where))


def recorded(name: str, agent: str, tokens: int) -> Call:
    """A call as the ledger gets it."""
    return Call(id=name, started_at=NOW, model="m", agent=agent, session_id="s", input_uncached=tokens)


def run(examples: int, steps: int, **changes: Any) -> None:
    """Histories made from fixed seeds, so that two runs are the same."""
    profile: dict[str, Any] = {"max_examples": examples, "stateful_step_count": steps, "derandomize": True}
    profile |= {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck), **changes}
    run_state_machine_as_test(Machine, settings=settings(**profile))


def test_counters_are_right_after_any_history() -> None:
    run(4, 15)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_counters_are_right_after_long_histories() -> None:
    run(60, 40)


@pytest.mark.parametrize(
    ("name", "guard", "mutant"),
    [
        ("settle_leases", "state <> 'settled'", "true"),
        pytest.param("take_room", "is_whole AND output >= ", "is_whole AND 1 + output >= ", marks=pytest.mark.slow),
        pytest.param("count_windows", "ledger.amount + waiting.amount", "ledger.amount", marks=pytest.mark.slow),
        pytest.param("expire_leases", "- change.amount", "", marks=pytest.mark.slow),
    ],
)
def test_a_protection_that_is_taken_away_is_noticed(
    name: str, guard: str, mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = statement

    def mutated(package: str, wanted: str) -> str:
        text = told(package, wanted)
        if wanted == name:
            assert guard in text
            return text.replace(guard, mutant)
        return text

    monkeypatch.setattr(reserving, "statement", mutated)
    with pytest.raises((AssertionError, psycopg.Error, ExceptionGroup)):
        run(60, 30, phases=[Phase.generate])
