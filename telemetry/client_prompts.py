"""The agents' SDK for prompts: an agent that asks its models itself has long requests made shorter before it sends
them. One file, standard library only (docs/sdk.md).

Nothing here stops the agent: where TLOI does not answer in time, a request is sent as it is.
"""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

TOOL = "tloi_retrieve"
AWAY = "What was left out cannot be read now. Go on without it, or ask for it again later."
_LOOPBACK = re.compile(r"https?://(localhost|127(\.\d+){3}|\[::1\])(:|/|$)")
_LOG = logging.getLogger("tloi.client")


class Prompts:
    """Makes requests of conversations shorter, and fetches what was left out of them. Address and key: arguments, else
    TLOI_URL and TLOI_API_KEY; the key has the scope `gateway`. `timeout`: seconds, of each step of a request."""

    def __init__(self, url: str | None = None, api_key: str | None = None, *, timeout: float = 10.0) -> None:
        self._url = (url or os.environ.get("TLOI_URL", "")).strip().rstrip("/")
        key = (api_key or os.environ.get("TLOI_API_KEY", "")).strip()
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._timeout, self._opener = timeout, OpenerDirector()
        for handler in ProxyHandler({} if _LOOPBACK.match(self._url) else None), HTTPHandler(), HTTPSHandler():
            self._opener.add_handler(handler)

    def compress(
        self, body: dict[str, Any], *, session: str, protocol: str = "openai.chat", **wishes: Any
    ) -> dict[str, Any]:
        """The request to send in place of `body`, of OpenAI's chat or of "anthropic.messages"; `body` itself where TLOI
        does not say. Give it the whole conversation each time, its own messages or those of the last request.
        `wishes`: session_tokens, turns, result_tokens, remaining, is_due."""
        said = self._ask("compress", {"body": body, "session": session, "protocol": protocol, **wishes})
        made = said.get("body")
        return made if isinstance(made, dict) and made else body

    def retrieve(self, ref: str, *, query: str = "", lines: str = "", path: str = "") -> str:
        """What the tool `tloi_retrieve` gives a model that called it with these arguments."""
        said = self._ask("retrieve", {"ref": ref, "query": query, "lines": lines, "path": path})
        text = said.get("text")
        return text if isinstance(text, str) else AWAY

    def original(self, ref: str) -> Any:
        """All that a reference stands for: the content of a tool's result, or messages. None where it is not there, or
        TLOI does not say."""
        return self._ask("retrieve", {"ref": ref, "whole": True}).get("original")

    def _ask(self, what: str, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer's JSON object; an empty one where there is none."""
        said = None
        try:
            data = json.dumps(asked).encode()
            request = Request(f"{self._url}/api/v1/{what}/", data, self._headers)  # noqa: S310 (http or https only)
            with self._opener.open(request, timeout=self._timeout) as response:
                status, text = response.status, response.read()
            with suppress(ValueError):
                said = json.loads(text)
            if status == 200 and isinstance(said, dict):
                return said
            _LOG.warning("TLOI does not %s: HTTP %s %r", what, status, text[:300])
        except (OSError, HTTPException, ValueError, TypeError, AttributeError) as error:
            _LOG.warning("TLOI does not %s: %r", what, error)
        return {}
