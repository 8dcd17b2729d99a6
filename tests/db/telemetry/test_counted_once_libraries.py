"""What libraries tell of one request, by several routes, batches and instrumentations, is counted once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from telemetry.models import Execution as ExecutionRow
from telemetry.sources import litellm as webhook
from telemetry.sources.otlp.reading import read_spans
from telemetry.sources.otlp.records import Span
from tests.ledger_reading import new_tenant, send, sums
from tests.litellm_payloads import RESPONSE_ID, payload, span_attributes
from tests.recorded_responses import is_streamed_by_anthropic, provided, recorded, recorded_spans
from tests.spans import buckets, span

AFTER = datetime(2026, 12, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


def sent(tenant: int, *batch: Span) -> None:
    """A batch of spans, read by whichever dialects own them."""
    for said in read_spans(batch).values():
        assert not said.rejected
        send(tenant, said.calls, executions=said.executions, source="otlp", now=AFTER)


def posted(tenant: int) -> None:
    call = webhook.read(json.dumps(payload()).encode())
    assert call is not None
    send(tenant, [call], source="litellm")


OUTER = span(span_attributes(), scope="litellm", name="litellm_request", parent_id="c" * 16)
INNER = span(
    {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "claude-sonnet-4-5-20250929",
        "gen_ai.response.id": RESPONSE_ID,
        "gen_ai.usage.input_tokens": 8320,
        "gen_ai.usage.output_tokens": 50,
    },
    scope="opentelemetry.instrumentation.openai.v1",
    span_id="d" * 16,
    parent_id=OUTER.span_id,
)
ROUTES: dict[str, Any] = {
    "webhook": posted,
    "span": lambda tenant: sent(tenant, OUTER),
    "inner span": lambda tenant: sent(tenant, INNER),
    "both spans": lambda tenant: sent(tenant, OUTER, INNER),
}


@pytest.mark.parametrize("order", list(permutations(ROUTES, 3)), ids=" then ".join)
def test_a_request_that_litellm_tells_by_webhook_and_spans_is_one_call(order: Sequence[str]) -> None:
    tenant = new_tenant()
    for route in order:
        ROUTES[route](tenant)
    total = sums(tenant)
    assert (total.calls, total.input_total, total.output) == (1, 8320, 50)
    assert total.cost_nanousd == 4_785_000


def openclaws(name: str, span_id: str, *, tokens: int) -> Span:
    attributes = {"gen_ai.request.model": "house-llama", "gen_ai.usage.input_tokens": tokens}
    attributes |= {"gen_ai.usage.output_tokens": 1, "gen_ai.provider.name": "house"}
    return span(attributes, scope="openclaw", name=name, span_id=span_id)


@pytest.mark.parametrize("order", list(permutations(("one", "two", "run"))), ids=" then ".join)
def test_a_run_of_openclaw_is_the_sum_of_its_requests_in_whatever_batches_they_come(order: Sequence[str]) -> None:
    tenant = new_tenant()
    spans = {
        "one": openclaws("openclaw.model.call", "1" * 16, tokens=100),
        "two": openclaws("openclaw.model.call", "2" * 16, tokens=200),
        "run": openclaws("openclaw.model.usage", "3" * 16, tokens=300),
    }
    for name in order:
        sent(tenant, spans[name])
    total = sums(tenant)
    assert (total.calls, total.input_total) == (2, 300)
    row = ExecutionRow.objects.get(project_id=tenant)
    assert row.sent_input_tokens == 300


def test_a_run_of_openclaw_whose_requests_tell_no_tokens_counts_by_its_totals() -> None:
    tenant = new_tenant()
    sent(tenant, openclaws("openclaw.model.usage", "3" * 16, tokens=300))
    assert (sums(tenant).calls, sums(tenant).input_total) == (1, 300)


def test_a_batch_that_is_exported_again_adds_nothing() -> None:
    tenant = new_tenant()
    batch = [
        span({"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": n}, span_id=f"{n:016x}") for n in range(1, 5)
    ]
    sent(tenant, *batch)
    sent(tenant, *batch[::-1])
    assert (sums(tenant).calls, sums(tenant).input_total) == (4, 10)


@pytest.mark.shared_data
def test_recorded_responses_add_up_to_what_their_providers_counted_each_once() -> None:
    """The recordings were replayed several times, so that 330 spans with usage tell of fewer responses."""
    tenant = new_tenant()
    sent(tenant, *recorded_spans())
    sent(tenant, *recorded_spans()[::-1])
    expected = {
        read.id: buckets(read) if is_streamed_by_anthropic(line) else provided(line)
        for line, read in recorded()
        if read is not None
    }
    total = sums(tenant)
    told = (total.input_uncached, total.cache_read, total.cache_write_unknown, total.output)
    of_all = [sum(column) for column in zip(*expected.values(), strict=True)]
    assert (total.calls, *told) == (len(expected), of_all[0], of_all[1], of_all[4], of_all[5])
