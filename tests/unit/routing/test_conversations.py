"""What a process remembers of conversations is bounded."""

from __future__ import annotations

import pytest

from routing.compression.view import Seen
from routing.gateway import conversations
from routing.gateway.conversations import Conversations
from telemetry.facade import LoopConnection


def test_requests_that_were_seen_take_no_more_than_so_many_bytes_and_those_of_last_time_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversations, "MOST_SEEN_BYTES", 1_000)
    known = Conversations(LoopConnection())
    seen = Seen([], [], {})
    for number in [*range(10), 3, 3]:
        known._have_seen((1, b"%d" % number), seen, 300)
    assert [digest for _, digest in known._seen] == [b"8", b"9", b"3"]
    known._have_seen((1, b"9"), None, 300)
    known._have_seen((1, b"long"), seen, 1_001)
    assert (list(known._seen), known._seen_bytes) == ([], 0)
