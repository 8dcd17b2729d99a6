"""Skills out: what there is, one with its body, and a file of one."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skills.api import schema
from skills.contracts import Header, Skill
from skills.loader.library import BadSkill, NoSkill
from skills.roots import library
from skills.tokens import tokens_of
from telemetry.facade import KeyHolder


class NotThere(exceptions.APIException):
    """There is no such skill, or no such file of it."""

    status_code = 404
    default_code = "no_skill"


class CannotBeGiven(exceptions.APIException):
    """There is one, and it is not given out; the message says why."""

    status_code = 422
    default_code = "bad_skill"


class SkillsView(APIView):
    """All skills of the key's project, by their headers."""

    scope = "read"

    @extend_schema(responses=schema.SKILLS, operation_id="list_skills")
    def get(self, request: Request) -> Response:
        """What an agent may know of each before it loads one, and what is broken and why. No body is read."""
        listing = library(_project(request)).listing()
        skills = [_told(listed.header) | {"root": listed.root} for _, listed in sorted(listing.skills.items())]
        broken = [{"name": one.name, "root": one.root, "reason": one.reason} for one in listing.broken]
        return Response({"skills": skills, "broken": broken})


class SkillView(APIView):
    """One skill."""

    scope = "read"

    @extend_schema(responses=schema.SKILL, operation_id="load_skill")
    def get(self, request: Request, name: str) -> Response:
        """Its header, its body as it is now, how many tokens that is, and which files lie beside it."""
        try:
            found = library(_project(request))
            skill = found.get(name)
            paths = found.paths(name)
        except NoSkill as error:
            raise NotThere(str(error)) from None
        except BadSkill as error:
            raise CannotBeGiven(str(error)) from None
        return Response(_told(skill.header) | _loaded(skill) | {"files": paths})


class SkillFileView(APIView):
    """A file of a skill, which its body names."""

    scope = "read"

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}, operation_id="load_skill_file")
    def get(self, request: Request, name: str, file: str) -> HttpResponse:
        """Its bytes. It is given out as what it is, never run or rendered."""
        try:
            found = library(_project(request)).file(name, file)
        except NoSkill as error:
            raise NotThere(str(error)) from None
        except BadSkill as error:
            raise CannotBeGiven(str(error)) from None
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "X-Digest": found.digest}
        return HttpResponse(found.content, content_type="application/octet-stream", headers=headers)


def _project(request: Request) -> int:
    return cast(KeyHolder, cast(Any, request.user).holder).project_id


def _told(header: Header) -> dict[str, Any]:
    return {
        "name": header.name,
        "description": header.description,
        "tags": header.tags,
        "version": header.version,
        "license": header.license,
        "compatibility": header.compatibility,
        "allowed_tools": header.allowed_tools,
    }


def _loaded(skill: Skill) -> dict[str, Any]:
    return {"root": skill.root, "digest": skill.digest, "tokens": tokens_of(skill), "body": skill.body}
