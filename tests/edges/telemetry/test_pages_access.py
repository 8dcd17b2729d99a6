"""Who sees a page, and how a person comes in: members only, links once, passwords slowly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from pytest_django import Settings

from telemetry.access.keys import authenticate, create_key, revoke_key
from telemetry.access.login import make_login_link
from telemetry.access.projects import ensure_project
from telemetry.dashboards import account
from telemetry.dashboards.account import ATTEMPTS_A_MINUTE
from telemetry.models import ApiKey, LoginLink, Membership, Project, Quarantined
from tests.page_reading import invented_calls, person, store, visitor

PAGES = (
    "/",
    "/models/",
    "/executions/",
    "/executions/x/",
    "/sessions/",
    "/sessions/x/",
    "/anomalies/",
    "/trends/",
    "/forecasts/",
    "/skills/",
    "/routing/",
    "/live/",
    "/invoice/",
    "/connect/",
)


pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture(autouse=True)
def empty_data_folder(settings: Settings, tmp_path: Path) -> None:
    """No key lies ready."""
    settings.DATA_DIR = tmp_path


@pytest.fixture
def foreign(project: Project) -> Project:
    """A project that the person of `project` is no member of."""
    other = ensure_project(slug=f"{project.slug}-foreign")
    store(other, invented_calls(3))
    return other


class OneMinute(datetime):
    """A clock that stands still, so that no minute ends between two attempts."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> OneMinute:
        """Always the same instant."""
        return cls(2026, 11, 20, 14, 3, 7, tzinfo=tz)


def try_password(name: str) -> int:
    return Client().post("/login/", {"username": name, "password": "wrong"}).status_code


def link(project: Project) -> str:
    return f"/login/?token={make_login_link(user_id=person(project).pk, now=datetime.now(UTC))}"


@pytest.mark.parametrize("path", [*PAGES, "/arrived/"])
def test_a_page_asks_a_stranger_to_log_in(project: Project, path: str) -> None:
    response = Client().get(f"{path}?project={project.slug}")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", [*PAGES, "/arrived/", "/?format=csv&table=agents"])
