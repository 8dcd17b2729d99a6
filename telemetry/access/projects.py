"""Projects and what a person may see of them: every page's project comes through `visible_project`."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import transaction

from telemetry.models import Membership, Project

OWNER = "owner"


class UnknownProject(LookupError):
    """No project of that slug, or none that this person may see; the two are not told apart."""


def ensure_project(*, slug: str, name: str = "", time_zone: str = "UTC", is_demo: bool = False) -> Project:
    """The project `slug`, made where it is missing; the instance's owner becomes its owner."""
    defaults = {"name": name or slug, "time_zone": time_zone, "is_demo": is_demo}
    with transaction.atomic():
        project, created = Project.objects.get_or_create(slug=slug, defaults=defaults)
        if created:
            for owner in get_user_model().objects.filter(is_superuser=True):
                Membership.objects.get_or_create(user=owner, project=project, defaults={"role": Membership.Role.OWNER})
    return project


def project_of(slug: str) -> Project:
    """The project `slug`. Raises UnknownProject."""
    try:
        return Project.objects.get(slug=slug)
    except Project.DoesNotExist:
        raise UnknownProject(f"There is no project {slug!r}; --create-project makes one.") from None


def every_project() -> list[Project]:
    """All projects, by slug: for who may see all."""
    return list(Project.objects.order_by("slug"))


def visible_projects(user_id: int) -> list[Project]:
    """The projects that a person is a member of, by slug."""
    return list(Project.objects.filter(memberships__user_id=user_id).order_by("is_demo", "slug"))


def visible_project(user_id: int, slug: str | None) -> Membership:
    """The person's membership in `slug`, or in the first project where no slug is given. Raises UnknownProject."""
    memberships = Membership.objects.filter(user_id=user_id).select_related("project")
    chosen = memberships.filter(project__slug=slug) if slug else memberships.order_by("project__is_demo", "pk")
    membership = chosen.first()
    if membership is None:
        raise UnknownProject(f"You are not a member of a project {slug!r}." if slug else "You have no project yet.")
    return membership


def may_price(membership: Membership) -> bool:
    """Whether a member may say what models of the project cost."""
    return membership.role in (Membership.Role.OWNER, Membership.Role.EDITOR)


def may_grant(membership: Membership) -> bool:
    """Whether a member may say how much the project's agents may spend."""
    return membership.role in (Membership.Role.OWNER, Membership.Role.EDITOR)


def may_judge(membership: Membership) -> bool:
    """Whether a member may say what is waste in the project and what is not."""
    return membership.role in (Membership.Role.OWNER, Membership.Role.EDITOR)


def may_equip(membership: Membership) -> bool:
    """Whether a member may say which skills the project's tasks are matched with."""
    return membership.role in (Membership.Role.OWNER, Membership.Role.EDITOR)


def ensure_owner() -> int:
    """The id of the superuser `owner`, who logs in by link, has no password and owns every project."""
    users = get_user_model().objects
    with transaction.atomic():
        owner, created = users.get_or_create(username=OWNER, defaults={"is_staff": True, "is_superuser": True})
        if created:
            owner.set_unusable_password()
            owner.save(update_fields=["password"])
        for project in Project.objects.exclude(memberships__user=owner):
            Membership.objects.get_or_create(user=owner, project=project, defaults={"role": Membership.Role.OWNER})
    return int(owner.pk)
