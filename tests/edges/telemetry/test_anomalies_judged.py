"""People judge anomalies on the page: who may, what is refused, and what becomes of a proposal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from telemetry.access.projects import ensure_project
from telemetry.models import AllowedWaste, Anomaly, Project
from telemetry.observer import verdicts
from tests.anomalies import AT, anomaly, state_of
from tests.page_reading import invented_calls, person, store, visitor

DAY = "from=2025-11-06&to=2025-11-06"
pytestmark = pytest.mark.usefixtures("static_files")


def key(one: Anomaly, state: str = "new") -> str:
    return json.dumps([one.detector, one.execution_id, state])


def judge(browser: Client, project: Project, *ones: Anomaly, state: str = "acknowledged", **fields: Any) -> Any:
    sent = {"anomaly": [key(one) for one in ones], "state": state, **fields}
    return browser.post(f"/anomalies/judge/?project={project.slug}&{DAY}", sent)


def proposed(project: Project, task_type: str = "nightly index") -> AllowedWaste:
    """A proposal, made as people make one."""
    for name in "abc":
        one = anomaly(project.pk, name, task_type=task_type)
        seen = verdicts.Seen(one.execution_id, one.detector, "new")
        verdicts.judge(project_id=project.pk, seen=[seen], state="not_waste", by="ada", now=AT)
    return AllowedWaste.objects.get(project=project)


def decide(browser: Client, project: Project, proposal: object, decision: str = "accept") -> Any:
    return browser.post(f"/anomalies/decide/?project={project.slug}", {"proposal": proposal, "decision": decision})


@pytest.mark.parametrize("role", ["owner", "editor"])
def test_owners_and_editors_judge_and_come_back_to_the_page_as_it_was(project: Project, role: str) -> None:
    one = anomaly(project.pk, "odd/run?\r\n%2F ünï")
    store(project, invented_calls(1, first=AT))
    browser = visitor(project, role=role)
    answer = judge(browser, project, one, state="not_waste", note="meant to")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/anomalies/?project={project.slug}&{DAY}#panel-anomalies"
    assert state_of(one) == ("not_waste", person(project, role=role).username, "meant to")
    page = browser.get(answer.headers["Location"]).content.decode()
    assert "1 anomaly marked as not waste." in page
    assert "<q>meant to</q>" in page


def test_a_viewer_sees_and_does_not_judge(project: Project) -> None:
    one = anomaly(project.pk)
    store(project, invented_calls(1, first=AT))
    proposal = proposed(project)
    browser = visitor(project, role="viewer")
    page = browser.get(f"/anomalies/?{DAY}").content.decode()
    assert "30.8:1" in page
    assert "An owner or editor decides." in page
    assert "/anomalies/judge/" not in page
    assert judge(browser, project, one).status_code == 403
    assert decide(browser, project, proposal.pk).status_code == 403
    assert state_of(one)[0] == "new"
    assert AllowedWaste.objects.get(pk=proposal.pk).accepted_at is None


def test_several_are_judged_at_once_and_those_that_changed_meanwhile_are_told_apart(project: Project) -> None:
    ones = [anomaly(project.pk, name) for name in "abc"]
    browser = visitor(project)
    judge(browser, project, ones[0], state="resolved")
    answer = judge(browser, project, *ones)
    assert [state_of(one)[0] for one in ones] == ["resolved", "acknowledged", "acknowledged"]
    store(project, invented_calls(1, first=AT))
    page = browser.get(answer.headers["Location"]).content.decode()
    assert "2 anomalies marked as acknowledged. 1 anomaly left alone: somebody else judged meanwhile." in page


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        ({"state": "beautiful"}, 400, "is not a state"),
        ({"state": ""}, 400, "is not a state"),
        ({"anomaly": []}, 400, "Choose at least one"),
        ({"anomaly": "context_bloat run"}, 400, "no anomaly of a list"),
        ({"anomaly": '["context_bloat", 1, "new"]'}, 400, "no anomaly of a list"),
        ({"anomaly": '["context_bloat", "\\ud800", "new"]'}, 400, "no anomaly of a list"),
        ({"anomaly": '["context_bloat", "\\u0000", "new"]'}, 400, "NUL"),
        ({"anomaly": "[" * 100_000}, 400, "no anomaly of a list"),
        ({"anomaly": '["context_bloat", "none", "new"]'}, 404, "no such anomaly"),
        ({"note": "x" * 2001}, 400, "2,000 are the most"),
    ],
)
def test_what_is_sent_wrongly_is_answered_by_one_sentence(
    project: Project, sent: dict[str, Any], status: int, says: str
) -> None:
    one = anomaly(project.pk, "run")
    answer = visitor(project).post("/anomalies/judge/", {"anomaly": key(one), "state": "resolved", **sent})
    assert answer.status_code == status
    assert says in answer.content.decode()
    assert state_of(one)[0] == "new"


def test_an_anomaly_of_another_project_is_not_found(project: Project) -> None:
    other = ensure_project(slug=f"{project.slug}-other")
    one = anomaly(other.pk)
    browser = visitor(project)
    assert judge(browser, project, one).status_code == 404
    assert judge(browser, other, one).status_code == 404
    assert decide(browser, project, proposed(other, "theirs").pk).status_code == 404
    assert state_of(one)[0] == "new"
    assert verdicts.allowed(project_id=other.pk) == {}


def test_a_form_that_does_not_come_from_a_page_of_ours_does_nothing(project: Project) -> None:
    one, browser = anomaly(project.pk), Client(enforce_csrf_checks=True)
    browser.force_login(person(project))
    assert judge(browser, project, one).status_code == 403
    assert decide(browser, project, proposed(project).pk).status_code == 403
    assert state_of(one)[0] == "new"


@pytest.mark.parametrize("address", ["/anomalies/judge/", "/anomalies/decide/"])
def test_looking_at_an_address_judges_nothing(project: Project, address: str) -> None:
    assert visitor(project).get(address).status_code == 405


def test_a_proposal_is_shown_and_accepted_by_one_click(project: Project) -> None:
    proposal = proposed(project, "<b>nightly</b>")
    store(project, invented_calls(1, first=AT))
    browser = visitor(project)
    page = browser.get(f"/anomalies/?{DAY}").content.decode()
    assert "&lt;b&gt;nightly&lt;/b&gt;</bdi></strong> was judged not waste 3 times" in page
    answer = decide(browser, project, proposal.pk)
    assert verdicts.allowed(project_id=project.pk) == {"context_bloat": ["<b>nightly</b>"]}
    page = browser.get(answer.headers["Location"]).content.decode()
    assert "Context bloat lets \N{FIRST STRONG ISOLATE}&lt;b&gt;nightly" in page
    assert "was judged not waste 3 times" not in page
    assert decide(browser, project, proposal.pk).status_code == 404


def test_a_proposal_that_is_dismissed_lets_nothing_pass(project: Project) -> None:
    browser, proposal = visitor(project), proposed(project)
    assert decide(browser, project, proposal.pk, "dismiss").status_code == 302
    assert verdicts.allowed(project_id=project.pk) == {}
    assert AllowedWaste.objects.get(pk=proposal.pk).dismissed_at is not None


@pytest.mark.parametrize(
    ("proposal", "decision", "status"),
    [
        ("1", "perhaps", 400),
        ("x", "accept", 404),
        ("", "dismiss", 404),
        ("9" * 30, "accept", 404),
        ("²", "accept", 404),
    ],
)
def test_a_decision_that_means_nothing_is_refused(project: Project, proposal: str, decision: str, status: int) -> None:
    assert decide(visitor(project), project, proposal, decision).status_code == status


def test_the_third_verdict_says_that_it_made_a_proposal(project: Project) -> None:
    ones = [anomaly(project.pk, name, task_type="nightly") for name in "abc"]
    store(project, invented_calls(1, first=AT))
    browser = visitor(project)
    answer = judge(browser, project, *ones, state="not_waste")
    assert "may let \N{FIRST STRONG ISOLATE}nightly" in browser.get(answer.headers["Location"]).content.decode()


def test_allowances_are_ended_and_written_down_in_the_admin(project: Project) -> None:
    admin = User.objects.create_superuser(username=f"admin-of-{project.slug}")
    browser = Client()
    browser.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    added = {"project": project.pk, "detector": "duplicate_work", "task_type": "poll", "note": ""}
    assert browser.post("/admin/telemetry/allowedwaste/add/", added).status_code == 302
    assert verdicts.allowed(project_id=project.pk) == {"duplicate_work": ["poll"]}
    one = AllowedWaste.objects.get(project=project)
    assert one.accepted_by == admin.username
    chosen = {"action": "end", "_selected_action": one.pk}
    assert browser.post("/admin/telemetry/allowedwaste/", chosen).status_code == 302
    assert verdicts.allowed(project_id=project.pk) == {}
    browser.post("/admin/telemetry/allowedwaste/", chosen | {"action": "accept"})
    assert verdicts.allowed(project_id=project.pk) == {"duplicate_work": ["poll"]}