def test_a_foreign_project_is_not_found_just_as_one_that_does_not_exist(
    project: Project, foreign: Project, path: str
) -> None:
    browser, mark = visitor(project), "&" if "?" in path else "?"
    answers = [browser.get(f"{path}{mark}project={slug}") for slug in (foreign.slug, "no-such")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content.replace(foreign.slug.encode(), b"no-such") == answers[1].content


@pytest.mark.parametrize("path", ["/settings/first-key/", "/demo/remove/"])
def test_nothing_is_done_to_a_foreign_project(project: Project, foreign: Project, path: str) -> None:
    assert visitor(project).post(f"{path}?project={foreign.slug}").status_code == 404
    assert Project.objects.filter(pk=foreign.pk).exists()
    assert not ApiKey.objects.filter(project=foreign).exists()


def test_the_switcher_names_only_projects_of_the_person(project: Project, foreign: Project) -> None:
    second = ensure_project(slug=f"{project.slug}-second", name="My second project")
    Membership.objects.create(user=person(project), project=second)
    html = visitor(project).get("/").content.decode()
    assert "My second project" in html
    assert foreign.slug not in html


def test_a_person_without_a_project_is_told_so(project: Project) -> None:
    browser = visitor(project)
    Membership.objects.filter(project=project).delete()
    response = browser.get("/")
    assert response.status_code == 404
    assert "You have no project yet" in response.content.decode()


def test_a_link_logs_in_once_and_leaves_no_token_in_the_address(project: Project) -> None:
    address, browser = link(project), Client()
    first = browser.get(address)
    assert (first.status_code, first.headers["Location"]) == (302, "/")
    assert browser.get("/").status_code == 200
    again = Client().get(address)
    assert again.status_code == 403
    assert "was used already" in again.content.decode()


def test_a_link_that_is_too_old_logs_nobody_in(project: Project) -> None:
    address = link(project)
    LoginLink.objects.filter(user=person(project)).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert Client().get(address).status_code == 403


def test_looking_at_a_link_does_not_use_it(project: Project) -> None:
    address, browser = link(project), Client()
    assert browser.head(address).status_code == 200
    assert browser.get(address, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 503
    assert "sessionid" not in browser.cookies
    assert browser.get(address).status_code == 302


def test_logging_in_changes_the_session(project: Project) -> None:
    browser = Client()
    browser.session.save()
    planted = browser.session.session_key
    browser.cookies["sessionid"] = str(planted)
    browser.get(link(project))
    assert browser.cookies["sessionid"].value not in ("", planted)


def test_a_person_who_is_switched_off_stays_out(project: Project) -> None:
    address = link(project)
    User.objects.filter(pk=person(project).pk).update(is_active=False)
    browser = Client()
    assert browser.get(address).status_code == 403
    assert browser.get("/").status_code == 302


def test_a_password_logs_in_and_leads_where_the_person_wanted_to_go(project: Project) -> None:
    user = person(project)
    user.set_password("a long enough secret")
    user.save()
    form = {"username": user.username, "password": "a long enough secret", "next": "/models/?range=7d"}
    response = Client().post("/login/", form)
    assert (response.status_code, response.headers["Location"]) == (302, "/models/?range=7d")


def test_passwords_are_tried_five_times_a_minute_for_a_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "datetime", OneMinute)
    name, other = person(project).username, person(project, role="viewer").username
    answers = [try_password(name) for _ in range(ATTEMPTS_A_MINUTE + 2)]
    assert answers == [200] * ATTEMPTS_A_MINUTE + [429, 429]
    assert try_password(other) == 200


def test_nobody_tries_passwords_while_the_cache_is_away(project: Project, settings: Settings) -> None:
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    response = Client().post("/login/", {"username": person(project).username, "password": "wrong"})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0


def test_logging_out_takes_a_post(project: Project) -> None:
    browser = visitor(project)
    assert browser.get("/logout/").status_code == 405
    assert browser.post("/logout/").status_code == 302
    assert browser.get("/").status_code == 302


def test_a_fragment_that_meets_the_login_makes_the_browser_go_there_whole(project: Project) -> None:
    answer = Client().get("/login/?next=/models/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/login/?next=/models/"


@pytest.mark.parametrize(
    ("theme", "back", "status", "location"),
    [
        ("dark", "/models/?range=7d", 302, "/models/?range=7d"),
        ("dark", "https://elsewhere.example/", 302, "/"),
        ("pink", "/", 400, None),
    ],
)
def test_a_theme_is_kept_in_a_cookie(
    project: Project, theme: str, back: str, status: int, location: str | None
) -> None:
    browser = visitor(project)
    response = browser.post("/settings/theme/", {"theme": theme, "next": back})
    assert response.status_code == status
    assert response.headers.get("Location") == location
    shown = theme if status == 302 else "auto"
    assert f'<html lang="en" data-theme="{shown}">' in browser.get("/").content.decode()


def test_a_project_without_calls_shows_two_ways_to_send_them(project: Project) -> None:
    html = visitor(project).get("/").content.decode()
    assert "make import" in html
    assert f"tloi import --all --project {project.slug}" in html
    assert "curl -X POST http://testserver/api/v1/calls/" in html
    assert "YOUR_KEY" in html


def test_the_first_key_is_filled_in_for_an_owner_while_it_works(project: Project, tmp_path: Path) -> None:
    plain = create_key(project, name="default", scopes=["ingest"])
    (tmp_path / "default-key").write_text(f"{plain}\n")
    assert plain in visitor(project).get("/").content.decode()
    assert plain not in visitor(project, role="viewer").get("/").content.decode()
    assert ApiKey.objects.get(project=project).last_used_at is None
    revoke_key(plain[5:13], now=datetime.now(UTC))
    assert plain not in visitor(project).get("/").content.decode()


def test_the_key_of_another_project_is_not_filled_in(project: Project, foreign: Project, tmp_path: Path) -> None:
    (tmp_path / "default-key").write_text(create_key(foreign, name="default", scopes=["ingest"]))
    assert "YOUR_KEY" in visitor(project).get("/").content.decode()


def test_an_owner_makes_a_key_that_is_shown_once_and_works(project: Project) -> None:
    browser = visitor(project)
    html = browser.post(f"/settings/first-key/?project={project.slug}").content.decode()
    plain = html.split("Bearer ")[1].split("&quot;")[0]
    holder = authenticate(plain, now=datetime.now(UTC))
    assert (holder.project_id, sorted(holder.scopes)) == (project.pk, ["ingest", "read"])
    assert plain not in browser.get("/").content.decode()


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_an_owner_makes_keys_and_removes_the_demo(project: Project, role: str) -> None:
    Project.objects.filter(pk=project.pk).update(is_demo=True)
    browser = visitor(project, role=role)
    assert browser.post(f"/settings/first-key/?project={project.slug}").status_code == 403
    assert browser.post(f"/demo/remove/?project={project.slug}").status_code == 403
    assert "Remove the demo" not in browser.get("/").content.decode()
    assert not ApiKey.objects.filter(project=project).exists()
    assert Project.objects.filter(pk=project.pk).exists()


def test_a_form_that_does_not_come_from_a_page_of_ours_does_nothing(project: Project) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person(project))
    assert browser.post(f"/settings/first-key/?project={project.slug}").status_code == 403
    assert not ApiKey.objects.filter(project=project).exists()


def test_the_start_page_is_told_when_the_first_call_arrives(project: Project) -> None:
    browser = visitor(project)
    assert browser.get("/arrived/").status_code == 204
    store(project, invented_calls(1))
    assert browser.get("/arrived/").headers["HX-Refresh"] == "true"


def test_the_demo_is_labelled_and_removed_by_one_click(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(is_demo=True)
    store(project, invented_calls(5))
    browser = visitor(project)
    assert "Demo data." in browser.get("/").content.decode()
    assert browser.post(f"/demo/remove/?project={project.slug}").headers["Location"] == "/"
    assert not Project.objects.filter(pk=project.pk).exists()


def test_a_project_that_is_no_demo_is_not_removed(project: Project) -> None:
    assert visitor(project).post(f"/demo/remove/?project={project.slug}").status_code == 400
    assert Project.objects.filter(pk=project.pk).exists()


def test_records_that_were_set_apart_are_counted_on_the_overview(project: Project) -> None:
    store(project, invented_calls(1))
    Quarantined.objects.create(
        project_id=project.pk, digest=bytes(32), reason="too old", source="t", record={}, received_at=datetime.now(UTC)
    )
    assert "1 record quarantined" in visitor(project).get("/").content.decode()
    assert "quarantined</strong>" not in visitor(project).get("/models/").content.decode()


def test_the_admin_has_no_door_of_its_own() -> None:
    answer = Client().get("/admin/login/?next=/admin/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/?next=/admin/")


def test_the_admin_looks_up_no_row_of_a_table_that_it_does_not_show(project: Project) -> None:
    """By a number that may be no key there: of a table by day it would be no date."""
    staff = visitor(project)
    User.objects.filter(pk=person(project).pk).update(is_staff=True)
    answers = {staff.get(f"/admin/r/{kind.pk}/{kind.pk}/").status_code for kind in ContentType.objects.all()}
    assert answers == {404}
