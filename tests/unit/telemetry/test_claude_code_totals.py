"""However transcripts are cut into readings and in whatever order files come, the totals are the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contracts import Call
from telemetry.sources.claude_code import read
from telemetry.usage import input_total
from tests.transcripts import assistant, user

DATA = Path(__file__).parents[4] / "shared" / "data"
BUCKETS = ("input_uncached", "output", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown")


def collapsed(calls: Iterable[Call]) -> dict[str, Call]:
    """What the ledger keeps: of each call the copy with the larger output, then the larger input."""
    kept: dict[str, Call] = {}
    for call in calls:
        known = kept.get(call.id)
        if known is None or (call.output, input_total(call)) > (known.output, input_total(known)):
            kept[call.id] = call
    return kept


def totals(calls: Iterable[Call]) -> dict[str, int]:
    """Responses and tokens by bucket."""
    kept = collapsed(calls).values()
    return {"responses": len(kept)} | {bucket: sum(getattr(call, bucket) for call in kept) for bucket in BUCKETS}


def calls_of(lines: Sequence[bytes], cuts: Iterable[int] = ()) -> list[Call]:
    """The calls of one file, read in pieces that end at `cuts`, the state passing through JSON as it does in life."""
    state: dict[str, Any] = {}
    calls: list[Call] = []
    begin = 0
    for end in (*sorted(cuts), len(lines)):
        reading = read(lines[begin:end], file_name="s.jsonl", host="", state=state)
        state, begin = json.loads(json.dumps(reading.state)), max(begin, end)
        calls.extend(reading.calls)
    return calls


responses = st.builds(
    lambda request, output, cached, is_sidechain, has_ended: assistant(
        f"req_{request}",
        output,
        counts={"cache_read_input_tokens": cached},
        isSidechain=is_sidechain,
        message={"stop_reason": "end_turn" if has_ended else None},
    ),
    st.integers(0, 8),
    st.integers(0, 5),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
files = st.lists(st.lists(responses | st.just(user()) | st.just(b"not JSON"), max_size=25), min_size=1, max_size=4)


@given(files=files, data=st.data())
def test_any_cut_and_any_order_of_files_gives_the_same_totals(files: list[list[bytes]], data: st.DataObject) -> None:
    expected = totals(call for lines in files for call in calls_of(lines))
    shuffled = data.draw(st.permutations(files))
    cuts = [data.draw(st.lists(st.integers(0, len(lines)), max_size=6)) for lines in shuffled]
    assert totals(call for lines, cut in zip(shuffled, cuts, strict=True) for call in calls_of(lines, cut)) == expected


def test_totals_would_differ_if_the_first_copy_were_kept() -> None:
    lines = [assistant(output=1), assistant(output=9)]
    assert totals(calls_of(lines))["output"] == 9
    assert totals(calls_of(lines, cuts=[1]))["output"] == 9


@pytest.mark.shared_data
def test_real_transcripts_give_the_totals_that_were_checked_against_ccusage() -> None:
    expected = json.loads((DATA / "expected_totals.json").read_text())["claude_code"]
    paths = sorted((DATA / "claude_code").glob("*.jsonl"))
    found = totals(call for path in paths for call in calls_of(path.read_bytes().split(b"\n")))
    assert len(paths) == expected["files"]
    assert found == {name: expected[name] for name in found}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["small", "tool_loop"])
def test_the_newest_transcripts_are_read_without_loss(name: str) -> None:
    lines = (DATA / "otlp_captured" / f"claude-code-2.1.329_transcript_{name}.jsonl").read_bytes().split(b"\n")
    reading = read(lines, file_name=f"{name}.jsonl", host="", state={})
    requests = {line["requestId"] for text in lines if text and "requestId" in (line := json.loads(text))}
    assert {call.id for call in reading.calls} == requests
    assert not reading.unreadable
    assert {call.quality for call in reading.calls} == {()}
