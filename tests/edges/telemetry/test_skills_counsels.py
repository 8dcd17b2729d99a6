"""What the concierge found, on the page Skills: its evidence, and what owners and editors make of it."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from skills import registry
from skills.concierge.night import KIND
from skills.models import Advice, RetiredSkill
from telemetry.access.projects import ensure_project
from telemetry.models import Job, Project
from tests.counsels import AT, counsel_of, double_of, idle_of
from tests.page_reading import visitor

HOSTILE = "<script>alert(1)</script>"
DAYS = "from=2025-10-24&to=2025-10-27&tz=UTC"
pytestmark = pytest.mark.usefixtures("static_files")


def page(browser: Client) -> str:
    answer = browser.get(f"/skills/?{DAYS}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def decide(
    browser: Client, project: Project, decision: str, *, counsel: object = "", skill: str = ""
) -> tuple[int, str]:
    """Press a button; the status, and the page that follows."""
    sent = {"counsel": f"{counsel}", "decision": decision, "skill": skill}
    answer = browser.post(f"/skills/decide/?project={project.slug}&{DAYS}", sent, follow=True)
    return answer.status_code, unescape(answer.content.decode())


def matched(project: Project) -> list[str]:
    found = registry.suggest("diagnose the network: ping, dns and packet loss", project_id=project.pk, now=AT).found
    return [one.name for one in found.matches]


def test_before_its_first_night_and_after_one_without_findings_the_page_says_so(project: Project) -> None:
    browser = visitor(project)
    assert "The concierge has not looked yet" in page(browser)
    Job.objects.create(
        project=project,
        kind=KIND,
        period="2025-10-24",
        first_day=AT.date(),
        last_day=AT.date(),
        state="done",
        not_before_at=AT,
        created_at=AT,
    )
    assert "Nothing to decide: after 24 Oct 2025 no kind of task was found" in page(browser)


def test_each_proposal_shows_its_evidence_and_what_is_at_stake(project: Project) -> None:
    counsel_of(project.pk, "lantern", terms=("lantern", HOSTILE), examples=(f"polish {HOSTILE}",))
    idle_of(project.pk, "aria-network")
    double_of(project.pk, "herons", "storks")
    browser = visitor(project)
    said = page(browser)
    for words in (
        "40 tasks on 10 days; no skill fits 38 of the 40 that were looked at; the nearest were aria-health 0.12.",
        "75 % of 40 runs failed; of others by the same agents 10 % did.",
        "tokens, $52.00, of runs that a skill might have spared",
        "polish script alert(1) /script",
        "It was once loaded in 84 days, last on 2025-08-02: with 95 % certainty it is loaded less than 19 times",
        "Of 900 tasks that were looked at it fits 3 best.",
        "81 % alike, and 12 runs on 4 days loaded both.",
        "Retire herons",
        "Retire storks",
    ):
        assert words in said
    assert HOSTILE.encode() not in browser.get(f"/skills/?{DAYS}").content
    assert "disable-model-invocation" not in said
    assert "lantern" not in page(visitor(ensure_project(slug=f"{project.slug}-2")))


def test_an_accepted_gap_shows_its_draft_to_copy(project: Project) -> None:
    row, browser = counsel_of(project.pk, "lantern"), visitor(project, role="editor")
    status, said = decide(browser, project, "accept", counsel=row.pk)
    assert (status, "Accepted: the draft below is yours" in said) == (200, True)
    assert "name: lantern-polish\n" in said
    assert 'data-copies="draft-' in said
    row.refresh_from_db()
    assert (row.state, row.decided_weight, bool(row.decided_by)) == ("accepted", 40, True)
    assert decide(browser, project, "dismiss", counsel=row.pk)[0] == 404


def test_what_is_dismissed_is_gone_from_the_page(project: Project) -> None:
    row, browser = counsel_of(project.pk, "lantern"), visitor(project)
    status, said = decide(browser, project, "dismiss", counsel=row.pk)
    assert (status, "Dismissed: it comes back only" in said, "polish the lantern" in said) == (200, True, False)
    assert Advice.objects.get(pk=row.pk).state == "dismissed"


def test_a_skill_is_retired_and_offered_again_by_buttons(project: Project) -> None:
    row, browser = idle_of(project.pk, "aria-network"), visitor(project)
    assert matched(project) == ["aria-network"]
    status, said = decide(browser, project, "retire", counsel=row.pk, skill="aria-network")
    assert (status, "is retired" in said, "Offer again" in said) == (200, True, True)
    assert matched(project) == []
    assert decide(browser, project, "offer", skill="aria-network")[0] == 200
    assert matched(project) == ["aria-network"]
    assert decide(browser, project, "offer", skill="aria-network")[0] == 404


def test_viewers_see_and_do_not_decide(project: Project) -> None:
    row, browser = idle_of(project.pk, "aria-network"), visitor(project, role="viewer")
    said = page(browser)
    assert ("An owner or editor decides." in said, 'name="decision"' in said) == (True, False)
    assert decide(browser, project, "retire", counsel=row.pk, skill="aria-network")[0] == 403
    assert not RetiredSkill.objects.filter(project_id=project.pk).exists()


@pytest.mark.parametrize("counsel", ["", "x", "9" * 40, "0", "-1"])
def test_what_is_no_proposal_is_not_found(project: Project, counsel: str) -> None:
    assert decide(visitor(project), project, "dismiss", counsel=counsel)[0] == 404


def test_what_cannot_be_decided_so_is_refused_in_a_sentence(project: Project) -> None:
    row = counsel_of(project.pk, "lantern")
    status, said = decide(visitor(project), project, "retire", counsel=row.pk, skill="aria-network")
    assert (status, "A gap is accepted or dismissed" in said) == (400, True)


def test_a_decision_needs_the_forms_own_token_and_is_never_a_link(project: Project) -> None:
    row, browser = idle_of(project.pk, "aria-network"), visitor(project)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    sent = {"counsel": row.pk, "decision": "retire", "skill": "aria-network"}
    assert strict.post(f"/skills/decide/?project={project.slug}", sent).status_code == 403
    assert browser.get(f"/skills/decide/?project={project.slug}").status_code == 405
    assert not RetiredSkill.objects.filter(project_id=project.pk).exists()
