"""Posts what local files hold to a server elsewhere: in batches, with patience, and each to the end before the next.

Standard library and msgspec only, so that a machine with agents needs no server of its own.
"""

from __future__ import annotations

import email.utils
import gzip
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from telemetry.contracts import Call, Execution, Receipt, Rejection

MAX_ITEMS = 10_000
MAX_BYTES = 10 * 10**6
TIMEOUT_S = 60.0
BUSY_S = 120.0  # how long a busy server is asked again: a rate limit passes within a minute
AWAY_S = 5.0  # and one that does not answer at all, which may be a slip of the pen
_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_BUSY = frozenset({408, 425, 429})
_receipt = msgspec.json.Decoder(Receipt)


class Refused(RuntimeError):
    """The server will not take this, now or later: a wrong address or key, say. The text is for a person."""


class Away(RuntimeError):
    """The server cannot be reached, or has no time; later it may. The text is for a person."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key is shown to nobody but the server that was named, and a POST that is redirected loses its body."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to send, and who asks. `sleep` and `clock` (seconds) are the edges'."""

    url: str
    key: str
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(f"{self.url!r} is no address of a server; give one like https://tloi.example.org.")
        if not self.key or not self.key.isascii() or not self.key.isprintable():
            raise Refused("This takes an API key: --key KEY, or TLOI_API_KEY; to send, one that may `ingest`.")

    def send(self, records: Sequence[Call | Execution], *, kind: str, source: str) -> Receipt:
        """Post `records` to `/api/v1/<kind>/`; what became of them all. Returns when everything is stored or refused
        for good. Raises Refused, Away."""
        total = Receipt()
        for place, batch in batches(records):
            total = _sum(total, self._send_batch(batch, kind=kind, source=source), offset=place)
        return total

    def ask(self, path: str, body: Any = None) -> Any:
        """What `/api/v1/<path>/` answers, to a POST where there is a body. Raises Refused, Away."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        request = urllib.request.Request(f"{self.url.rstrip('/')}/api/v1/{path}/", data, headers)  # noqa: S310 (checked)
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
                return msgspec.json.decode(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                said = f"{error.code} {http.client.responses.get(error.code, '')}".strip() + _detail(error.read())
            raise (Away if error.code >= 500 or error.code in _BUSY else Refused)(f"{self.url} says: {said}") from None
        except msgspec.MsgspecError:
            raise Refused(f"{self.url} does not answer like TLOI; is the address right?") from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise Away(f"{self.url} cannot be reached ({why}).") from error

    def _send_batch(self, items: Sequence[bytes], *, kind: str, source: str) -> Receipt:
        """A batch, in halves where something on the way finds it too large."""
        try:
            return self._post(items, kind=kind, source=source)
        except _TooLarge as error:
            if len(items) == 1:
                raise Refused(f"{self.url} refuses: a record of {len(items[0])} bytes is too large.") from error
        half = len(items) // 2
        first = self._send_batch(items[:half], kind=kind, source=source)
        return _sum(first, self._send_batch(items[half:], kind=kind, source=source), offset=half)

    def _post(self, items: Sequence[bytes], *, kind: str, source: str) -> Receipt:
        """Ask until the server has time, as long as there is patience."""
        began, attempt = self.clock(), 0
        while True:
            try:
                receipt = self._try(b"[" + b",".join(items) + b"]", kind=kind, source=source)
                break
            except _Busy as busy:
                pause = busy.retry_after or _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)]
                if self.clock() + pause > began + busy.patience:
                    raise Away(f"{self.url} {busy}; what is not sent will be, the next time.") from busy
                attempt += 1
                self.sleep(pause)
        if receipt.accepted + receipt.duplicates + receipt.quarantined + len(receipt.rejected) != len(items):
            raise Refused(f"{self.url} does not answer like TLOI; is the address right?")
        return receipt

    def _try(self, body: bytes, *, kind: str, source: str) -> Receipt:
        """One request. Raises _Busy, _TooLarge, Refused."""
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "X-TLOI-Source": source,
        }
        address = f"{self.url.rstrip('/')}/api/v1/{kind}/"
        request = urllib.request.Request(address, gzip.compress(body, 1), headers)  # noqa: S310 (http or https: checked)
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
                return _receipt.decode(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return self._refusal(error.code, error.headers, error.read())
        except msgspec.MsgspecError:
            raise Refused(f"{self.url} does not answer like TLOI; is the address right?") from None
        except (OSError, http.client.HTTPException) as error:
            raise _Busy(f"cannot be reached ({getattr(error, 'reason', None) or error})", patience=AWAY_S) from error

    def _refusal(self, status: int, headers: Message, content: bytes) -> Receipt:
        """The receipt in a 400 that stored nothing. Raises _Busy, _TooLarge, Refused."""
        said = f"{status} {http.client.responses.get(status, '')}".strip()
        if status >= 500 or status in _BUSY:
            raise _Busy(f"has no time ({said})", _seconds(headers.get("Retry-After", "")))
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise _TooLarge
        if status == HTTPStatus.BAD_REQUEST and (receipt := _receipt_in(content)) and receipt.rejected:
            return receipt
        if 300 <= status < 400:
            raise Refused(f"{self.url} answers with another address: {headers.get('Location', '')}. Give that one.")
        raise Refused(f"{self.url} refuses: {said}{_detail(content)}")


class _Busy(Exception):
    """Not now. `retry_after` in seconds, 0 where the server does not say; `patience`, how long it is worth waiting."""

    def __init__(self, sentence: str, retry_after: float = 0.0, *, patience: float = BUSY_S) -> None:
        super().__init__(sentence)
        self.retry_after, self.patience = retry_after, patience


class _TooLarge(Exception):
    """The body is larger than the server, or a proxy before it, takes."""


def batches(records: Sequence[Call | Execution]) -> Iterator[tuple[int, list[bytes]]]:
    """Records as JSON, in batches of at most MAX_ITEMS and MAX_BYTES, each with the place of its first record."""
    items: list[bytes] = []
    size = first = 0
    for place, item in enumerate(map(_encoded, records)):
        if items and (len(items) == MAX_ITEMS or size + len(item) + 2 > MAX_BYTES):
            yield first, items
            items, size, first = [], 0, place
        items.append(item)
        size += len(item) + 1
    if items:
        yield first, items


def _encoded(record: Call | Execution) -> bytes:
    """A record as JSON, without what is unset."""
    fields = msgspec.structs.asdict(record).items()
    return msgspec.json.encode({name: value for name, value in fields if value not in (None, "", ())})


def _sum(total: Receipt, part: Receipt, *, offset: int) -> Receipt:
    rejected = tuple(Rejection(one.index + offset, one.id, one.reason) for one in part.rejected)
    return Receipt(
        total.accepted + part.accepted,
        total.duplicates + part.duplicates,
        total.quarantined + part.quarantined,
        total.rejected + rejected,
    )


def _receipt_in(content: bytes) -> Receipt | None:
    try:
        return _receipt.decode(content)
    except msgspec.MsgspecError:
        return None


def _seconds(said: str) -> float:
    """Retry-After: seconds, or a moment; 0 where it is neither."""
    if said.strip().isdecimal():
        return float(said)
    try:
        moment = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _detail(content: bytes) -> str:
    """What the server says of it, where it says so as TLOI does."""
    try:
        return f": {msgspec.json.decode(content, type=_Error).error.message}"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "."


class _Reason(Struct):
    message: str


class _Error(Struct):
    error: _Reason
