"""Skills out: what there is, one with its body, and a file of one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from msgspec import to_builtins
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skills import loads
from skills.api import schema
from skills.contracts import Header, Skill
from skills.loader.library import BadSkill, NoSkill
from skills.loads import Loaded
from skills.registry import suggest
from skills.roots import library
from skills.tokens import tokens_of
from telemetry import facade
from telemetry.facade import KeyHolder

MOST_TASK = 10_000  # characters
_MOST_CHARACTERS = 200
_WHOSE = {
    "agent": "x-tloi-agent",
    "task_type": "x-tloi-task-type",
    "session_id": "x-tloi-session",
    "execution_id": "x-tloi-execution",
}


class NotThere(exceptions.APIException):
    """There is no such skill, or no such file of it."""

    status_code = 404
    default_code = "no_skill"


class CannotBeGiven(exceptions.APIException):
    """There is one, and it is not given out; the message says why."""

    status_code = 422
    default_code = "bad_skill"


class BadTask(exceptions.APIException):
    """There is no task, or far too much of one."""

    status_code = 400
    default_code = "bad_task"


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


class SkillMatchView(APIView):
    """The skills that a task needs."""

    scope = "read"

    @extend_schema(parameters=schema.MATCH_PARAMETERS, responses=schema.MATCHES, operation_id="match_skills")
    def get(self, request: Request) -> Response:
        """Those that fit, the best first, each with its score and why: tags that the task names or implies, words that
        both have, and how runs that had it ended. None where that would be a guess. And what was not loaded, beside
        who loads every skill."""
        task = request.query_params.get("task", "")
        if not task.strip() or len(task) > MOST_TASK:
            raise BadTask(f"Say the task by ?task=…, in {MOST_TASK:,} characters at most.")
        found = suggest(task, project_id=_project(request), now=datetime.now(UTC))
        loaded = sum(found.tokens.values())
        return Response(
            {
                "tags": found.found.tags,
                "matches": [to_builtins(one) | {"tokens": found.tokens[one.name]} for one in found.found.matches],
                "best_score": found.found.best_score,
                "not_loaded": {"skills": found.skills - len(found.tokens), "tokens": found.all_tokens - loaded},
            }
        )


class SkillView(APIView):
    """One skill."""

    scope = "read"

    @extend_schema(parameters=schema.WHOSE_PARAMETERS, responses=schema.SKILL, operation_id="load_skill")
    def get(self, request: Request, name: str) -> Response:
        """Its header, its body as it is now, how many tokens that is, and which files lie beside it."""
        try:
            found = library(_project(request))
            began = time.perf_counter_ns()
            skill = found.get(name)
            took_us = (time.perf_counter_ns() - began) // 1_000
            paths = found.paths(name)
        except NoSkill as error:
            raise NotThere(str(error)) from None
        except BadSkill as error:
            raise CannotBeGiven(str(error)) from None
        loads.note(
            Loaded(
                project_id=_project(request),
                skill=skill,
                at=datetime.now(UTC),
                took_us=took_us,
                route="api",
                **_whose(request),
            )
        )
        return Response(_told(skill.header) | _loaded(skill) | {"files": paths})


class SkillHistoryView(APIView):
    """What a skill has been."""

    scope = "read"

    @extend_schema(responses=schema.HISTORY, operation_id="skill_history")
    def get(self, request: Request, name: str) -> Response:
        """Each content of it that the project has loaded, the newest first: its digest and tokens, how often it was
        loaded, and from when to when. One that was edited or deleted since is there too."""
        contents = facade.skill_contents(project_id=_project(request), skill=name)
        return Response({"name": name, "contents": [to_builtins(content) for content in contents]})


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


def _whose(request: Request) -> dict[str, Any]:
    """Whose load it is, as far as the address says, or headers that the gateway knows too."""
    return {field: _asked(request, header) or _said(request, header) for field, header in _WHOSE.items()}


def _asked(request: Request, header: str) -> str:
    """The same by the address, which takes any letter: ?task_type=…"""
    name = header.removeprefix("x-tloi-").replace("-", "_")
    return request.query_params.get(name, "").replace("\0", "").strip()[:_MOST_CHARACTERS]


def _said(request: Request, header: str) -> str:
    """What a header says: UTF-8, cut, and without what cannot be stored."""
    raw = request.headers.get(header, "").encode("latin-1", "replace").decode("utf-8", "replace")
    return raw.replace("\0", "").strip()[:_MOST_CHARACTERS]


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
