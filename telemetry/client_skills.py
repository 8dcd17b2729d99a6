"""The agents' SDK for skills: which ones a task needs, and one when it is needed. One file, standard library only
(docs/sdk.md).

Nothing here stops the agent: where TLOI does not answer in time it gets what it got before, or nothing.
"""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

_LOOPBACK = re.compile(r"https?://(localhost|127(\.\d+){3}|\[::1\])(:|/|$)")
_LOG = logging.getLogger("tloi.client")


@dataclass(frozen=True)
class Skill:
    """A skill as it was when it was loaded: `body` is for the prompt, `digest` says which content it is, `files` lie
    beside it."""

    name: str
    description: str
    body: str
    digest: str
    tokens: int
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Skills:
    """Loads skills for one agent. Address and key: arguments, else TLOI_URL and TLOI_API_KEY; the key has the scope
    `read`. `timeout`: seconds, of each step of a request. One for the whole process; any thread may ask."""

    def __init__(
        self, url: str | None = None, api_key: str | None = None, *, agent: str = "", timeout: float = 5.0
    ) -> None:
        self._url = (url or os.environ.get("TLOI_URL", "")).strip().rstrip("/")
        key = (api_key or os.environ.get("TLOI_API_KEY", "")).strip()
        self._headers = {"Authorization": f"Bearer {key}"}
        self._agent, self._timeout, self._opener = agent, timeout, OpenerDirector()
        for handler in ProxyHandler({} if _LOOPBACK.match(self._url) else None), HTTPHandler(), HTTPSHandler():
            self._opener.add_handler(handler)
        self._known: dict[str, Skill] = {}

    def get(self, name: str, *, session_id: str = "", execution_id: str = "", task_type: str = "") -> Skill | None:
        """A skill by its name, as it is now; as it was last where TLOI does not answer; None where there is none. The
        load is kept with whose it was."""
        whose = {"agent": self._agent, "session": session_id, "execution": execution_id, "task_type": task_type}
        said = urlencode({what: value for what, value in whose.items() if value})
        status, data = self._ask(f"{quote(name, safe='')}/?{said}")
        if status in (404, 422):
            self._known.pop(name, None)
            return None
        told = _object(data) if status == 200 else {}
        with suppress(KeyError, TypeError):
            self._known[name] = Skill(
                name=told["name"],
                description=told["description"],
                body=told["body"],
                digest=told["digest"],
                tokens=told["tokens"],
                tags=tuple(told["tags"]),
                files=tuple(told["files"]),
            )
        return self._known.get(name)

    def match(self, task: str) -> list[str]:
        """The names of the skills that a task needs, the best first; none where that would be a guess, or where TLOI
        does not answer."""
        status, data = self._ask("match/?" + urlencode({"task": task[:10_000]}))
        found = _object(data).get("matches") if status == 200 else None
        return [one["name"] for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def file(self, name: str, path: str) -> bytes | None:
        """A file that lies beside a skill, as one of its `files` says; None where it is not there, or TLOI does not
        answer."""
        status, data = self._ask(f"{quote(name, safe='')}/files/{quote(path)}")
        return data if status == 200 else None

    def _ask(self, what: str) -> tuple[int, bytes]:
        """The answer's status and body; 0 where there is none."""
        try:
            request = Request(f"{self._url}/api/v1/skills/{what}", headers=self._headers)  # noqa: S310 (http or https only)
            with self._opener.open(request, timeout=self._timeout) as response:
                status, data = response.status, response.read()
        except (OSError, HTTPException, ValueError, TypeError, AttributeError) as error:
            _LOG.warning("TLOI does not give skills: %r", error)
            return 0, b""
        if status not in (200, 404):
            _LOG.warning("TLOI does not give %s: HTTP %s %r", what[:100], status, data[:300])
        return status, data


def _object(data: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        said = json.loads(data)
        if isinstance(said, dict):
            return said
    return {}
