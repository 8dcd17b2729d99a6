"""Keys, one-time links and memberships: what is stored of them, and that each is used as often as it may be."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from telemetry.access.keys import BadKey, BadScope, authenticate, create_key, revoke_key
from telemetry.access.login import VALID_FOR, BadLoginLink, make_login_link, use_login_link
from telemetry.access.projects import (
    UnknownProject,
    ensure_owner,
    ensure_project,
    project_of,
    visible_project,
    visible_projects,
)
from telemetry.access.ratelimit import Limiter, TooManyRequests
from telemetry.models import ApiKey, LoginLink, Membership, Project
from tests.page_reading import person

NOW = datetime(2026, 11, 20, 14, 3, 7, tzinfo=UTC)


def in_threads(count: int, action: Callable[[], object]) -> list[object]:
    """What `count` threads get that do the same at once, each on a connection of its own."""

    def once(_: int) -> object:
        try:
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(once, range(count)))


def test_a_key_has_a_prefix_and_a_secret_of_256_bits(project: Project) -> None:
    made = [create_key(project, name="k", scopes=["read"]) for _ in range(20)]
    assert all(re.fullmatch(r"tloi_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", key) for key in made)
    assert len({key[5:13] for key in made}) == len({key[14:] for key in made}) == 20


def test_of_a_key_its_prefix_and_digest_are_kept_and_nothing_else(project: Project) -> None:
    key = create_key(project, name="k", scopes=["read", "ingest", "read"])
    kept = ApiKey.objects.get(prefix=key[5:13])
    assert bytes(kept.digest) == hashlib.sha256(key.encode()).digest()
    assert kept.scopes == ["ingest", "read"]
    fields = [str(getattr(kept, field.attname)) for field in ApiKey._meta.fields]
    assert not any(key[14:] in text for text in fields)
    assert key[14:] not in str(kept)


@pytest.mark.parametrize("scopes", [[], ["write"], ["read", "root"]])
def test_a_key_without_a_known_scope_is_not_made(project: Project, scopes: list[str]) -> None:
    with pytest.raises(BadScope, match="ingest, read, gateway, admin"):
        create_key(project, name="k", scopes=scopes)
    assert not ApiKey.objects.filter(project=project).exists()


def test_a_key_speaks_for_its_project_without_a_question_of_django(project: Project) -> None:
    key = create_key(project, name="k", scopes=["read"])
    authenticate(key, now=NOW)
    with CaptureQueriesContext(connection) as asked:
        holder = authenticate(key, now=NOW + timedelta(seconds=59))
    assert (holder.project_id, holder.project_slug, holder.scopes) == (project.pk, project.slug, frozenset({"read"}))
    assert len(asked) == 0  # the one question is telemetry/access/sql/key_of_prefix.sql


def test_use_is_noted_once_a_minute(project: Project) -> None:
    key = create_key(project, name="k", scopes=["read"])
    for seconds, noted in ((0, 0), (59, 0), (61, 61)):
        authenticate(key, now=NOW + timedelta(seconds=seconds))
        assert ApiKey.objects.get(prefix=key[5:13]).last_used_at == NOW + timedelta(seconds=noted)


def test_a_key_ends_when_it_expires_or_is_revoked(project: Project) -> None:
    key = create_key(project, name="k", scopes=["read"], expires_at=NOW)
    authenticate(key, now=NOW - timedelta(microseconds=1))
    with pytest.raises(BadKey, match="expired"):
        authenticate(key, now=NOW)
    assert in_threads(5, lambda: revoke_key(key[5:13], now=NOW - timedelta(days=1))).count(True) == 1
    with pytest.raises(BadKey, match="revoked"):
        authenticate(key, now=NOW - timedelta(hours=1))
    assert ApiKey.objects.get(prefix=key[5:13]).revoked_at == NOW - timedelta(days=1)


def test_an_unknown_prefix_and_a_wrong_secret_are_told_alike(project: Project) -> None:
    key = create_key(project, name="k", scopes=["read"])
    texts = set()
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), "tloi_00000000_" + key[14:]):
        with pytest.raises(BadKey) as refused:
            authenticate(wrong, now=NOW)
        texts.add(str(refused.value))
    assert len(texts) == 1


def test_of_twenty_who_use_a_link_at_once_one_comes_in(project: Project) -> None:
    user = person(project)
    token = make_login_link(user_id=user.pk, now=NOW)

    def use() -> object:
        try:
            return use_login_link(token, now=NOW)
        except BadLoginLink:
            return None

    used = in_threads(20, use)
    assert (used.count(user.pk), used.count(None)) == (1, 19)


def test_a_link_is_kept_as_a_digest_and_works_for_fifteen_minutes(project: Project) -> None:
    user = person(project)
    tokens = [make_login_link(user_id=user.pk, now=NOW) for _ in range(2)]
    kept = {bytes(link.digest) for link in LoginLink.objects.filter(user=user)}
    assert kept == {hashlib.sha256(token.encode()).digest() for token in tokens}
    assert use_login_link(tokens[0], now=NOW + VALID_FOR - timedelta(seconds=1)) == user.pk
    with pytest.raises(BadLoginLink):
        use_login_link(tokens[1], now=NOW + VALID_FOR)


def test_old_links_are_swept_when_a_new_one_is_made(project: Project) -> None:
    user = person(project)
    old = make_login_link(user_id=user.pk, now=NOW)
    make_login_link(user_id=user.pk, now=NOW + VALID_FOR + timedelta(hours=23))
    assert LoginLink.objects.filter(user=user).count() == 2
    make_login_link(user_id=user.pk, now=NOW + VALID_FOR + timedelta(hours=25))
    assert LoginLink.objects.filter(user=user).count() == 2
    with pytest.raises(BadLoginLink):
        use_login_link(old, now=NOW)


@contextmanager
def a_new_instance() -> Iterator[None]:
    """Without an owner yet, as far as the others can tell: what is made inside is given another name after."""
    users = get_user_model().objects
    users.filter(username="owner").update(username="owner-before")
    try:
        yield
    finally:
        users.filter(username="owner").delete()
        users.filter(username="owner-before").update(username="owner")


def test_the_owner_is_made_once_without_a_password_and_owns_every_project(project: Project) -> None:
    with a_new_instance():
        made = set(in_threads(5, ensure_owner))
        assert len(made) == 1
        owner = get_user_model().objects.get(username="owner")
        assert (owner.is_superuser, owner.is_staff, owner.has_usable_password()) == (True, True, False)
        later = ensure_project(slug=f"{project.slug}-later")
        assert ensure_owner() == owner.pk
        roles = Membership.objects.filter(user=owner, project__in=[project, later]).values_list("role", flat=True)
        assert list(roles) == ["owner", "owner"]


def test_a_project_is_made_once(project: Project) -> None:
    slug = f"{project.slug}-once"
    made = in_threads(5, lambda: ensure_project(slug=slug, name="Once", time_zone="Asia/Kolkata").pk)
    assert len(set(made)) == 1
    again = ensure_project(slug=slug, name="Other", time_zone="UTC")
    assert (again.name, again.time_zone) == ("Once", "Asia/Kolkata")
    assert project_of(slug) == again
    with pytest.raises(UnknownProject, match="--create-project"):
        project_of("no-such-project")


def test_a_person_sees_projects_by_membership_only(project: Project) -> None:
    user = person(project, role="viewer")
    foreign = ensure_project(slug=f"{project.slug}-foreign")
    demo = ensure_project(slug=f"{project.slug}-demo", is_demo=True)
    Membership.objects.create(user=user, project=demo)
    assert visible_projects(user.pk) == [project, demo]
    assert visible_project(user.pk, None).project == project
    assert (visible_project(user.pk, demo.slug).project, visible_project(user.pk, demo.slug).role) == (demo, "viewer")
    for slug in (foreign.slug, "no-such-project"):
        with pytest.raises(UnknownProject, match=f"You are not a member of a project '{slug}'"):
            visible_project(user.pk, slug)


def test_a_person_without_a_project_is_told_so(project: Project) -> None:
    user = person(project)
    Membership.objects.filter(user=user).delete()
    with pytest.raises(UnknownProject, match="no project yet"):
        visible_project(user.pk, None)


def test_a_new_minute_begins_a_new_count() -> None:
    limiter = Limiter(settings.CACHE_URL)
    name = f"minute:{datetime.now(UTC).timestamp()}"
    limiter.admit(name, limit=1, now=NOW)
    with pytest.raises(TooManyRequests):
        limiter.admit(name, limit=1, now=NOW + timedelta(seconds=52))
    limiter.admit(name, limit=1, now=NOW + timedelta(seconds=53))
