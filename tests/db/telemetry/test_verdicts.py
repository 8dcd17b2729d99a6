"""What people make of anomalies: states, who gave them, and task types that a detector is to let pass."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry

from telemetry.access.projects import ensure_project
from telemetry.database import connection
from telemetry.models import AllowedWaste, Anomaly, Project
from telemetry.observer import verdicts
from telemetry.observer.verdicts import BadVerdict, Seen, UnknownAnomaly, UnknownProposal, Verdict
from tests.anomalies import AT, GONE, anomaly, state_of
from tests.ledger_reading import at_once
from tests.page_reading import person

LATER = AT + timedelta(days=1)


def judged(project: Project, *seen: Seen, state: str = "acknowledged", **said: object) -> Verdict:
    known: dict[str, object] = {"by": "ada", "now": LATER}
    return verdicts.judge(project_id=project.pk, seen=seen, state=state, **known | said)  # type: ignore[arg-type]


def seen(one: Anomaly, state: str = "") -> Seen:
    return Seen(one.execution_id, one.detector, state or one.state)


def not_waste(project: Project, *names: str, task_type: str = "refactor", now: object = LATER) -> Verdict:
    """New anomalies of a task type, called no waste one after the other; the last verdict."""
    for name in names:
        one = anomaly(project.pk, name, task_type=task_type)
        verdict = judged(project, seen(one), state="not_waste", now=now)
    return verdict


def pending(project: Project) -> list[tuple[str, str, int]]:
    found = verdicts.proposals(connection(), project_id=project.pk)
    return [(one.detector, one.task_type, one.times) for one in found]


def decide(project: Project, *, accept: bool) -> tuple[str, str]:
    one = verdicts.proposals(connection(), project_id=project.pk)[0]
    user = person(project)
    return verdicts.decide(
        project_id=project.pk, proposal_id=one.id, accept=accept, user_id=user.pk, by="ada", now=LATER
    )


def test_a_verdict_says_who_and_when_and_why(project: Project) -> None:
    one = anomaly(project.pk)
    assert judged(project, seen(one), state="not_waste", note=" a spike on purpose ") == Verdict(1, 0, 0)
    assert state_of(one) == ("not_waste", "ada", "a spike on purpose")
    assert Anomaly.objects.get(project_id=project.pk).state_at == LATER


def test_a_verdict_without_a_note_leaves_the_one_that_is_there(project: Project) -> None:
    one = anomaly(project.pk, note="seen before")
    judged(project, seen(one), state="resolved")
    assert state_of(one) == ("resolved", "ada", "seen before")
    judged(project, seen(one, "resolved"), state="resolved", note="")
    assert state_of(one) == ("resolved", "ada", "")


def test_several_are_judged_at_once(project: Project) -> None:
    ones = [anomaly(project.pk, name) for name in "abc"]
    assert judged(project, *map(seen, ones)) == Verdict(3, 0, 0)
    assert {state_of(one)[0] for one in ones} == {"acknowledged"}


def test_one_that_somebody_else_has_judged_meanwhile_stays_as_it_is(project: Project) -> None:
    mine, theirs = anomaly(project.pk, "a"), anomaly(project.pk, "b")
    judged(project, seen(theirs), state="resolved", by="bob")
    assert judged(project, seen(mine), seen(theirs)) == Verdict(1, 1, 0)
    assert (state_of(mine)[:2], state_of(theirs)[:2]) == (("acknowledged", "ada"), ("resolved", "bob"))


def test_what_is_gone_is_said_and_nothing_at_all_is_unknown(project: Project) -> None:
    one = anomaly(project.pk)
    assert judged(project, seen(one), Seen("none", "context_bloat", "new")) == Verdict(1, 0, 1)
    with pytest.raises(UnknownAnomaly):
        judged(project, Seen("none", "context_bloat", "new"))


def test_an_anomaly_of_another_project_is_unknown(project: Project) -> None:
    other = ensure_project(slug=f"{project.slug}-other")
    one = anomaly(other.pk)
    with pytest.raises(UnknownAnomaly):
        judged(project, seen(one))
    assert state_of(one)[0] == "new"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"state": "ignored"}, "is not a state"),
        ({"note": "x" * 2001}, "2,001 characters"),
        ({"note": "a\0b"}, "NUL"),
    ],
)
def test_what_cannot_be_kept_is_refused(project: Project, said: dict[str, str], why: str) -> None:
    one = anomaly(project.pk)
    with pytest.raises(BadVerdict, match=why):
        judged(project, seen(one), **said)
    assert state_of(one)[0] == "new"


def test_none_and_too_many_at_once_are_refused(project: Project) -> None:
    with pytest.raises(BadVerdict, match="at least one"):
        judged(project)
    with pytest.raises(BadVerdict, match="500 are the most"):
        judged(project, *[Seen(str(number), "context_bloat", "new") for number in range(501)])


def test_two_people_at_once_never_both_change_one_and_never_wait_in_a_ring(project: Project) -> None:
    ones = [anomaly(project.pk, f"run-{number:03d}") for number in range(60)]
    forth = [seen(one) for one in ones]

    def give(state: str, order: list[Seen]) -> Verdict:
        return judged(project, *order, state=state, by=state)

    found = at_once(*[lambda: give("acknowledged", forth), lambda: give("resolved", forth[::-1])] * 2)
    assert sum(one.changed for one in found) == len(ones)
    assert sum(one.overtaken for one in found) == 3 * len(ones)
    assert len({state_of(one)[0] for one in ones}) == 1


def test_three_times_no_waste_on_one_task_type_propose_to_let_it_pass(project: Project) -> None:
    assert not_waste(project, "a", "b").proposed == ()
    assert pending(project) == []
    assert not_waste(project, "c").proposed == (("context_bloat", "refactor"),)
    assert pending(project) == [("context_bloat", "refactor", 3)]
    assert not_waste(project, "d").proposed == ()
    assert pending(project) == [("context_bloat", "refactor", 4)]


def test_other_task_types_other_detectors_and_none_at_all_do_not_add_up(project: Project) -> None:
    not_waste(project, "a", "b")
    not_waste(project, "c", task_type="review")
    other = anomaly(project.pk, "d", "expensive_task")
    judged(project, seen(other), state="not_waste")
    not_waste(project, "e", "f", "g", task_type="")
    assert pending(project) == []
    assert not AllowedWaste.objects.filter(project=project).exists()


def test_other_states_propose_nothing(project: Project) -> None:
    for name in "abcd":
        judged(project, seen(anomaly(project.pk, name)), state="resolved")
    assert pending(project) == []


def test_a_verdict_that_is_taken_back_takes_its_proposal_away(project: Project) -> None:
    not_waste(project, "a", "b", "c")
    judged(project, Seen("a", "context_bloat", "not_waste"), state="new")
    assert pending(project) == []
    not_waste(project, "d")
    assert pending(project) == [("context_bloat", "refactor", 3)]


def test_an_accepted_proposal_is_in_force_until_it_is_ended(project: Project) -> None:
    not_waste(project, "a", "b", "c")
    assert verdicts.allowed(project_id=project.pk) == {}
    assert decide(project, accept=True) == ("context_bloat", "refactor")
    assert verdicts.allowed(project_id=project.pk) == {"context_bloat": ["refactor"]}
    assert pending(project) == []
    one = AllowedWaste.objects.get(project=project)
    assert (one.accepted_by, one.accepted_at) == ("ada", LATER)
    assert verdicts.end([one.pk], now=LATER) == 1
    assert verdicts.allowed(project_id=project.pk) == {}
    assert verdicts.end([one.pk], now=LATER) == 0


def test_what_was_dismissed_is_proposed_again_after_three_more_and_not_before(project: Project) -> None:
    not_waste(project, "a", "b", "c")
    decide(project, accept=False)
    assert verdicts.allowed(project_id=project.pk) == {}
    after = LATER + timedelta(hours=1)
    not_waste(project, "d", "e", now=after)
    assert pending(project) == []
    assert not_waste(project, "f", now=after).proposed == (("context_bloat", "refactor"),)
    assert pending(project) == [("context_bloat", "refactor", 6)]


def test_a_proposal_is_decided_once_and_its_history_says_by_whom(project: Project) -> None:
    not_waste(project, "a", "b", "c")
    one = verdicts.proposals(connection(), project_id=project.pk)[0]
    decide(project, accept=True)
    asked = {"project_id": project.pk, "proposal_id": one.id, "user_id": person(project).pk, "by": "ada", "now": LATER}
    with pytest.raises(UnknownProposal):
        verdicts.decide(**asked, accept=False)  # type: ignore[arg-type]
    entry = LogEntry.objects.get(object_id=one.id, content_type__model="allowedwaste")
    assert (entry.user_id, entry.change_message) == (person(project).pk, "Accepted on the Anomalies page.")


def test_a_proposal_of_another_project_is_unknown(project: Project) -> None:
    other = ensure_project(slug=f"{project.slug}-other")
    not_waste(other, "a", "b", "c")
    one = verdicts.proposals(connection(), project_id=other.pk)[0]
    asked = {"project_id": project.pk, "proposal_id": one.id, "user_id": person(project).pk, "by": "ada", "now": LATER}
    with pytest.raises(UnknownProposal):
        verdicts.decide(**asked, accept=True)  # type: ignore[arg-type]
    assert pending(project) == []
    assert verdicts.allowed(project_id=other.pk) == {}


def test_verdicts_at_once_propose_once(project: Project) -> None:
    ones = [anomaly(project.pk, f"run-{number}") for number in range(4)]
    found = at_once(*[partial(judged, project, seen(one), state="not_waste") for one in ones])
    assert sum(len(one.proposed) for one in found) == 1
    assert AllowedWaste.objects.filter(project=project).count() == 1


def test_a_verdict_on_what_no_longer_holds_still_counts(project: Project) -> None:
    one = anomaly(project.pk, evidence=GONE, state="not_waste", state_at=AT)
    assert judged(project, seen(one, "not_waste"), state="acknowledged") == Verdict(1, 0, 0)


def test_what_no_longer_holds_is_never_new_again(project: Project) -> None:
    one = anomaly(project.pk, evidence=GONE, state="not_waste", state_at=AT)
    assert judged(project, seen(one, "not_waste"), state="new") == Verdict(0, 1, 0)
    assert state_of(one)[0] == "not_waste"
